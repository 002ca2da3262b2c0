"""Which screen is seen: one stack of screens with Sessions at its bottom, and the screens that are kept.

A screen that is in the stack is gone back to, any other is put on top. The last Live, Triggers, Compare and New are
kept when one leaves them, so that cursor, filters and what was read are there when one comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from textual.screen import Screen

from profiler import sessions
from profiler.replay import Start
from profiler.sessions import SessionFolder
from tui import keys
from tui.feed import LiveSource, Reading
from tui.kinds import is_choose, is_compare, is_replay, is_triggers
from tui.messages import (
    ChooseMarks,
    FolderPicked,
    ReplayPicked,
    SessionPicked,
    SessionStarted,
    ShowCompare,
    ShowNew,
    ShowStep,
    ShowTriggers,
)
from tui.pictures.compare.marks import Mark, Marks, marked
from tui.pictures.compare.resolved import key_of
from tui.screens.base import PART_OF, BaseScreen
from tui.screens.live import LiveScreen
from tui.screens.sessions import SessionsScreen
from tui.settings import Settings
from tui.wired import WiredApp

if TYPE_CHECKING:
    from tui.replay import ReplayReading
    from tui.screens.compare import CompareScreen
    from tui.screens.replay import ReplayScreen
    from tui.screens.triggers import TriggersScreen

# Screens that a start doesn't show are imported when they are opened: it would take a tenth of the start's time.


class NavigatingApp(WiredApp):
    """The app as far as its screens go."""

    def __init__(
        self,
        root: Path,
        session: SessionFolder | None = None,
        *,
        compare: Sequence[tuple[SessionFolder, str | None]] = (),
        baseline: tuple[SessionFolder, str] | None = None,
        gpu: str | None = None,
        replay: Start | None = None,
        settings: Settings | None = None,
    ) -> None:
        """``root`` is the home of the sessions; ``session`` opens Live on it at once, or plays it again as ``replay``
        says.

        ``compare`` opens Compare on these: cases or runs of sessions by name, None: all cases of the session; with the
        case or run ``baseline``, which must be one of these, pinned, and beside what was published of ``gpu``.
        """
        super().__init__(settings)
        self.root = root
        self.first = session
        self.ascii = self.settings.ascii
        self.key_table = keys.remapped(self.settings.keys)
        self.marks: Marks = marked((), (Mark(str(folder.path.absolute()), name) for folder, name in compare))
        self._pinned = None if baseline is None else key_of(str(baseline[0].path.absolute()), baseline[1])
        self._gpu = gpu
        self._replay = replay
        self._seen = session  # the session that was looked at last
        self._reading: Reading | None = None  # of the session that was opened last
        self._readings: WeakValueDictionary[Path, Reading] = WeakValueDictionary()  # those that screens have
        self._kept: dict[str, BaseScreen] = {}

    def on_mount(self) -> None:
        self.screen_change_signal.subscribe(self, self._note_session)
        if self.first is not None:
            played = self._replay is not None
            self.push_screen(self._replayed(self.first) if played else self._live(self.first))
        elif self.marks:
            self.push_screen(self._compare_of(self.marks))

    def get_default_screen(self) -> Screen[object]:
        """The list: it lies under all others, so that esc steps back to it, and reads nothing before it is seen."""
        return SessionsScreen(self.root, ascii=self.ascii, seen=self.first is None and not self.marks)  # type: ignore[return-value]

    def _note_session(self, screen: Screen[object]) -> None:
        if isinstance(screen, LiveScreen) or is_triggers(screen):
            self._seen = screen.folder

    # --- to a screen ---

    async def action_go(self, where: str) -> None:
        """To the screen of a number; where it can't be made the footer says why."""
        if self._at(where):
            return
        if is_choose(self.screen):
            await self.pop_screen()
        screen = await self._screen_of(where)
        if screen is not None:
            await self._bring(screen)

    def _at(self, where: str) -> bool:
        return where == place_of(self.screen) and not (is_choose(self.screen) or is_replay(self.screen))

    async def _bring(self, screen: Screen[None]) -> None:
        """Go back to a screen of the stack; put any other on top."""
        if screen not in self.screen_stack:
            await self.push_screen(screen)
        while self.screen is not screen:
            await self.pop_screen()

    async def _screen_of(self, where: str) -> Screen[None] | None:
        """The screen of a number."""
        if where == keys.SESSIONS:
            return self.screen_stack[0]
        if where == keys.NEW:
            return self._new()
        if where == keys.COMPARE:
            kept, bottom = self._kept.get(keys.COMPARE), self.screen_stack[0]
            marks = self.marks or (bottom.marks if isinstance(bottom, SessionsScreen) else ())
            seen = is_compare(kept) and (kept.marks or not marks)
            return kept if seen else self._compare_of(marks)
        folder = self._seen or self._newest()
        if folder is None:
            return None
        return self._live(folder) if where == keys.LIVE else await self._triggers_of(folder)

    def _newest(self) -> SessionFolder | None:
        try:
            found = sessions.all_sessions(self.root)
        except OSError as error:
            self._say(f"the sessions can't be listed: {error.strerror}")
            return None
        if not found:
            self._say(f"there is no session yet: {keys.display(self._key('go_new'))} makes one")
        return found[0] if found else None

    def _key(self, name: str) -> keys.Key:
        return next(key for key in self.key_table if key.id == name)

    def _say(self, text: str) -> None:
        if isinstance(self.screen, BaseScreen):
            self.screen.notice(text)

    # --- what screens ask for ---

    async def on_session_picked(self, message: SessionPicked) -> None:
        await self._bring(self._live(self._folder(message.session)))

    async def on_folder_picked(self, message: FolderPicked) -> None:
        await self._bring(self._live(SessionFolder(Path(message.path))))

    async def on_replay_picked(self, message: ReplayPicked) -> None:
        await self._bring(self._replayed(SessionFolder(Path(message.path))))

    async def on_session_started(self, message: SessionStarted) -> None:
        await self._leave_new()
        await self._bring(self._live(self._folder(message.session)))

    async def on_show_new(self, message: ShowNew) -> None:
        await self._bring(self._new(None if message.like is None else self._folder(message.like)))

    async def _leave_new(self) -> None:
        """The form has done its work: esc goes from the session to where one came from before it."""
        if place_of(self.screen) == keys.NEW:
            await self.pop_screen()

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
        await self._bring(screen)

    async def on_show_step(self, message: ShowStep) -> None:
        screen = self.screen
        if not is_triggers(screen):
            return
        await self.pop_screen()
        if not (isinstance(self.screen, LiveScreen) and self.screen.folder.path == screen.folder.path):
            await self._bring(self._live(screen.folder))
        if isinstance(self.screen, LiveScreen):
            self.screen.focus_on(message.focus)

    async def on_show_compare(self, message: ShowCompare) -> None:
        if is_choose(self.screen):
            await self.pop_screen()
        await self._bring(self._compare_of(message.marks))
        if any(is_replay(screen) for screen in self.screen_stack):
            self._say("all of the session is compared, not what the replay has reached alone")

    def on_choose_marks(self, message: ChooseMarks) -> None:
        """Open the list of all there is; of sessions that are elsewhere those that are marked."""
        from tui.screens.choose import ChooseScreen

        home = self.root / "sessions"
        paths = dict.fromkeys(Path(mark.path) for mark in (*message.marks, *self.marks))
        more = [path for path in paths if path.parent != home]
        self.push_screen(ChooseScreen(self.root, message.marks, more=more, ascii=self.ascii))

    async def action_back(self) -> None:
        """One step back; Sessions is where all steps end."""
        if len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_help(self) -> None:
        from tui.screens.help import HelpScreen

        where = getattr(self.screen, "where", keys.LIVE)
        self.push_screen(HelpScreen(where, table=self.key_table, ascii=self.ascii))

    # --- the screens ---

    def _folder(self, session: str) -> SessionFolder:
        return SessionFolder(self.root / "sessions" / session)

    def _new(self, like: SessionFolder | None = None) -> Screen[None]:
        """The form as it was left, or filled in with what another session was asked for."""
        kept = self._kept.get(keys.NEW)
        if kept is None or like is not None:
            from tui.screens.new import NewScreen  # it brings the catalogue, which nobody else needs

            kept = self._keep(keys.NEW, NewScreen(self.root, ascii=self.ascii, like=like))
        return kept

    def _live(self, folder: SessionFolder) -> LiveScreen:
        """Live on a session: in the stack, or as it was left, or made."""
        kept = self._kept.get(keys.LIVE)
        for screen in (*reversed(self.screen_stack), kept):
            replayed = is_replay(screen)
            if isinstance(screen, LiveScreen) and not replayed and screen.folder.path == folder.path:
                return screen
        made = LiveScreen(folder, ascii=self.ascii, source=LiveSource(folder, reading=self._reading_of(folder)))
        self._keep(keys.LIVE, made)
        return made

    def _replayed(self, folder: SessionFolder) -> ReplayScreen:
        """The replay of a session: as it was left, or made. Only the one that the program began with has a start."""
        kept = self._kept.get(keys.REPLAY)
        if is_replay(kept) and kept.folder.path == folder.path:
            return kept
        from tui.screens.replay import ReplayScreen

        start, self._replay = self._replay, None
        made = ReplayScreen(folder, ascii=self.ascii, start=start)
        self._keep(keys.REPLAY, made)
        return made

    def _in_replay(self, folder: SessionFolder) -> ReplayReading | None:
        """What a replay that one came from has reached of the session: its inspector shows that and no more."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, LiveScreen) and screen.folder.path == folder.path:
                return screen.reading if is_replay(screen) else None
        return None

    def _reading_of(self, folder: SessionFolder) -> Reading:
        """What was read of the session for a screen that there still is, else a reading from the start."""
        self._reading = self._known_reading(folder)
        self._readings[folder.path] = self._reading
        return self._reading

    def _known_reading(self, folder: SessionFolder) -> Reading:
        """What was read of a session for its own screens, else a reading from the start. On the feed's thread."""
        return self._readings.get(folder.path) or Reading(folder)

    async def _triggers_of(self, folder: SessionFolder) -> TriggersScreen:
        """The inspector of a session: selection, filters and view are as one left them."""
        replayed = self._in_replay(folder)
        reading = replayed or self._reading_of(folder)
        for screen in (*reversed(self.screen_stack), self._kept.get(keys.TRIGGERS)):
            if is_triggers(screen) and screen.reading is reading:
                return screen
        from tui.replay import ReplayedTriggers
        from tui.screens.triggers import TriggersScreen

        source = ReplayedTriggers(reading) if replayed is not None else None
        made = TriggersScreen(folder, ascii=self.ascii, reading=reading, source=source)
        self._keep(keys.TRIGGERS, made)
        return made

    def _compare_of(self, marks: Marks) -> CompareScreen:
        """Compare with ``marks``. The screen is kept: a session that is compared there already brings back the rest."""
        kept = self._kept.get(keys.COMPARE)
        if not is_compare(kept):
            from tui.comparing import CompareSource
            from tui.screens.compare import CompareScreen

            source = CompareSource(marks, reading_of=self._known_reading)
            kept = CompareScreen(marks, baseline=self._pinned, gpu=self._gpu, ascii=self.ascii, source=source)
            self._keep(keys.COMPARE, kept)
        elif is_compare(self.screen) or not (len(marks) == 1 and marks[0] in kept.marks):
            kept.mark(marks)
        return kept

    def _keep(self, where: str, screen: BaseScreen) -> BaseScreen:
        """Keep a screen when one leaves it, in place of the one of another session.

        Where that one lies below others it stays there until one has gone back over it.
        """
        before = self._kept.pop(where, None)
        if before is not None:
            self._installed_screens.pop(where, None)  # Textual's own way refuses those of the stack
            if before.is_running and before not in self.screen_stack:
                before.remove()
        self._kept[where] = screen
        self.install_screen(screen, where)
        return screen


def place_of(screen: Screen[Any]) -> str:
    """The place, among those with a number, that a screen belongs to."""
    where = getattr(screen, "where", "")
    return PART_OF.get(where, where)
