"""The first row of a screen that isn't about one session."""

from __future__ import annotations

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Rows, spread


class TitlePanel(Panel[tuple[str, str]]):
    """A title, and at the right end what it is about."""

    DEFAULT_CSS = "TitlePanel { height: 1; }"

    def lay_out(self, width: int, height: int) -> Rows:
        title, about = self.value
        return (spread([(title, "bold")], [(safe.line(about, 200), "quiet")], width, ascii=self.ascii),)
