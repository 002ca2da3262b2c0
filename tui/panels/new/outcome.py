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
        rows: list[Row] = [((rule, "faint"),)]
        room = width - _LABEL
        if picture.fault:
            rows += self._told("!", picture.fault, "bad", room, max(1, height - 1 - len(picture.lines)))
        for label, text, style in picture.lines:
            left = height - len(rows) - 1  # a row stays for the command
            if left > 0:
                rows += self._told(label, text, style, room, 1)
        if picture.command:
            rows += self._told("command", picture.command, "accent", room, height - len(rows))
        return tuple(rows[:height])

    def _told(self, label: str, text: str, style: str, room: int, most: int) -> list[Row]:
        """``text`` in at most ``most`` rows beside its label, cut with a sign; it breaks at blanks where it can."""
        lines = broken(text, room)
        if len(lines) > most:
            rest = " ".join(line.rstrip() for line in lines[most - 1 :]) if most > 0 else ""
            lines = [*lines[: max(0, most - 1)], safe.fit(rest, room, ascii=self.ascii)][:most]
        heads = [label, *[""] * (len(lines) - 1)]
        return [
            ((safe.pad(head, _LABEL, ascii=self.ascii), "bold bad" if label == "!" else "quiet"), (line, style))
            for head, line in zip(heads, lines, strict=True)
        ]


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
