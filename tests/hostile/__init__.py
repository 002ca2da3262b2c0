"""Sessions that somebody else has made: data, whatever they hold."""
