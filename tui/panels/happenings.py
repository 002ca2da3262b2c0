"""The list of what happened, newest first."""

from __future__ import annotations

from tui import safe
from tui.charts.palette import MARK_MEANINGS
from tui.panels.rows import Part, Row, Rows, fitted, spread
from tui.panels.scrolled import ScrolledPanel
from tui.pictures.happenings import Happening

_ASCII_SYMBOLS = {"▸": ">", "■": "x", "…": ".", "✓": "+", "✗": "!", "–": "-"}
_LEGEND = {mark: word for mark, word in MARK_MEANINGS.items() if mark != "!"}
"""The letters of compile events; what other signs stand for is told by their lines."""

_LABEL = 20
_GROUP = 16
"""Cells for a run's workload where its whole label doesn't fit: the symbol says which variant it is."""


class HappeningsPanel(ScrolledPanel[tuple[Happening, ...]]):
    """A title and as many lines as fit; ``scroll_lines`` looks further down, towards older ones."""

    DEFAULT_CSS = "HappeningsPanel { height: 1fr; }"

    @property
    def page(self) -> int:
        """How many lines are seen at a time."""
        return max(1, self._room(self.size.height))

    def put(self, value: tuple[Happening, ...]) -> None:
        if self._first and len(value) > len(self.value):
            # Who looks at older lines goes on looking at them.
            self._first += len(value) - len(self.value)
        self._first = min(self._first, max(0, len(value) - 1))
        super().put(value)

    def _room(self, height: int) -> int:
        return max(0, height - 1)

    def lay_out(self, width: int, height: int) -> Rows:
        self.total = len(self.value)
        seen = self.value[self._first : self._first + self._room(height)]
        wide = width >= 90
        return (self._title(width, len(seen)), *(self._row(found, width, wide) for found in seen))

    def _title(self, width: int, seen: int) -> Row:
        total = self.total
        left: list[Part] = [("events", "bold")]
        if not total:
            return fitted([*left, ("  nothing yet", "quiet")], width, ascii=self.ascii)
        right = f"{self._first + 1}-{self._first + seen} of {total}" if seen < total else str(total)
        arrows = ("^v" if self.ascii else "↑↓") if seen < total else ""
        right = f"{right} {arrows}".strip()
        seen_kinds = {found.symbol for found in self.value}
        legend = "".join(f"  {mark} {word}" for mark, word in _LEGEND.items() if mark in seen_kinds)
        if len("events") + len(legend) + 2 + len(right) <= width:
            left.append((legend, "quiet"))
        return spread(left, [(right, "quiet")], width, ascii=self.ascii)

    def _row(self, found: Happening, width: int, wide: bool) -> Row:
        symbol = _ASCII_SYMBOLS.get(found.symbol, found.symbol) if self.ascii else found.symbol
        parts: list[Part] = [(f"{found.when:>5} ", "quiet"), (f"{symbol} ", f"bold {found.style}".strip())]
        if found.label:
            parts.append((f"{found.marker_ascii if self.ascii else found.marker} ", found.label_style))
            group = safe.fit(found.group, _GROUP, ascii=self.ascii)
            label = safe.pad(found.label, _LABEL, ascii=self.ascii) if wide else f"{group} {found.repeat}".strip()
            if label:
                parts.append((f"{label} ", found.label_style))
        parts.append((found.text, found.style if found.style in ("warn", "bad", "good") else ""))
        return fitted(parts, width, ascii=self.ascii)
