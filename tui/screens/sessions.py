"""The Sessions screen: every session of the home, to open, compare, stop, resume or remove."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from profiler.sessions import SessionFolder
from tui import keys, managing
from tui.commanding import Command
from tui.feed import Feed
from tui.listing import ListingSource
from tui.managing import Plan
from tui.messages import (
    LinePicked,
    ListingChanged,
    Managed,
    Planned,
    ReplayPicked,
    SessionPicked,
    ShowCompare,
    ShowNew,
    ShowTriggers,
    SortPicked,
)
from tui.panels.sessions import SelectedPanel, SessionsPanel, SessionsTitle, Shown
from tui.pictures.compare.marks import Mark, Marks
from tui.pictures.listing import COLUMNS, SORTS, Listing, SessionLine, View
from tui.screens.typed import TypedScreen


class SessionsScreen(TypedScreen):
    """Looks at the sessions while it is seen."""

    where = keys.SESSIONS
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.SESSIONS)
    # No file: Textual reads none of the screen that an app begins with.
    DEFAULT_CSS = """
    SessionsScreen.-medium SelectedPanel, SessionsScreen.-tall SelectedPanel { height: 6; }
    """
    AUTO_FOCUS = ""

    def __init__(
        self, root: Path, *, ascii: bool = False, seen: bool = True, source: ListingSource | None = None
    ) -> None:
        """``seen``: the screen is shown at once, not below another one."""
        super().__init__(ascii=ascii)
        self.root = root
        self._source = source or ListingSource(root)
        self._feed: Feed[Listing] = Feed(self._source, self._publish, self._feed_failed)
        self._feed.pause(not seen)
        self._covered = not seen
        self._newest = Listing()
        self.shown = Shown()
        self._title = SessionsTitle((self.shown, str(root)), ascii=ascii)
        self._list = SessionsPanel(self.shown, ascii=ascii)
        self._detail = SelectedPanel(None, ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._title
        yield self._list
        yield self._detail
        yield self.filter_line()

    def on_mount(self) -> None:
        self._filter.placeholder = "words of name, state, pipeline, variant, device, reason; -word: without it"

    def _publish(self, listing: Listing) -> None:
        self.post_message(ListingChanged(listing))

    def on_listing_changed(self, message: ListingChanged) -> None:
        self._newest = message.listing
        self._apply_when_taken()

    def _apply(self) -> None:
        listing, marked = self._newest, self.view.marked
        if listing.complete:
            present = {line.session for line in listing.lines}
            marked = tuple(session for session in marked if session in present)
        self.put(Shown(listing, replace(self.view, marked=marked)))

    @property
    def view(self) -> View:
        """What the user chose to see of the list."""
        return self.shown.view

    def look(self, **changes: object) -> None:
        """Show the list with these fields of the view changed."""
        self.put(replace(self.shown, view=replace(self.view, **changes)))  # type: ignore[arg-type]

    def put(self, shown: Shown) -> None:
        """Show the list so from now on."""
        self.shown = shown
        self._list.put(shown)
        self._title.put((shown, str(self.root)))
        self._told()

    def _told(self) -> None:
        """Show what is known of the selected one, and what can be done with it."""
        self._detail.put(self._list.current)
        self.refresh_footer()

    @property
    def farewell(self) -> str | None:
        """What to say about sessions that go on."""
        running = [line.session for line in self.shown.listing.lines if line.under_way]
        if not running:
            return None
        if len(running) == 1:
            return f"The profiler keeps running: stepscope watch {running[0]} brings you back"
        return f"{len(running)} sessions keep running: stepscope brings you back"

    # --- keys ---

    def possible(self, action: str) -> bool:
        if self.typing:
            return False
        current = self._list.current
        match action.partition("(")[0]:
            case "open" | "show_triggers" | "mark":
                return current is not None
            case "replay" | "new_like":
                return current is not None and current.state != "unreadable"
            case "compare":
                return bool(self._targets())
            case "stop":
                return any(line.under_way for line in self._targets())
            case "remove":
                return any(not line.under_way for line in self._targets())
            case "resume":
                return any(line.may_owe for line in self._targets())
            case "clear":
                return bool(self.view.typed.strip())
            case "type":  # ahead of what is being read too: the letters would be commands
                return bool(self.shown.listing.lines) or not self.shown.listing.complete
            case "next_sort" | "turn_sort" | "mark_all":
                return bool(self.shown.listing.lines)
            case "scroll":
                return any(self._list.hidden)
            case _:
                return True

    def _targets(self) -> Sequence[SessionLine]:
        """Those marked, in the order in which they were; of none the one under the cursor."""
        if self.view.marked:
            lines = {line.session: line for line in self.shown.listing.lines}
            return [lines[session] for session in self.view.marked if session in lines]
        return [self._list.current] if self._list.current is not None else []

    def on_line_picked(self, message: LinePicked) -> None:
        message.stop()
        self._told()
        if message.opened:
            self.action_open()

    def on_sort_picked(self, message: SortPicked) -> None:
        message.stop()
        self.look(sort=message.name, turned=message.name == self.view.sort and not self.view.turned)

    def action_move(self, lines: int) -> None:
        self._list.move(lines)

    def action_page(self, pages: int) -> None:
        self._list.move(pages * self._list.page)

    def action_edge(self, side: int) -> None:
        self._list.move(side * len(self._list.items()))

    def action_scroll(self, columns: int) -> None:
        """Hide a column more or less between the first one and what is seen of the others."""
        left, right = self._list.hidden
        if (columns > 0 and right) or (columns < 0 and left):
            self.look(scrolled=min(max(self.view.scrolled + columns, 0), len(COLUMNS) - 2))

    def commands(self) -> Iterable[Command]:
        return [Command(self.where, f"sort {View(sort=name).order}", f"sort({name!r})") for name in SORTS]

    def action_sort(self, name: str) -> None:
        self.look(sort=name, turned=False)

    def action_next_sort(self) -> None:
        self.look(sort=SORTS[(SORTS.index(self.view.sort) + 1) % len(SORTS)], turned=False)

    def action_turn_sort(self) -> None:
        self.look(turned=not self.view.turned)

    def action_clear(self) -> None:
        self.look(typed="")

    def action_open(self) -> None:
        if self._list.current is not None:
            self.post_message(SessionPicked(self._list.current.session))

    def action_replay(self) -> None:
        if self._list.current is not None:
            self.post_message(ReplayPicked(str(self._folder(self._list.current).path)))

    def action_new_like(self) -> None:
        if self._list.current is not None:
            self.post_message(ShowNew(self._list.current.session))

    def action_show_triggers(self) -> None:
        if self._list.current is not None:
            self.post_message(ShowTriggers(session=self._list.current.session))

    def action_mark(self) -> None:
        """Mark the session, or take its mark off."""
        current = self._list.current
        if current is not None:
            rest = tuple(session for session in self.view.marked if session != current.session)
            self.look(marked=rest if rest != self.view.marked else (*rest, current.session))

    def action_mark_all(self) -> None:
        """Mark all that the filter leaves; where all of them are marked none."""
        listed = [line.session for line in self._list.items()]
        more = [session for session in listed if session not in self.view.marked]
        self.look(marked=(*self.view.marked, *more) if more else ())

    def action_compare(self) -> None:
        """Ask for the marked sessions beside each other; of none for the one under the cursor."""
        targets = self._targets()
        if targets:
            self.post_message(ShowCompare(self._marks_of(line.session for line in targets)))

    @property
    def marks(self) -> Marks:
        """The marked sessions, to be compared."""
        return self._marks_of(self.view.marked)

    def _marks_of(self, names: Iterable[str]) -> Marks:
        home = self.root.absolute() / "sessions"
        return tuple(Mark(str(home / name)) for name in names)

    # --- what is done to sessions ---

    def action_stop(self) -> None:
        self._plan(managing.plan_stop)

    def action_remove(self) -> None:
        self._plan(managing.plan_removal)

    def action_resume(self) -> None:
        self._plan(managing.plan_resume)

    def _plan(self, make: Callable[[Sequence[SessionFolder]], Plan]) -> None:
        targets = self._targets()
        folders = [self._folder(line) for line in targets]
        sessions = tuple(line.session for line in targets)
        managing.in_background(
            lambda: make(folders), lambda plan: self.post_message(Planned(plan, sessions)), self._feed_failed
        )

    def on_planned(self, message: Planned) -> None:
        plan = message.plan
        if self.asking or self.typing:
            return  # the user went on to something else meanwhile
        if plan.question:
            self.ask(plan.question, lambda: self._act(plan, message.sessions))
        if plan.notice:
            self.notice(keys.keyed(plan.notice, self.table))

    def _act(self, plan: Plan, sessions: tuple[str, ...]) -> None:
        managing.in_background(
            plan.act, lambda said: self.post_message(Managed(said, sessions)), self._feed_failed, finish=True
        )

    def on_managed(self, message: Managed) -> None:
        self.notice(message.said)
        self._feed.order(lambda: self._source.look_again(*message.sessions))

    def _folder(self, line: SessionLine) -> SessionFolder:
        return SessionFolder(self.root / "sessions" / line.session)

    # --- the typed filter ---

    @property
    def typed(self) -> str:
        return self.view.typed

    def leave(self, typed: str) -> None:
        self.look(typed=typed)
