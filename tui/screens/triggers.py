"""The Triggers screen: what was compiled and compiled again, why, what it cost and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from profiler.sessions import SessionFolder
from tui import keys, safe
from tui.commanding import Command
from tui.feed import Feed, Reading
from tui.inspecting import Exported, TriggersSource
from tui.messages import LinePicked, ShowStep, TriggersChanged
from tui.panels.heading import HeadingPanel
from tui.panels.strip import StripPanel
from tui.panels.triggers.causes import CausesPanel
from tui.panels.triggers.choice import ChoicePanel
from tui.panels.triggers.detail import DetailPanel
from tui.panels.triggers.sides import SidesPanel
from tui.panels.triggers.title import StatusPanel, ViewsPanel
from tui.panels.triggers.waterfall import WaterfallPanel
from tui.pictures.triggers.detail import Detail, Para, detail
from tui.pictures.triggers.painter import TriggersPicture, unread
from tui.pictures.triggers.selection import Selection
from tui.pictures.triggers.sides import Sides
from tui.pictures.triggers.view import SORTS, TITLES, VIEWS, Name, TriggersView, following
from tui.pictures.triggers.waterfall import Waterfall
from tui.screens.typed import TypedScreen

SHARES = {"causes": 0.42, "sides": 0.7, "waterfall": 0.42}
"""Of the rows between title and footer, how many the list of a view gets at most where the details are below it."""

LEAST_LIST = 4


class TriggersScreen(TypedScreen):
    """Shows why things were compiled in one session. The feed reads only while the screen is seen.

    The app keeps the screen when one leaves it, so that selection, filters and view are there when one comes back.
    """

    where = keys.TRIGGERS
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.TRIGGERS)
    CSS_PATH = Path(__file__).with_suffix(".tcss")
    AUTO_FOCUS = ""

    def __init__(
        self,
        folder: SessionFolder,
        *,
        ascii: bool = False,
        reading: Reading | None = None,
        source: TriggersSource | None = None,
        exports: Path | None = None,
    ) -> None:
        """``reading`` is shared with the session's other screens; ``exports``: where to, None: the working folder."""
        super().__init__(ascii=ascii)
        self.folder = folder
        self.picture = unread(folder.id)
        self.view = TriggersView()
        self._exports = exports
        self._source = source or TriggersSource(reading or Reading(folder))
        self._feed: Feed[TriggersPicture] = Feed(self._source, self._publish, self._feed_failed)
        self._wanted: str | None = None  # an occurrence to go to once it is there
        self._detailed: tuple[str, str] = ("", "")  # the view and the key that the details are of
        self._heading = HeadingPanel(self.picture.heading, ascii=ascii)
        self._views = ViewsPanel(self.picture, ascii=ascii)
        self._status = StatusPanel((), ascii=ascii)
        self._causes = CausesPanel(self.picture, ascii=ascii)
        self._sides = SidesPanel(Sides(), ascii=ascii)
        self._waterfall = WaterfallPanel(Waterfall(), ascii=ascii)
        self._detail = DetailPanel((), scrolling="{triggers_down} {triggers_up}", ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._heading
        yield self._views
        yield self._status
        with Container(id="main"):
            yield self._causes
            yield self._sides
            yield self._waterfall
            yield self._detail
        yield self.filter_line()

    @property
    def reading(self) -> Reading:
        """The session's logs, to be read on by the session's other screens."""
        return self._source.reading

    # --- pictures ---

    def _publish(self, picture: TriggersPicture) -> None:
        self.post_message(TriggersChanged(picture))

    def on_triggers_changed(self, message: TriggersChanged) -> None:
        self.picture = message.picture
        self._apply_when_taken()

    def _apply(self) -> None:
        picture = self.picture
        with self.app.batch_update():
            self._heading.put(picture.heading)
            self._views.put(picture)
            self._status.put(picture.statuses)
            self._fit_status()
            for name in VIEWS:
                self.set_class(name == picture.view.view, f"-{name}")
            if picture.view.view == "causes":
                self._causes.put(picture)
            if picture.sides is not None:
                self._sides.put(picture.sides)
            if picture.waterfall is not None:
                self._waterfall.put(picture.waterfall)
            self._go_to_wanted()
            self._fit_list()
            self._show_detail()
        self.refresh_footer()

    def on_resize(self) -> None:
        self._fit_list()
        self.refresh_footer()

    def _fit_list(self) -> None:
        """Above the details the list gets what its lines need, up to its share; beside them all there is."""
        panel = self._list
        if self.has_class("-wide"):
            panel.styles.clear_rule("height")
            return
        body = self.room.height - 3 - len(self.picture.statuses) - (not self.has_class("-short"))
        rows = min(1 + max(len(panel.items()), 1), max(LEAST_LIST, int(body * SHARES[self.picture.view.view])))
        if panel.styles.height is None or panel.styles.height.value != rows:
            panel.styles.height = rows

    def _fit_status(self) -> None:
        rows = len(self.picture.statuses)
        if self._status.styles.height is None or self._status.styles.height.value != rows:
            self._status.styles.height = rows

    # --- the selection ---

    def go_to(self, key: str) -> None:
        """Put the cursor on the occurrence ``key``, as soon as it is read."""
        self._wanted = key
        self.look(replace(self.view.unfiltered, view="causes"))
        self._go_to_wanted()
        self._show_detail()

    def _go_to_wanted(self) -> None:
        if self._wanted is not None and self.picture.view == self.view and self._causes.show_one(self._wanted):
            self._wanted = None

    @property
    def _list(self) -> ChoicePanel[object, object]:
        """The list that is seen."""
        panels = {"causes": self._causes, "sides": self._sides, "waterfall": self._waterfall}
        return cast("ChoicePanel[object, object]", panels[self.picture.view.view])

    @property
    def selected(self) -> Selection:
        """The trigger under the cursor."""
        match self.picture.view.view:
            case "causes":
                line = self._causes.current
                return Selection(line.group, line.one) if line is not None else Selection()
            case "sides":
                side = self._sides.current
                return Selection(side.group) if side is not None else Selection()
            case _:
                bar = self._waterfall.current
                return Selection(one=bar.one) if bar is not None else Selection()

    def _show_detail(self) -> None:
        current = self._list.current
        key = self._list.key_of(current) if current is not None else ""
        place = (self.picture.view.view, key)
        self._detail.show_detail(self._details(), other=place != self._detailed)
        self._detailed = place

    def rewrite(self) -> None:
        """In other characters: the details begin with the case's symbol."""
        self._show_detail()

    def _details(self) -> Detail:
        selected = self.selected
        side = self._sides.current if self.picture.view.view == "sides" else None
        if side is not None and side.group is None:
            meaning = (Para("", side.meaning, head=True),) if side.meaning else ()
            return (Para("", side.label.strip(), "bold", head=True), *meaning)
        shown = selected.group or selected.one
        if shown is None:
            return ()
        look = self.picture.look(shown.case)
        marker = look.marker_ascii if self.ascii else look.marker
        return detail(selected.group, selected.one, look, marker=marker, held=self.picture.held)

    def on_line_picked(self, message: LinePicked) -> None:
        message.stop()
        self._show_detail()
        self.refresh_footer()
        if message.opened:
            self.action_enter()

    # --- keys ---

    def look(self, view: TriggersView) -> None:
        """Have the triggers seen as ``view`` says."""
        if view != self.view:
            self.view = view
            self._feed.order(lambda: self._source.look(view))

    def possible(self, action: str) -> bool:
        if self.typing:
            return False
        name, view = action.partition("(")[0], self.view.view
        match name:
            case "enter":
                return view == "causes" and self._causes.current is not None
            case "unfold":
                return view == "causes" and self._causes.can_unfold
            case "fold":
                return view == "causes" and self._causes.can_fold
            case "show_step":
                return self.selected.focus is not None
            case "clear":
                return view == "causes" and self.view.filtered
            case "next_side":
                return view == "sides" and self.picture.sides is not None and self.picture.sides.left is not None
            case "next_value":
                field = action.partition("'")[2].partition("'")[0]
                if view == "waterfall":
                    runs = self.picture.waterfall.runs if self.picture.waterfall is not None else ()
                    return field == "run" and len(runs) > 1
                return view == "causes" and (len(self.picture.values(field)) > 1 or self.view.chosen(field) is not None)
            case "next_sort":
                return view == "causes" and self.picture.total > 1
            case "type":  # ahead of what is being read too: the letters would be commands
                return view == "causes" and (self.picture.total > 1 or self.picture.heading.loading)
            case "copy":
                return self.selected.remedy is not None
            case "export":
                return self.picture.total > 0
            case _:
                return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        # The base class asks with the action's name alone; which field it is about counts here.
        if action == "next_value" and parameters and not self.typing:
            return not self.asking and self.possible(f"next_value('{parameters[0]}')")
        return super().check_action(action, parameters)

    def commands(self) -> Iterable[Command]:
        return [Command(self.where, f"view: {TITLES[name]}", f"view({name!r})") for name in VIEWS]

    def action_move(self, lines: int) -> None:
        self._list.move(lines)

    def action_page(self, pages: int) -> None:
        self._list.move(pages * self._list.page)

    def action_edge(self, side: int) -> None:
        self._list.move(side * len(self._list.items()))

    def action_enter(self) -> None:
        """Unfold the group; from one of its occurrences go on to its step."""
        line = self._causes.current
        if line is None:
            return
        if line.one is not None or len(line.members) == 1:
            self.action_show_step()
        elif self._causes.can_unfold:
            self.action_unfold()
        else:
            self.action_fold()

    def action_unfold(self) -> None:
        self._causes.unfold()
        self._fit_list()
        self.refresh_footer()

    def action_fold(self) -> None:
        self._causes.fold()
        self._fit_list()
        self._show_detail()
        self.refresh_footer()

    def action_show_step(self) -> None:
        focus = self.selected.focus
        if focus is not None:
            self.post_message(ShowStep(focus))
        else:
            self.notice("this one is within no call")

    def action_view(self, name: Name) -> None:
        if name in VIEWS:
            self.look(replace(self.view, view=name))

    def on_strip_panel_picked(self, message: StripPanel.Picked) -> None:
        """A view of the strip was clicked on."""
        message.stop()
        if not self.typing and message.name in VIEWS:
            self.action_view(message.name)

    def action_next_view(self, views: int) -> None:
        self.action_view(VIEWS[(VIEWS.index(self.view.view) + views) % len(VIEWS)])

    def action_next_sort(self) -> None:
        self.look(replace(self.view, sort=SORTS[(SORTS.index(self.view.sort) + 1) % len(SORTS)]))

    def action_next_value(self, field: str) -> None:
        if self.view.view == "waterfall":
            charted = self.picture.waterfall
            if charted is not None and charted.runs:
                self.look(replace(self.view, charted=following(charted.runs, charted.run) or charted.runs[0]))
            return
        self.look(self.view.choosing(field, following(self.picture.values(field), self.view.chosen(field))))

    def action_next_side(self, side: str) -> None:
        shown = self.picture.sides
        if shown is not None:
            left, right = shown.next([name for name, _ in self.picture.looks], side)
            self.look(replace(self.view, left=left, right=right))

    def action_clear(self) -> None:
        self.look(self.view.unfiltered)

    def action_detail(self, pages: int) -> None:
        self._detail.scroll_lines(pages * self._detail.page)

    # --- the typed filter ---

    @property
    def typed(self) -> str:
        return self.view.typed

    def leave(self, typed: str) -> None:
        self.look(replace(self.view, typed=typed))

    # --- to take away ---

    def action_copy(self) -> None:
        remedy = self.selected.remedy
        if remedy is not None:
            self.app.copy_to_clipboard(remedy)
            self.notice(f"copied (in tmux: set-clipboard on): {safe.line(remedy, 60)}")

    def action_export(self) -> None:
        folder, view = self._exports or Path.cwd(), self.view
        self._feed.order(lambda: self._tell(self._source.export(view, folder)))

    def _tell(self, exported: Exported) -> None:
        """On the feed's thread: say what came of an export."""
        said = f"written: {exported.path}" if exported.path is not None else exported.why
        self.app.call_later(self.notice, safe.line(said, 300))
