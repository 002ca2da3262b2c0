"""Two rows: how far the session is, and the run under way."""

from __future__ import annotations

from rich.cells import cell_len

from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, bar, fitted, width_of
from tui.pictures.progress import ProgressLine

_LEFT = 18
"""Cells for the estimate: "a few seconds left"."""

_LEAST_BAR = 6


class ProgressPanel(Panel[tuple[ProgressLine, ...]]):
    """The text comes first; bar and estimate stand at the right end while there is room for them."""

    DEFAULT_CSS = "ProgressPanel { height: 2; }"

    def lay_out(self, width: int, height: int) -> Rows:
        label_width = max((cell_len(line.label) + (2 if line.symbol else 0) for line in self.value), default=0)
        return tuple(self._row(line, width, min(label_width, width // 3)) for line in self.value)

    def _row(self, line: ProgressLine, width: int, label_width: int) -> Row:
        parts: list[Part] = []
        if line.symbol:
            parts.append((f"{line.symbol_ascii if self.ascii else line.symbol} ", line.label_style))
        if line.label:
            parts.append((line.label, line.label_style))
            parts.append((" " * max(0, label_width - width_of(parts)) + "  ", ""))
        parts.append((_text(line, width - width_of(parts)), line.text_style))
        if line.fraction is None:
            return fitted(parts, width, ascii=self.ascii)
        left_width = min(_LEFT, width // 4)
        bar_width = min(40, width // 5)
        percent = f"{int(line.fraction * 100):3d} % "
        end = width_of(parts) + 2
        tail: list[Part] = []
        if end + left_width <= width:
            tail = [(line.left.rjust(left_width), "quiet")]
        if end + left_width + bar_width + 1 <= width and bar_width >= _LEAST_BAR:
            tail = [*bar(line.fraction, bar_width, ascii=self.ascii), (" ", ""), *tail]
            if end + left_width + bar_width + 1 + len(percent) <= width:
                tail = [(percent, ""), *tail]
        start = fitted(parts, width - width_of(tail), ascii=self.ascii)
        return (*start, (" " * (width - width_of(start) - width_of(tail)), ""), *tail)


def _text(line: ProgressLine, width: int) -> str:
    """The longest of its texts that fits; the brief one, which may be cut, where none does."""
    held = f"{line.held}, {line.brief}" if line.held and line.brief else line.text
    return next((text for text in (line.text, held) if cell_len(text) <= width), line.brief or line.text)
