"""The last row: what the keys do now, or a question."""

from __future__ import annotations

from dataclasses import dataclass

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted


@dataclass(frozen=True, slots=True)
class Foot:
    """(key, word) pairs; with a ``question`` the keys that answer it, and with a ``notice`` what was just done."""

    hints: tuple[tuple[str, str], ...] = ()
    question: str = ""
    notice: str = ""


class FooterPanel(Panel[Foot]):
    """One row; the hints that don't fit are left out from the end, with a sign."""

    DEFAULT_CSS = "FooterPanel { height: 1; dock: bottom; }"

    def lay_out(self, width: int, height: int) -> Rows:
        foot = self.value
        parts: list[Part] = []
        if foot.question:
            parts += [(foot.question, "bold warn"), ("  ", "")]
        elif foot.notice:
            parts += [(foot.notice, "warn"), ("  ", "")]
        for key, word in foot.hints:
            parts += [(key, "bold accent"), (f" {word}", "quiet"), ("  ", "")]
        return (fitted(parts[:-1], width, ascii=self.ascii),)
