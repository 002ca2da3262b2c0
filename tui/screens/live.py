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
from tui.feed import LiveSource
from tui.messages import LiveChanged, ShowCompare, ShowTriggers
from tui.panels.cases import CasesPanel
from tui.panels.happenings import HappeningsPanel
from tui.panels.heading import HeadingPanel
from tui.panels.progress import ProgressPanel
from tui.panels.runs import RunsPanel
from tui.pictures.compare.marks import Mark
from tui.pictures.focus import Focus
from tui.pictures.live import LivePicture
from tui.pictures.view import StepsView
from tui.screens.charts import LOW, TALL, WIDE, ChartsScreen

SCANT = 20
"""Rows below which there is one event under the chart."""


class LiveScreen(ChartsScreen):
    """Shows the pictures of one session. The feed reads only while the screen is seen."""

    where = keys.LIVE
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(keys.LIVE)
    CSS_PATH = Path(__file__).with_suffix(".tcss")

    def __init__(self, folder: SessionFolder, *, ascii: bool = False, source: LiveSource | None = None) -> None:
        super().__init__(folder, ascii=ascii, source=source or LiveSource(folder))
        self._inspected: Focus | None = None  # where the inspector sent the cursor
        self._unfold: bool | None = None  # None: the legs are seen where they fit
        self._cases_hidden = False
        self._charted = ""
        self._run_rows = ""
        self._main = Container(id="main")
        self._heading = HeadingPanel(self.picture.heading, ascii=ascii)
        self._progress = ProgressPanel(self.picture.progress, ascii=ascii)
        self._runs = RunsPanel((), ascii=ascii)
        self._happenings = HappeningsPanel((), ascii=ascii)
        self._cases = CasesPanel((), ascii=ascii)

    def compose_body(self) -> ComposeResult:
        yield self._heading
        yield self._progress
        with self._main:
            yield self._steps
            yield self._runs
            yield self._stages
            yield self._memory
            yield self._gpu
            yield self._happenings
        yield self._cases

    # --- pictures ---

    def on_resize(self) -> None:
        self.set_class(self.size.height < SCANT, "-scant")
        self._arrange()
        self._fit_runs()
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
            self._heading.put(replace(picture.heading, paused=self._view.paused))
            self._progress.put(picture.progress)
            super()._apply()
            self._runs.put(picture.runs)
            self._happenings.put(picture.happenings)
            self._cases.put(picture.cases)
            self._fit_runs()
            self._fit_cases()
            if self._view.group is not None and picture.charted != self._charted:
                self._cases.look_at(picture.charted)
            self._charted = picture.charted
        self.refresh_footer()

    def _fit_runs(self) -> None:
        """Where the runs have a place they get a row each, as long as the stages below them keep theirs.

        There the stages stand in the grid's first rows, elsewhere after the charts of time.
        """
        width, height = self.size
        children = self._main.children
        before = width >= WIDE
        if self._stages.parent is self._main and before != (
            children.index(self._stages) < children.index(self._memory)
        ):
            self._main.move_child(self._stages, before=self._memory if before else self._happenings)
        if width < WIDE or height < TALL:
            if self._run_rows:
                self._run_rows = ""
                self._main.styles.clear_rule("grid_rows")
            return
        rows = f"{min(len(self.picture.runs) + 2, height // 4)} 1fr 42%"
        if rows != self._run_rows:
            self._run_rows = rows
            self._main.styles.grid_rows = rows

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

    def possible(self, action: str) -> bool:
        picture, name = self.picture, action.partition("(")[0]
        match name:
            case "show_triggers":
                return picture.triggers
            case "cases":
                return self._cases_hidden
            case "fold_legs":
                return any(line.legs for line in picture.cases)
            case "columns":
                return self._cases.pages > 1
            case "stop":
                return not picture.over and not picture.heading.copied
            case "skip":
                return picture.running is not None and not picture.over and not picture.heading.copied
        return self.chart_possible(action)

    def focus_on(self, focus: Focus) -> None:
        """Point the cursor of the step chart at a step that the inspector asks for; esc goes back there."""
        self._inspected = focus
        self.point_at(focus)

    def action_next_mark(self, marks: int) -> None:
        self._inspected = None
        super().action_next_mark(marks)

    def action_cursor(self, steps: int) -> None:
        self._inspected = None
        super().action_cursor(steps)

    def action_back(self) -> None:
        """Take the cursor off the chart, and go back to the inspector where that had sent it; else to the sessions."""
        if not self._view.pointing:
            self.app.call_later(self.app.run_action, "back")
            return
        inspected, self._inspected = self._inspected, None
        self.look(self._now.pointed(None))
        self.refresh_footer()
        if inspected is not None:
            self.post_message(ShowTriggers(inspected.key or None))

    def action_show_triggers(self) -> None:
        """Ask for the inspector, at what the cursor points at."""
        focus = self._now.focus
        self.post_message(ShowTriggers((focus.key if focus is not None else "") or None))

    def action_compare(self) -> None:
        """Ask for this session's cases beside each other."""
        self.post_message(ShowCompare((Mark(str(self.folder.path.absolute())),)))

    def _choose(self, view: StepsView) -> None:
        """Have another workload, repeat or loop drawn than the one with the cursor in it."""
        self._inspected = None
        self.look(replace(view.pointed(None), slots=None))
        self.refresh_footer()

    def action_next_repeat(self) -> None:
        now = self._view.repeat or 0
        self._see_steps()
        self._choose(replace(self._view, repeat=now + 1 if now < self.picture.repeats else None))

    def action_next_group(self) -> None:
        choices = [None, *self.picture.groups]
        now = choices.index(self._view.group) if self._view.group in choices else 0
        self._choose(replace(self._view, group=choices[(now + 1) % len(choices)]))

    def action_next_loop(self) -> None:
        choices = list(self.picture.loops)
        now = choices.index(self._view.loop) if self._view.loop in choices else -1
        self._see_steps()
        self._choose(replace(self._view, loop=choices[(now + 1) % len(choices)]))

    def action_move(self, lines: int) -> None:
        self._happenings.scroll_lines(lines)

    def action_page(self, pages: int) -> None:
        self._happenings.scroll_lines(pages * self._happenings.page)

    def action_edge(self, side: int) -> None:
        self._happenings.scroll_lines(side * len(self.picture.happenings))

    def action_cases(self, halves: int) -> None:
        self._cases.scroll_halves(halves)

    def action_columns(self, pages: int) -> None:
        self._cases.turn(pages)

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
