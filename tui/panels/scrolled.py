"""The base of panels with more lines than fit, of which one row of their own says which are seen."""

from __future__ import annotations

from typing import TypeVar

from textual import events

from tui.panels.lines import Panel

T = TypeVar("T")

WHEEL_LINES = 3


class ScrolledPanel(Panel[T]):
    """As many lines as fit from where ``scroll_lines`` went; a subclass lays them out from ``_first`` on."""

    _first = 0

    total = 0
    """Lines that there are at this width."""

    @property
    def page(self) -> int:
        return max(1, self.size.height - 2)

    def scroll_lines(self, lines: int) -> None:
        """Look ``lines`` further down, or up."""
        first = min(max(self._first + lines, 0), max(0, self.total - (self.size.height - 1)))
        if first != self._first:
            self._first = first
            self.lay_out_again()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.scroll_lines(WHEEL_LINES)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.scroll_lines(-WHEEL_LINES)
