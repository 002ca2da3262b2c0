"""The terminal application: screens, signals, and the wire to the terminal."""

from __future__ import annotations

import os
import select
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.screen import Screen

from profiler.sessions import SessionFolder
from tui import keys, theme
from tui.comparing import CompareSource
from tui.feed import LiveSource, Reading
from tui.messages import ChooseMarks, FolderPicked, SessionPicked, ShowCompare, ShowStep, ShowTriggers
from tui.painting import Memory, ThriftyUpdate
from tui.pictures.compare.marks import Mark, Marks, marked
from tui.pictures.compare.resolved import key_of
from tui.screens.base import BaseScreen
from tui.screens.choose import ChooseScreen
from tui.screens.compare import CompareScreen
from tui.screens.help import HelpScreen
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.triggers import TriggersScreen
from tui.settings import Settings

HANG_UP_CHECK_S = 2.0
LAST_CHANCE_S = 3.0
"""How long an orderly end may take, over a slow link; where the terminal is gone there is nothing to wait for."""

GONE_S = 0.5

BUSY_WRITES = 3
"""Writes that may wait for the terminal before the link counts as slow."""


class StepscopeApp(App[None]):
    """Sessions, Live, Triggers, Compare, Help. After ``run`` has ended ``farewell`` is what to tell the user."""

    TITLE = "stepscope"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False

    def __init__(
        self,
        root: Path,
        session: SessionFolder | None = None,
        *,
        compare: Sequence[tuple[SessionFolder, str | None]] = (),
        baseline: tuple[SessionFolder, str] | None = None,
        gpu: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """``root`` is the home of the sessions; ``session`` opens Live on it at once.

        ``compare`` opens Compare on these: cases or runs of sessions by name, None: all cases of the session; with the
        case or run ``baseline``, which must be one of these, pinned, and beside what was published of ``gpu``.
        """
        super().__init__()
        self.root = root
        self.first = session
        self.marks: Marks = marked((), (Mark(str(folder.path.absolute()), name) for folder, name in compare))
        self._pinned = None if baseline is None else key_of(str(baseline[0].path.absolute()), baseline[1])
        self._gpu = gpu
        self.settings = settings or Settings()
        self.ascii = self.settings.ascii
        self.farewell: str | None = None
        self._reading: Reading | None = None
        self._triggers: TriggersScreen | None = None
        self._compare: CompareScreen | None = None
        self._terminal = Memory()
        self.animation_level = "none"
        for each in (theme.DARK, theme.LIGHT):
            self.register_theme(each)
        self.theme = theme.DARK.name

    def on_mount(self) -> None:
        self._end_on_signals()
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        if self.first is not None:
            self.push_screen(self._live(self.first))
        elif self.marks:
            self.push_screen(self._compare_of(self.marks))

    def get_default_screen(self) -> Screen[object]:
        """The list: it lies under Live, so that esc steps back to it, and reads nothing before it is seen."""
        return SessionsScreen(self.root, ascii=self.ascii, seen=self.first is None and not self.marks)  # type: ignore[return-value]

    # --- navigation ---

    def on_session_picked(self, message: SessionPicked) -> None:
        self.push_screen(self._live(self._folder(message.session)))

    def on_folder_picked(self, message: FolderPicked) -> None:
        self.push_screen(self._live(SessionFolder(Path(message.path))))

    async def on_show_triggers(self, message: ShowTriggers) -> None:
        if isinstance(self.screen, LiveScreen):
            folder = self.screen.folder
        elif message.session is not None and isinstance(self.screen, SessionsScreen):
            folder = self._folder(message.session)
        else:
            return  # the key was pressed before the screen changed
        screen = await self._triggers_of(folder)
        if message.key is not None:
            screen.go_to(message.key)
        await self.push_screen(screen)

    async def on_show_step(self, message: ShowStep) -> None:
        screen = self.screen
        if not isinstance(screen, TriggersScreen):
            return
        await self.pop_screen()
        if not isinstance(self.screen, LiveScreen):
            await self.push_screen(self._live(screen.folder))
        if isinstance(self.screen, LiveScreen):
            self.screen.focus_on(message.focus)

    async def on_show_compare(self, message: ShowCompare) -> None:
        if isinstance(self.screen, ChooseScreen):
            await self.pop_screen()
        screen = self._compare_of(message.marks)
        if screen not in self.screen_stack:
            await self.push_screen(screen)
        while self.screen is not screen:  # Live was opened from there: what lies over it goes
            await self.pop_screen()

    def on_choose_marks(self, message: ChooseMarks) -> None:
        """Open the list of all there is; of sessions that are elsewhere those that are marked."""
        home = self.root / "sessions"
        paths = dict.fromkeys(Path(mark.path) for mark in (*message.marks, *self.marks))
        more = [path for path in paths if path.parent != home]
        self.push_screen(ChooseScreen(self.root, message.marks, more=more, ascii=self.ascii))

    def _compare_of(self, marks: Marks) -> CompareScreen:
        """Compare with ``marks``. The screen is kept: a session that is compared there already brings back the rest."""
        kept = self._compare
        if kept is None:
            source = CompareSource(marks, reading_of=self._known_reading)
            kept = self._compare = CompareScreen(
                marks, baseline=self._pinned, gpu=self._gpu, ascii=self.ascii, source=source
            )
            self.install_screen(kept, "compare")
        elif isinstance(self.screen, CompareScreen) or not (len(marks) == 1 and marks[0] in kept.marks):
            kept.mark(marks)
        return kept

    def _known_reading(self, folder: SessionFolder) -> Reading:
        """What was read of a session for its own screens, else a reading from the start. On the feed's thread."""
        known = self._reading
        return known if known is not None and known.folder.path == folder.path else Reading(folder)

    def _folder(self, session: str) -> SessionFolder:
        return SessionFolder(self.root / "sessions" / session)

    def _live(self, folder: SessionFolder) -> LiveScreen:
        return LiveScreen(folder, ascii=self.ascii, source=LiveSource(folder, reading=self._reading_of(folder)))

    def _reading_of(self, folder: SessionFolder) -> Reading:
        """What was read of the session that was opened last, else a reading from the start."""
        if self._reading is None or self._reading.folder.path != folder.path:
            self._reading = Reading(folder)
        return self._reading

    async def _triggers_of(self, folder: SessionFolder) -> TriggersScreen:
        """The inspector of a session. The last one is kept: selection, filters and view are as one left them."""
        kept = self._triggers
        if kept is not None and kept.folder.path == folder.path:
            return kept
        if kept is not None:
            self.uninstall_screen(kept)
            if kept.is_running:
                await kept.remove()
        self._triggers = TriggersScreen(folder, ascii=self.ascii, reading=self._reading_of(folder))
        self.install_screen(self._triggers, "triggers")
        return self._triggers

    async def action_back(self) -> None:
        if isinstance(self.screen, LiveScreen | TriggersScreen | CompareScreen | ChooseScreen):
            await self.pop_screen()

    def action_help(self) -> None:
        self.push_screen(HelpScreen(getattr(self.screen, "where", keys.LIVE), ascii=self.ascii))

    def action_theme(self) -> None:
        self.theme = theme.LIGHT.name if self.current_theme.dark else theme.DARK.name

    def action_redraw(self) -> None:
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        asked = isinstance(self.screen, BaseScreen) and self.screen.asking
        return not (asked and action in ("back", "theme", "help", "quit", "redraw"))

    async def action_quit(self) -> None:
        self._leave()

    def action_help_quit(self) -> None:
        """Ctrl+C leaves, as everywhere else."""
        self._leave()

    def _leave(self, code: int = 0) -> None:
        self.farewell = self._farewell()
        self.exit(return_code=code)

    def _farewell(self) -> str | None:
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen):
                picture = screen.picture
                name = self._reference(screen.folder)
                if picture.over:
                    return f"session {name}: {picture.ended}"
                if picture.heading.loading:
                    return f"'stepscope watch {name}' opens the session again"
                if picture.heading.copied:
                    return f"session {name} is a copy; 'stepscope watch {name}' opens it again"
                return f"The profiler keeps running: stepscope watch {name} brings you back"
            if isinstance(screen, SessionsScreen):
                return screen.farewell
        return None

    def _reference(self, folder: SessionFolder) -> str:
        """What ``watch`` takes for the session: its id, or the path of one that isn't in the home."""
        return folder.id if folder.path.parent == self.root / "sessions" else shlex.quote(str(folder.path))

    # --- the end ---

    def _end_on_signals(self) -> None:
        """SIGTERM and SIGHUP end the app in order: Textual leaves the terminal in full-screen mode otherwise."""
        if self.is_headless or threading.current_thread() is not threading.main_thread():
            return
        import asyncio

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminated, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, self._terminated, signal.SIGHUP)
        loop.add_signal_handler(signal.SIGINT, self._leave)
        self.set_interval(HANG_UP_CHECK_S, self._check_terminal)

    def _terminated(self, number: signal.Signals) -> None:
        # The app keeps nothing that would be lost: what can't end in order just ends.
        patience = GONE_S if _hung_up(self._terminal_descriptor) else LAST_CHANCE_S
        timer = threading.Timer(patience, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()
        self._leave(128 + number)

    def _check_terminal(self) -> None:
        """Under nohup no signal says that the terminal is gone, and Textual's input thread then spins."""
        if _hung_up(self._terminal_descriptor):
            self._terminated(signal.SIGHUP)

    @property
    def _terminal_descriptor(self) -> int:
        return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0

    # --- the wire ---

    @property
    def link_busy(self) -> bool:
        """Whether the terminal hasn't yet taken what was written before."""
        writer = getattr(self._driver, "_writer_thread", None)
        return writer is not None and writer._queue.qsize() > BUSY_WRITES

    def redraw(self) -> None:
        """Send the whole screen again, whatever the terminal shows."""
        self._terminal.forget()
        self.refresh(layout=True)
        self.screen.refresh()

    def on_resize(self) -> None:
        # Terminals rewrap or clear what they showed.
        self._terminal.forget()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            renderable = ThriftyUpdate(renderable, self._terminal)
        super()._display(screen, renderable)  # type: ignore[arg-type]


def _hung_up(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))
