"""The last row: what the keys do now, or a question."""

from __future__ import annotations

from dataclasses import dataclass

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted, width_of


@dataclass(frozen=True, slots=True)
class Foot:
    """(key, word) pairs; with a ``question`` the keys that answer it, and with a ``notice`` what was just done."""

    hints: tuple[tuple[str, str], ...] = ()
    question: str = ""
    notice: str = ""


class FooterPanel(Panel[Foot]):
    """One row; the hints that don't fit are left out from the end, with a sign. Of a question its text is cut:
    the keys that answer it are always seen.
    """

    DEFAULT_CSS = "FooterPanel { height: 1; dock: bottom; }"

    def lay_out(self, width: int, height: int) -> Rows:
        foot = self.value
        hints: list[Part] = []
        for key, word in foot.hints:
            hints += [("  ", ""), (key, "bold accent"), (f" {word}", "quiet")]
        if foot.question:
            room = max(0, width - width_of(hints))
            return ((*fitted([(foot.question, "bold warn")], room, ascii=self.ascii), *hints),)
        parts = [(foot.notice, "warn"), *hints] if foot.notice else hints[1:]
        return (fitted(parts, width, ascii=self.ascii),)
