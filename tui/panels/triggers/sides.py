"""Two cases side by side: figures, then the triggers that they have in common or alone."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui import safe
from tui.panels.rows import Part, Row, fitted
from tui.panels.triggers.choice import ChoicePanel
from tui.pictures.triggers.lines import CaseLook
from tui.pictures.triggers.sides import SideLine, Sides

_LEAST_VALUE, _MOST_VALUE = 12, 30
_MOST_LABEL = 50
_DIFFERENCE = 10
_GAP = 2


class SidesPanel(ChoicePanel[Sides, SideLine]):
    DEFAULT_CSS = "SidesPanel { height: 1fr; }"

    def items(self) -> Sequence[SideLine]:
        return self.value.lines

    def key_of(self, item: SideLine) -> str:
        return item.key

    def empty(self) -> str:
        return self.value.empty or "reading the session"

    def _widths(self, width: int) -> tuple[int, tuple[int, int], int]:
        """Of the labels, of the values of either side, and of the difference (0: no room for it)."""
        most = min(_MOST_VALUE, max(_LEAST_VALUE, (width - _DIFFERENCE) // 4 + 1))
        left, right = (
            min(most, max(_LEAST_VALUE, cell_len(side.label) + 2 if side is not None else 0))
            for side in (self.value.left, self.value.right)
        )
        difference = _DIFFERENCE if width >= 76 else 0
        rest = width - left - right - 2 * _GAP - (difference + _GAP if difference else 0)
        return min(max(10, rest), _MOST_LABEL), (left, right), difference

    def head(self, width: int, span: str) -> Row:
        label, values, difference = self._widths(min(width, 120))
        parts: list[Part] = [(safe.pad(span, label, ascii=self.ascii), "quiet")]
        for side, value in zip((self.value.left, self.value.right), values, strict=True):
            assert side is not None
            parts.append((" " * _GAP, ""))
            parts.append(
                (safe.pad(self._called(side, value), value, right=True, ascii=self.ascii), f"bold {side.style}")
            )
        if difference:
            parts.append((" " * _GAP + safe.pad("difference", difference, right=True), "quiet"))
        return fitted(parts, width, ascii=self.ascii)

    def _called(self, side: CaseLook, width: int) -> str:
        marker = side.marker_ascii if self.ascii else side.marker
        return f"{marker} {safe.fit(side.label, width - 2, ascii=self.ascii)}"

    def row(self, item: SideLine, width: int) -> list[Part]:
        label, values, difference = self._widths(min(width, 120))
        parts: list[Part] = [(safe.pad(item.label, label, ascii=self.ascii), item.label_style)]
        for text, value in zip((item.left, item.right), values, strict=True):
            parts.append((" " * _GAP + safe.pad(text, value, right=True, ascii=self.ascii), ""))
        if difference:
            parts.append((" " * _GAP + safe.pad(item.difference, difference, right=True, ascii=self.ascii), "quiet"))
        return parts
