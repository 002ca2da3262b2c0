"""The Live screen: one session as it runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from profiler import sessions
from profiler.sessions import SessionFolder
from tui import keys, safe
from tui.charts.widget import Chart
from tui.feed import Feed, LiveSource
from tui.messages import LiveChanged, ShowCompare, ShowTriggers
from tui.panels.cases import CasesPanel
from tui.panels.happenings import HappeningsPanel
from tui.panels.heading import HeadingPanel
from tui.panels.progress import ProgressPanel
from tui.panels.runs import RunsPanel
from tui.pictures.compare.marks import Mark
from tui.pictures.focus import Focus
from tui.pictures.live import LivePicture, unread
from tui.pictures.steps import StepsView, same_place
from tui.screens.fed import FedScreen

LOW = 30
"""Rows below which one chart at a time has to do."""


class LiveScreen(FedScreen):
    """Shows the pictures of one session. The feed reads only while the screen is seen."""

    where = keys.LIVE
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.LIVE)
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(self, folder: SessionFolder, *, ascii: bool = False, source: LiveSource | None = None) -> None:
        super().__init__(ascii=ascii)
        self.folder = folder
        self.picture = unread(folder.id)
        self._view = StepsView()
        self._inspected: Focus | None = None  # where the inspector sent the cursor
        self._source = source or LiveSource(folder)
        self._feed: Feed[LivePicture] = Feed(self._source, self._publish, self._feed_failed)
        self._unfold: bool | None = None  # None: the legs are seen where they fit
        self._cases_hidden = False
        self._charted = ""
        self._heading = HeadingPanel(self.picture.heading, ascii=ascii)
        self._progress = ProgressPanel(self.picture.progress, ascii=ascii)
        self._steps = Chart(self.picture.steps, ascii=ascii, id="steps")
        self._memory = Chart(self.picture.memory, ascii=ascii, id="memory")
        self._runs = RunsPanel((), ascii=ascii)
        self._happenings = HappeningsPanel((), ascii=ascii)
        self._cases = CasesPanel((), ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._heading
        yield self._progress
        with Container(id="main"):
            yield self._steps
            yield self._runs
            yield self._memory
            yield self._happenings
        yield self._cases

    # --- pictures ---

    def on_resize(self) -> None:
        self.look(replace(self._view, columns=max(self.size.width, 40)))
        self._fit_cases()
        self.refresh_footer()

    def _publish(self, picture: LivePicture) -> None:
        self.post_message(LiveChanged(picture))

    def on_live_changed(self, message: LiveChanged) -> None:
        self.picture = message.picture
        self._apply_when_taken()

    def _apply(self) -> None:
        picture = self.picture
        with self.app.batch_update():
            self._heading.put(picture.heading)
            self._progress.put(picture.progress)
            self._steps.show(picture.steps)
            self._memory.show(picture.memory)
            self._runs.put(picture.runs)
            self._happenings.put(picture.happenings)
            self._cases.put(picture.cases)
            self._fit_cases()
            if self._view.group is not None and picture.charted != self._charted:
                self._cases.look_at(picture.charted)
            self._charted = picture.charted
        self.refresh_footer()

    def _fit_cases(self) -> None:
        """The table gets a line a case, and one a leg where there is room, but never what the charts need."""
        cases, height = self.picture.cases, self.size.height
        low = height < LOW
        most = 4 if low else max(4, height // 4)
        legs = sum(len(line.legs) for line in cases)
        lines = 1 + max(len(cases), 1)
        with_legs = height * 2 // 5
        fits = not low and lines + legs <= with_legs
        unfolded = legs > 0 and (fits if self._unfold is None else self._unfold)
        if unfolded:
            lines, most = lines + legs, with_legs
        rows = min(lines, most)
        self._cases_hidden = lines > rows
        self._cases.unfold(unfolded)
        if self._cases.styles.height is None or self._cases.styles.height.value != rows:
            self._cases.styles.height = rows

    # --- keys ---

    def look(self, view: StepsView) -> None:
        """Have the step chart drawn as ``view`` says."""
        if view != self._view:
            self._view = view
            self._feed.order(lambda: self._source.look(view))

    def possible(self, action: str) -> bool:
        picture = self.picture
        match action.partition("(")[0]:
            case "next_mark":
                return bool(picture.stops)
            case "show_triggers":
                return picture.triggers
            case "next_repeat":
                return picture.repeats > 1
            case "next_group":
                return len(picture.groups) > 1
            case "next_loop":
                return len(picture.loops) > 1
            case "cases":
                return self._cases_hidden
            case "fold_legs":
                return any(line.legs for line in picture.cases)
            case "next_chart":
                return self._one_chart
            case "stop":
                return not picture.over and not picture.heading.copied
            case "skip":
                return picture.running is not None and not picture.over and not picture.heading.copied
            case _:
                return True

    @property
    def _one_chart(self) -> bool:
        return self.has_class("-narrow") and self.has_class("-short")

    def focus_on(self, focus: Focus) -> None:
        """Point the cursor of the step chart at a step that the inspector asks for; esc goes back there."""
        self._inspected = focus
        self._point_at(focus)

    def _point_at(self, focus: Focus) -> None:
        self.remove_class("-memory")
        self.look(replace(self._view, focus=focus))
        self.refresh_footer()

    def action_next_mark(self, marks: int) -> None:
        """The cursor goes to the next place where something was compiled, or the one before, and round at the end."""
        stops, now = self.picture.stops, self._view.focus
        here = next((n for n, stop in enumerate(stops) if now is not None and same_place(stop, now)), None)
        if here is None:
            here = -1 if marks > 0 else 0
        self._inspected = None
        self._point_at(stops[(here + marks) % len(stops)])

    def action_back(self) -> None:
        """Take the cursor off the chart, and go back to the inspector where that had sent it; else to the sessions."""
        if self._view.focus is None:
            self.app.call_later(self.app.run_action, "back")
            return
        inspected, self._inspected = self._inspected, None
        self.look(replace(self._view, focus=None))
        self.refresh_footer()
        if inspected is not None:
            self.post_message(ShowTriggers(inspected.key or None))

    def action_show_triggers(self) -> None:
        """Ask for the inspector, at what the cursor points at."""
        focus = self._view.focus
        self.post_message(ShowTriggers((focus.key if focus is not None else "") or None))

    def action_compare(self) -> None:
        """Ask for this session's cases beside each other."""
        self.post_message(ShowCompare((Mark(str(self.folder.path.absolute())),)))

    def _choose(self, view: StepsView) -> None:
        """Have another workload, repeat or loop drawn than the one with the cursor in it."""
        self._inspected = None
        self.look(replace(view, focus=None))
        self.refresh_footer()

    def action_next_chart(self) -> None:
        self.toggle_class("-memory")

    def action_next_repeat(self) -> None:
        now = self._view.repeat or 0
        self._choose(replace(self._view, repeat=now + 1 if now < self.picture.repeats else None))

    def action_full_range(self) -> None:
        self.look(replace(self._view, full_range=not self._view.full_range))

    def action_next_group(self) -> None:
        choices = [None, *self.picture.groups]
        now = choices.index(self._view.group) if self._view.group in choices else 0
        self._choose(replace(self._view, group=choices[(now + 1) % len(choices)]))

    def action_next_loop(self) -> None:
        choices = list(self.picture.loops)
        now = choices.index(self._view.loop) if self._view.loop in choices else -1
        self._choose(replace(self._view, loop=choices[(now + 1) % len(choices)]))

    def action_move(self, lines: int) -> None:
        self._happenings.scroll_lines(lines)

    def action_page(self, pages: int) -> None:
        self._happenings.scroll_lines(pages * self._happenings.page)

    def action_edge(self, side: int) -> None:
        self._happenings.scroll_lines(side * len(self.picture.happenings))

    def action_cases(self, halves: int) -> None:
        self._cases.scroll_halves(halves)

    def action_fold_legs(self) -> None:
        self._unfold = not self._cases.unfolded
        self._fit_cases()
        self.refresh_footer()

    def action_skip(self) -> None:
        run = self.picture.running
        if run is not None:
            self.ask(f"skip run {safe.line(run, 60)}?", lambda: self._send("skip", run))

    def action_stop(self) -> None:
        self.ask(f"stop session {safe.line(self.folder.id, 60)}?", lambda: self._send("stop"))

    def _send(self, command: str, run: str | None = None) -> None:
        try:
            sessions.send(self.folder, command, run)
        except OSError as error:
            self.notice(f"could not ask the profiler to {command}: {error.strerror}")
        else:
            self.notice(f"asked the profiler to {command}")
