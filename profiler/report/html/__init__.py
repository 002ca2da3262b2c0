"""A comparison as one HTML page that needs nothing else: no network, no script, plots drawn inline."""

from __future__ import annotations

from profiler.report.html.page import page

__all__ = ["page"]
