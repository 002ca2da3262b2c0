"""The Sessions screen: every session of the home, to open or to stop."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from profiler import sessions
from profiler.sessions import SessionFolder
from tui import keys, safe
from tui.feed import Feed
from tui.listing import ListingSource
from tui.messages import ListingChanged, SessionPicked, ShowCompare, ShowTriggers
from tui.panels.sessions import SessionsPanel
from tui.panels.title import TitlePanel
from tui.pictures.compare.marks import Mark
from tui.pictures.listing import Listing
from tui.screens.fed import FedScreen


class SessionsScreen(FedScreen):
    """Looks at the sessions while it is seen."""

    where = keys.SESSIONS
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.SESSIONS)
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(
        self, root: Path, *, ascii: bool = False, seen: bool = True, source: ListingSource | None = None
    ) -> None:
        """``seen``: the screen is shown at once, not below another one."""
        super().__init__(ascii=ascii)
        self.root = root
        self._feed: Feed[Listing] = Feed(source or ListingSource(root), self._publish, self._feed_failed)
        self._feed.pause(not seen)
        self._title = TitlePanel(("stepscope", str(root)), ascii=ascii)
        self._list = SessionsPanel(Listing(), ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._title
        yield self._list

    def _publish(self, listing: Listing) -> None:
        self.post_message(ListingChanged(listing))

    def on_listing_changed(self, message: ListingChanged) -> None:
        self._list.put(message.listing)
        self.refresh_footer()

    @property
    def farewell(self) -> str | None:
        """What to say about sessions that go on."""
        running = [line.session for line in self._list.value.lines if line.under_way]
        if not running:
            return None
        if len(running) == 1:
            return f"The profiler keeps running: stepscope watch {running[0]} brings you back"
        return f"{len(running)} sessions keep running: stepscope brings you back"

    # --- keys ---

    def possible(self, action: str) -> bool:
        current = self._list.current
        match action.partition("(")[0]:
            case "open" | "show_triggers" | "mark":
                return current is not None
            case "compare":
                return current is not None or bool(self._list.marked)
            case "stop":
                return current is not None and current.under_way
            case _:
                return True

    def action_move(self, lines: int) -> None:
        self._list.move(lines)
        self.refresh_footer()

    def action_page(self, pages: int) -> None:
        self.action_move(pages * self._list.page)

    def action_edge(self, side: int) -> None:
        self.action_move(side * len(self._list.value.lines))

    def action_open(self) -> None:
        if self._list.current is not None:
            self.post_message(SessionPicked(self._list.current.session))

    def action_show_triggers(self) -> None:
        if self._list.current is not None:
            self.post_message(ShowTriggers(session=self._list.current.session))

    def action_mark(self) -> None:
        """Mark the session for comparing, or take its mark off."""
        self._list.toggle()
        marked = len(self._list.marked)
        about = f"{marked} marked, v compares" if marked else str(self.root)
        self._title.put(("stepscope", about))
        self.refresh_footer()

    def action_compare(self) -> None:
        """Ask for the marked sessions beside each other; of none for the one under the cursor."""
        current = self._list.current
        sessions = self._list.marked or ((current.session,) if current is not None else ())
        home = self.root.absolute() / "sessions"
        if sessions:
            self.post_message(ShowCompare(tuple(Mark(str(home / session)) for session in sessions)))

    def action_stop(self) -> None:
        current = self._list.current
        if current is not None:
            self.ask(f"stop session {current.session}?", lambda: self._stop(current.session))

    def _stop(self, session: str) -> None:
        try:
            sessions.send(SessionFolder(self.root / "sessions" / session), "stop")
        except OSError as error:
            self.notice(f"could not ask the profiler to stop: {error.strerror}")
        else:
            self.notice(f"asked {safe.line(session, 60)} to stop")
