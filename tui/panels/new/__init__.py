"""The panels of the New screen."""
