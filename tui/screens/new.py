"""The New screen: a form for what to run, checked as one types, with what it would cost and the command for it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from profiler.sessions import SessionFolder
from tui import keys
from tui.panels.title import TitlePanel
from tui.screens.base import BaseScreen


class NewScreen(BaseScreen):
    """Posts ``SessionStarted`` once the profiler of the new session has taken over."""

    where = keys.NEW
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.NEW)
    AUTO_FOCUS = ""

    def __init__(self, root: Path, *, ascii: bool = False, like: SessionFolder | None = None) -> None:
        """``root`` is the home of the sessions; ``like`` fills the form in with what another session was asked for."""
        super().__init__(ascii=ascii)
        self.root = root
        self._like = like
        self._title = TitlePanel(("New session", ""), ascii=ascii)

    @property
    def typing(self) -> bool:
        """Whether keys are letters of a field: then digits don't switch screens and esc ends the edit."""
        return False

    def compose_body(self) -> ComposeResult:
        yield self._title
