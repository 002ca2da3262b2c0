"""Keys are obeyed one after the other.

Over a slow link they come in bundles, and fingers are ahead of screens. Textual hands every key at once to whatever has
the focus at that moment: of a filter's words typed right after the key that opens its line the first would be
commands, and a ``q`` among them the end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.message_pump import MessagePump

LOST_S = 5.0
"""A key that takes longer holds up those after it no more. On a busy machine a screen may take a second to open: what
was typed for it must not become commands.
"""


class OrderlyApp(App[None]):
    """Gives a key away when the one before has done all that it does: a screen opened, a line focused."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead: deque[events.Key | events.Paste] = deque()
        self._turn = 0
        self._turn_began_at: float | None = None  # monotonic seconds; None: no key is being obeyed

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._ahead.append(event)
        if self._turn_began_at is None or time.monotonic() - self._turn_began_at > LOST_S:
            await self._next_turn()

    async def _next_turn(self) -> None:
        self._turn += 1
        self._turn_began_at = time.monotonic()
        target = self.focused or self._front
        await super().on_event(self._ahead.popleft())
        # A key goes from the widget through each that it lies in to the screen and the app, which finds what it does;
        # that goes the same way again, by messages, and by a new screen or a new focus back to the app. Each of them
        # works through its messages in their order, so what follows the key comes after all that.
        upwards = [target, *(target.ancestors if isinstance(target, DOMNode) else ())]
        up = [partial(_same, place) for place in upwards if place is not self]
        app = partial(_same, self)
        await self._follow(self._turn, (*up, app, *up, app, lambda: self._front, app))

    async def _follow(self, turn: int, way: tuple[Callable[[], MessagePump], ...]) -> None:
        """Go ``way``, behind what waits at each place; then it is the next key's turn."""
        if turn != self._turn:
            return
        for number, place in enumerate(way, 1):
            if place().call_later(self._follow, turn, way[number:]):
                return  # else the place is closed
        self._turn_began_at = None
        if self._ahead:
            await self._next_turn()

    @property
    def _front(self) -> MessagePump:
        stack: list[Any] = self.screen_stack
        return stack[-1] if stack else self


def _same(place: MessagePump) -> MessagePump:
    return place
