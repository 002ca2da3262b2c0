"""A run's compiles on one time axis: a row each, the bar in its parts."""

from __future__ import annotations

from collections.abc import Sequence

from tui import safe
from tui.panels.rows import Part, Row, fitted
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures import words
from tui.pictures.triggers.lines import milliseconds
from tui.pictures.triggers.phases import cells_of, look_of
from tui.pictures.triggers.waterfall import BarLine, Waterfall

_TOOK = 8
_GAP = 2


class WaterfallPanel(ChoicePanel[Waterfall, BarLine]):
    DEFAULT_CSS = "WaterfallPanel { height: 1fr; }"

    def items(self) -> Sequence[BarLine]:
        return self.value.lines

    def key_of(self, item: BarLine) -> str:
        return item.key

    def empty(self) -> str:
        return self.value.empty or "reading the session"

    def _widths(self, width: int) -> tuple[int, int]:
        """Of the labels and of the axis."""
        longest = max((len(line.label) for line in self.value.lines), default=0)
        label = min(max(longest, 8), max(12, width // 3))
        return label, max(8, width - label - 2 - _TOOK - 2 * _GAP)

    def head(self, width: int, span: str) -> Row:
        label, axis = self._widths(width)
        end = milliseconds(self.value.end_s * 1000)
        ticks = f"0 s{end.rjust(axis - 3)}" if len(end) + 6 < axis else end.rjust(axis)
        room = label + 2 - (len(span) + 1 if span else 0)
        name = safe.pad(self.value.label, room, ascii=self.ascii) + (f" {span}" if span else "")
        took = ("took".rjust(_TOOK + _GAP), "quiet")
        return fitted([(name, "bold"), took, (" " * _GAP, ""), (ticks, "quiet")], width, ascii=self.ascii)

    def row(self, item: BarLine, width: int) -> list[Part]:
        label, axis = self._widths(width)
        parts: list[Part] = [
            (f"{item.symbol} ", f"bold {item.style}"),
            (safe.pad(item.label, label, ascii=self.ascii), "" if not item.measured else "bold"),
            (_took(item).rjust(_TOOK + _GAP), "accent" if item.running else ""),
            (" " * _GAP, ""),
        ]
        scale = axis / self.value.end_s if self.value.end_s > 0 else 0.0
        start = min(int(item.start_s * scale), axis - 1)
        size = max(1, min(round(item.duration_s * scale), axis - start))
        parts.append((" " * start, ""))
        drawn = cells_of(item.parts, size)
        if item.running or not drawn:
            parts.append((("." if self.ascii else "…") * size, "accent"))
        for phase, cells in drawn:
            look = look_of(phase)
            parts.append((look.letter * cells, look.style))
        return parts


def _took(item: BarLine) -> str:
    """How long; of one that never ended, or whose end the log has lost, nobody knows."""
    return milliseconds(item.duration_s * 1000) if item.running or item.parts else words.NOTHING
