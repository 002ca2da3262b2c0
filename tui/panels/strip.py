"""A row of names to choose from, one of which is chosen: screens, views. A click chooses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tui.panels.lines import Panel
from tui.panels.rows import Part

T = TypeVar("T")


class StripPanel(Panel[T]):
    """A subclass lays its row out from what ``strip`` gives it, from the row's left edge on."""

    DEFAULT_CSS = "StripPanel { height: 1; }"

    class Picked(Message):
        """The user clicked on ``name``."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def __init__(self, value: T, *, ascii: bool = False, id: str | None = None) -> None:
        super().__init__(value, ascii=ascii, id=id)
        self._spans: list[tuple[int, int, str]] = []

    def strip(
        self, names: Iterable[tuple[str, str, str]], current: str, *, before: str = "", gap: str = "  "
    ) -> list[Part]:
        """The parts of (name, key, title): a title with its key, if any, ``current`` standing out; and where they are.

        ``before``: the key by which one goes through them.
        """
        parts: list[Part] = [(f"{before} ", "quiet")] if before else []
        x = cell_len(before) + 1 if before else 0
        self._spans = []
        for name, key, title in names:
            chosen = name == current
            label = f"{key} " if key else ""
            if label:
                parts.append((label, "bold accent" if chosen else "quiet"))
            parts += [(title, "bold reverse" if chosen else "quiet"), (gap, "")]
            end = x + cell_len(label) + cell_len(title)
            self._spans.append((x, end, name))
            x = end + len(gap)
        return parts

    def on_click(self, event: events.Click) -> None:
        event.stop()
        for start, end, name in self._spans:
            if start <= event.x < end:
                self.post_message(self.Picked(name))
