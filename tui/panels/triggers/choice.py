"""A list with a cursor, of which the window moves no more than it has to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from textual import events

from tui.messages import LinePicked
from tui.panels.lines import Panel
from tui.panels.rows import Part, Row, Rows, fitted, width_of

Item = TypeVar("Item")
T = TypeVar("T")


class ChoicePanel(Panel[T], Generic[T, Item]):
    """A heading and items. The cursor stays on its item, by key, when the value changes around it."""

    DEFAULT_CSS = "ChoicePanel { height: 1fr; }"
    _cursor = 0
    _first = 0
    _moved = False

    @abstractmethod
    def items(self) -> Sequence[Item]:
        """What can be chosen from, in the order of the rows."""

    @abstractmethod
    def key_of(self, item: Item) -> str:
        """What an item goes by."""

    @abstractmethod
    def head(self, width: int, span: str) -> Row:
        """The row above the items; ``span`` says which of how many are seen, "" when it is all of them."""

    @abstractmethod
    def row(self, item: Item, width: int) -> list[Part]:
        """The parts of an item; what doesn't fit is cut with a sign."""

    def empty(self) -> str:
        """What stands there when there are no items."""
        return ""

    @property
    def current(self) -> Item | None:
        """The item under the cursor."""
        every = self.items()
        return every[min(self._cursor, len(every) - 1)] if every else None

    @property
    def page(self) -> int:
        return max(1, self.size.height - 1)

    def put(self, value: T) -> None:
        before = self.current
        key = self.key_of(before) if before is not None else None
        self._value, old = value, self._value
        self.find(key, before)
        if value != old:
            self.lay_out_again()

    def find(self, key: str | None, before: Item | None = None) -> None:
        """Have the cursor on the item ``key`` again; where it is gone, on ``before``'s place.

        Until it was moved, the cursor is on the first item, whichever that turns out to be.
        """
        every = self.items()
        if key is not None and self._moved:
            places = (number for number, item in enumerate(every) if self.key_of(item) == key)
            self._cursor = next(places, self._instead(before))
        self._cursor = min(self._cursor, max(0, len(every) - 1))

    def _instead(self, before: Item | None) -> int:
        """The cursor's place when its item is gone."""
        return self._cursor

    def pick(self, key: str) -> bool:
        """Put the cursor on the item ``key``; False where there is none."""
        for number, item in enumerate(self.items()):
            if self.key_of(item) == key:
                self._cursor, self._moved = number, True
                self.lay_out_again()
                return True
        return False

    def move(self, lines: int) -> None:
        """Move the cursor, not beyond either end."""
        cursor = min(max(self._cursor + lines, 0), max(0, len(self.items()) - 1))
        self._moved = True
        if cursor != self._cursor:
            self._cursor = cursor
            self.lay_out_again()
            self.post_message(LinePicked())

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click goes into the item."""
        place = self._first + event.y - 1
        if event.y >= 1 and place < len(self.items()):
            self.move(place - self._cursor)
            if event.chain == 2:
                self.post_message(LinePicked(opened=True))

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        self.move(1)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        self.move(-1)

    def lay_out(self, width: int, height: int) -> Rows:
        every = self.items()
        if not every:
            return (fitted([(self.empty(), "quiet")], width, ascii=self.ascii),)
        room = max(1, height - 1)
        cursor = min(self._cursor, len(every) - 1)
        first = min(self._first, cursor, max(0, len(every) - room))
        self._first = first = max(first, cursor - room + 1)
        seen = every[first : first + room]
        span = f"{first + 1}-{first + len(seen)} of {len(every)} {'^v' if self.ascii else '↑↓'}"
        head = self.head(width, span if len(seen) < len(every) else "")
        return (head, *(self._styled(item, width, first + n == cursor) for n, item in enumerate(seen)))

    def _styled(self, item: Item, width: int, current: bool) -> Row:
        row = fitted(self.row(item, width), width, ascii=self.ascii)
        if not current:
            return row
        # One look from end to end: it reads better than the row's own colours turned round, and is cheaper to send.
        text = "".join(text for text, _ in row)
        return ((text + " " * (width - width_of(row)), "bold reverse"),)
