"""The row of screens with their numbers, on top where there are rows to spare."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted

GAP = "  "


@dataclass(frozen=True, slots=True)
class Tabs:
    """(key, name) of each screen, and the name of the one that is seen."""

    places: tuple[tuple[str, str], ...] = ()
    current: str = ""


class TabsPanel(Panel[Tabs]):
    """One row; a click on a name goes there."""

    DEFAULT_CSS = "TabsPanel { height: 1; }"

    class Picked(Message):
        """The user clicked on the screen ``name``."""

        def __init__(self, name: str) -> None:
            self.name = name
            super().__init__()

    def lay_out(self, width: int, height: int) -> Rows:
        parts: list[Part] = []
        for key, name in self.value.places:
            current = name == self.value.current
            parts.append((f"{key} ", "bold accent" if current else "quiet"))
            parts.append((name, "bold reverse" if current else "quiet"))
            parts.append((GAP, ""))
        return (fitted(parts[:-1], width, ascii=self.ascii),)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        start = 0
        for key, name in self.value.places:
            end = start + cell_len(f"{key} {name}")
            if start <= event.x < end:
                self.post_message(self.Picked(name))
            start = end + len(GAP)
