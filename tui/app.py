"""The terminal application: its looks and its end."""

from __future__ import annotations

import shlex
import sys
import traceback
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.driver import Driver

from profiler.sessions import SessionFolder
from tui import keys, safe, suspending, theme
from tui.characters import write_in
from tui.ending import HANG_UP_CHECK_S, Ending
from tui.kinds import is_replay
from tui.navigation import place_of
from tui.offering import OfferingApp
from tui.screens.base import BaseScreen
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen


class StepscopeApp(OfferingApp):
    """The whole program in the terminal. After ``run`` has ended ``farewell`` is what to tell the user."""

    TITLE = "stepscope"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+z", "suspend_process", show=False, priority=True)]

    farewell: str | None = None
    _leaving = False
    _ending: Ending | None = None  # None: the app has no terminal, or isn't in the main thread

    def run(self, *arguments: Any, **options: Any) -> Any:
        """Textual's ``run``. Until it returns, an end that doesn't come in time is made."""
        try:
            return super().run(*arguments, **options)
        finally:
            if self._ending is not None:
                self._ending.over()

    def _build_driver(self, *arguments: Any, **options: Any) -> Driver:
        # From before the terminal is another until it is as it was again: a start takes a while, and may be ended.
        with suspending.waiting():
            driver = super()._build_driver(*arguments, **options)
            ending = Ending(self._leave, self.hush)
            if not driver.is_headless and ending.watch():
                self._ending = ending
                suspending.watch(driver)
        return driver

    def on_load(self) -> None:
        self.animation_level = "none"
        theme.put_on(self, self.settings)

    def on_mount(self) -> None:
        if self._ending is not None:
            self.set_interval(HANG_UP_CHECK_S, self._ending.check_terminal)
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())

    def action_theme(self) -> None:
        self.theme = theme.next_theme(self.theme, theme.depth_of(self)).name

    def action_characters(self) -> None:
        """ASCII alone, or braille and lines again."""
        write_in(self, not self.ascii)

    def action_redraw(self) -> None:
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if self._leaving:
            return False  # keys that were typed after it: no screen can open any more
        asked = isinstance(self.screen, BaseScreen) and self.screen.asking
        return not (asked and action in ("back", "theme", "help", "quit", "redraw", "go", "palette", "characters"))

    async def action_quit(self) -> None:
        self._leave()

    def action_help_quit(self) -> None:
        """Ctrl+C leaves, as everywhere else."""
        self._leave()

    def action_suspend_process(self) -> None:
        """Ctrl+Z goes back to the shell, as everywhere else; where none waits nothing could wake the program again."""
        if suspending.under_a_shell():
            super().action_suspend_process()
        elif isinstance(self.screen, BaseScreen):
            self.screen.notice("ctrl+z goes back to a shell, and this wasn't started in one")

    def _fatal_error(self) -> None:
        """Say what went wrong within the program, in lines that steer no terminal.

        Textual's own report shows the variables around it as they are: texts of logs among them.
        """
        report = "".join(traceback.format_exception(sys.exc_info()[1] or self._exception))
        self._exit_renderables.append(Text("\n".join(map(safe.line, report.splitlines()))))
        self._close_messages_no_wait()

    def _leave(self, code: int = 0) -> None:
        if self._leaving:
            return  # a second signal: what it would say may be gone
        self._leaving = True
        if self._ending is not None:
            self._ending.begin(code)
        self.farewell = safe.line(self._farewell() or "") or None
        self.exit(return_code=code)

    def _farewell(self) -> str | None:
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen):
                picture = screen.picture
                name = self._reference(screen.folder)
                if is_replay(screen):
                    return f"'stepscope watch {name} --replay' plays the session again"
                if picture.over:
                    return f"session {name}: {picture.ended}"
                if picture.heading.loading:
                    return f"'stepscope watch {name}' opens the session again"
                if picture.heading.copied:
                    return f"session {name} is a copy; 'stepscope watch {name}' opens it again"
                return f"The profiler keeps running: stepscope watch {name} brings you back"
            if place_of(screen) == keys.NEW and getattr(screen, "starting", False):
                return "A session has just been started: 'stepscope watch last' shows it"
            if isinstance(screen, SessionsScreen):
                return screen.farewell
        return None

    def _reference(self, folder: SessionFolder) -> str:
        """What ``watch`` takes for the session: its id, or the path of one that isn't in the home."""
        return folder.id if folder.path.parent == self.root / "sessions" else shlex.quote(str(folder.path))
