"""What would come of the form: the rows at the foot of the New screen."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells

from tui import safe
from tui.panels.lines import Panel
from tui.panels.rows import Row, Rows
from tui.pictures.new.outcome import NewPicture

_LABEL = 9


class OutcomePanel(Panel[NewPicture]):
    """What is wrong, or runs, time, memory; and the command that does the same in the rows that are left."""

    DEFAULT_CSS = "OutcomePanel { height: 7; }"

    def lay_out(self, width: int, height: int) -> Rows:
        picture = self.value
        rule = ("-" if self.ascii else "─") * width
        room = width - _LABEL
        told = [("!", picture.fault, "bad")] if picture.fault else []
        told += picture.lines
        if picture.command:
            told.append(("command", picture.command, "accent"))
        shares = _shares([len(broken(text, room)) for _, text, _ in told], height - 1)
        rows: list[Row] = [((rule, "faint"),)]
        for (label, text, style), share in zip(told, shares, strict=True):
            rows += self._told(label, text, style, room, share)
        return tuple(rows[:height])

    def _told(self, label: str, text: str, style: str, room: int, most: int) -> list[Row]:
        """``text`` in at most ``most`` rows beside its label, cut with a sign; it breaks at blanks where it can."""
        lines = broken(text, room)
        if most < 1:
            return []
        if len(lines) > most:
            lines = [*lines[: most - 1], safe.fit(" ".join(lines[most - 1 :]), room, ascii=self.ascii)]
        heads = [label, *[""] * (len(lines) - 1)]
        return [
            ((safe.pad(head, _LABEL, ascii=self.ascii), "bold bad" if label == "!" else "quiet"), (line, style))
            for head, line in zip(heads, lines, strict=True)
        ]


def _shares(wanted: list[int], rows: int) -> list[int]:
    """How many of ``rows`` each text gets that wants so many: one each, then the last what it wants, then the first."""
    shares = [1 if number < rows else 0 for number in range(len(wanted))]
    left = rows - sum(shares)
    for place in (*range(len(wanted))[-1:], *range(len(wanted))):
        more = min(left, wanted[place] - shares[place])
        shares[place] += max(0, more)
        left -= max(0, more)
    return shares


def broken(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at blanks; a word that is longer is broken within."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        *whole, line = chop_cells(word, width) or [""]
        lines += whole
    return [*lines, line] if line or not lines else lines
