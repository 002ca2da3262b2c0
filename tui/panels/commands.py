"""The list of the command palette."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui import safe
from tui.commanding import Command
from tui.panels.rows import Part, Row, fitted, spread
from tui.panels.triggers.choice import ChoicePanel


class CommandsPanel(ChoicePanel[tuple[Command, ...], Command]):
    """A line a command: what it is of, what it does, and its key at the right end."""

    def items(self) -> Sequence[Command]:
        return self.value

    def key_of(self, item: Command) -> str:
        return f"{item.group}:{item.action}"

    def empty(self) -> str:
        return "nothing is called so; fewer letters find more"

    def head(self, width: int, span: str) -> Row:
        count = span or (f"{len(self.value)} command{'' if len(self.value) == 1 else 's'}")
        close = self.keyed("{palette_close}")
        told = [("enter", "bold accent"), (" do it  ", "quiet"), (close, "bold accent"), (" close", "quiet")]
        return spread(told, [(count, "quiet")], width, ascii=self.ascii)

    def row(self, item: Command, width: int) -> list[Part]:
        group = max((cell_len(command.group) for command in self.value), default=0)
        keys: list[Part] = [(f"  {item.key}", "bold accent")] if item.key else []
        left: list[Part] = [(safe.pad(item.group, group), "quiet"), ("  ", ""), (item.text, "")]
        return list(spread(left, keys, width, ascii=self.ascii)) if keys else list(fitted(left, width))
