"""Charts for the terminal: `spec` (what to draw) -> `canvas` (cells, by plotext) -> `widget` (paints the change).

Import from the modules: only `canvas` and `widget` load plotext, which takes a tenth of a second.
"""
