"""The command palette: everything that can be done now, found by typing.

Textual's own shows a picture character, a border of box drawing and an indicator that repaints 16 times a second: over
a slow link and without those characters it is of no use.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Input

from tui import keys
from tui.commanding import Command, found
from tui.messages import LinePicked
from tui.panels.commands import CommandsPanel
from tui.screens.base import OverScreen


class PaletteScreen(OverScreen[Command | None]):
    """Its result is the command that was chosen, None where none was."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(keys.PALETTE), keys.INTERRUPT]
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(self, commands: tuple[Command, ...], *, table: tuple[keys.Key, ...], ascii: bool = False) -> None:
        """``commands``: in the order in which they are offered; ``table``: the keys as the user has them."""
        super().__init__()
        self._commands = commands
        self._table = table
        self._line = Input(placeholder="a word of what to do, a session, a theme", compact=True, max_length=200)
        self._line.cursor_blink = False  # a blinking cursor would send bytes all the time
        self._list = CommandsPanel(commands, ascii=ascii)

    def compose_body(self) -> ComposeResult:
        with Container(id="palette"):
            yield self._line
            yield self._list

    def on_mount(self) -> None:
        keys.remap(self._bindings, keys.PALETTE, self._table)
        self._line.focus()

    def on_resize(self) -> None:
        # Hidden where the terminal was too small, the line has lost the keys.
        self.call_after_refresh(self._line.focus)

    @property
    def offered(self) -> tuple[Command, ...]:
        """The commands that fit what is typed."""
        return self._list.value

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()
        self._list.put(found(message.value, self._commands))
        self._list.move(-len(self._commands))  # the best one is the first

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if self._list.current is not None:
            self.dismiss(self._list.current)

    def on_line_picked(self, message: LinePicked) -> None:
        message.stop()
        if message.opened and self._list.current is not None:
            self.dismiss(self._list.current)

    def action_move(self, lines: int) -> None:
        self._list.move(lines)

    def action_page(self, pages: int) -> None:
        self._list.move(pages * self._list.page)

    def action_close(self) -> None:
        self.dismiss(None)
