"""Tables and documents made of the analysis' answers."""

SCHEMA = 1
"""The version of the documents of ``--json``."""
