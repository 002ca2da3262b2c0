"""The last row: what the keys do now, or a question."""

from __future__ import annotations

from dataclasses import dataclass

from tui.panels.lines import Panel
from tui.panels.rows import Part, Rows, fitted, width_of

_GAP = 2


@dataclass(frozen=True, slots=True)
class Foot:
    """(key, word) pairs; with a ``question`` the keys that answer it, and with a ``notice`` what was just done.

    The last ``staying`` pairs are always seen: how to leave, and where all keys are.
    """

    hints: tuple[tuple[str, str], ...] = ()
    staying: int = 0
    question: str = ""
    notice: str = ""


class FooterPanel(Panel[Foot]):
    """One row. Of hints that don't fit those in the middle are left out, with a sign: back, help, which has them all,
    and quit are always seen, but beside a notice, which takes the room of those that have to make place. Of a question
    its text is cut: the keys that answer it are always seen.
    """

    DEFAULT_CSS = "FooterPanel { height: 1; dock: bottom; }"

    def lay_out(self, width: int, height: int) -> Rows:
        foot = self.value
        hints = [_hint(key, word) for key, word in foot.hints]
        keys = [part for hint in hints for part in hint]
        if foot.question:
            room = max(0, width - width_of(keys))
            return ((*fitted([(foot.question, "bold warn")], room, ascii=self.ascii), *keys),)
        start: list[Part] = [(foot.notice, "warn")] if foot.notice else []
        gap = 0 if start else _GAP  # the first one on the row needs none
        if width_of(start) + width_of(keys) - gap > width:
            sign: list[Part] = [(" " * _GAP + ("~" if self.ascii else "…"), "quiet")]
            place = len(hints) - foot.staying
            first, last = hints[:place], hints[place:]
            room = width + gap - width_of(start) - width_of(sign)
            while first and sum(map(width_of, [*first, *last])) > room:
                first.pop()
            while start and last and sum(map(width_of, last)) > room:
                last.pop(0)
            keys = [part for hint in [*first, sign, *last] for part in hint]
        if not start:
            keys[:1] = [(text.lstrip(), style) for text, style in keys[:1]]
        return (fitted([*start, *keys], width, ascii=self.ascii),)


def _hint(key: str, word: str) -> list[Part]:
    return [(" " * _GAP, ""), (key, "bold accent"), (f" {word}", "quiet")]
