"""Measures diffusers pipelines and turns what was measured into answers. Never imports ``tui``."""

__version__ = "0.1.0"
