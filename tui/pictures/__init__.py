"""From the state of sessions to what screens show: frozen values, made off the UI thread, compared by value."""
