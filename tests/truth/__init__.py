"""Compile events against an independent reader: the same runs as torch's own trace has them, read by ``tlparse``."""
