"""The row of screens with their numbers, on top where there are rows to spare."""

from __future__ import annotations

from dataclasses import dataclass

from tui.panels.rows import Rows, fitted
from tui.panels.strip import StripPanel


@dataclass(frozen=True, slots=True)
class Tabs:
    """(key, name) of each screen, and the name of the one that is seen."""

    places: tuple[tuple[str, str], ...] = ()
    current: str = ""


class TabsPanel(StripPanel[Tabs]):
    """One row; a click on a name goes there."""

    class Picked(StripPanel.Picked):
        """The user clicked on the screen ``name``."""

    def lay_out(self, width: int, height: int) -> Rows:
        names = [(name, key, name) for key, name in self.value.places]
        return (fitted(self.strip(names, self.value.current)[:-1], width, ascii=self.ascii),)
