"""The charts of one session on a screen: which of them are seen, which part of them, and where the cursor is."""

from __future__ import annotations

from dataclasses import replace

from textual.widget import Widget

from profiler.sessions import SessionFolder
from tui.charts.pointing import ChartPanned, ChartPointed, ChartZoomed
from tui.charts.widget import Chart
from tui.charts.window import Window, panned, zoomed
from tui.feed import Feed, LiveSource
from tui.panels.stacked import StackedPanel
from tui.pictures.focus import Focus
from tui.pictures.live import LivePicture, unread
from tui.pictures.steps import same_place
from tui.pictures.view import PANELS, At, AxisKind, StepsView
from tui.screens.fed import FedScreen

NORMAL, WIDE = 100, 160
"""Columns from which on charts stand side by side, and all of them."""

LOW, TALL = 30, 45
"""Rows below which a few charts have to do, and from which on all fit on a narrower screen too."""

PAN_SHARE = 0.25
"""Of the window, by a key."""

END_SHARE = 0.1
"""Of the window: what lies so near its right end is taken to be at the end."""

LEAST_SLOTS, LEAST_STEPS = 0.1, 5.0
"""How near one may look at the axis of calls, and at that of the steps of overlaid ones, in their units."""


class ChartsScreen(FedScreen):
    """The view is answered by pictures: what comes next begins where the newest picture is, once it has the view."""

    def __init__(self, folder: SessionFolder, *, ascii: bool, source: LiveSource) -> None:
        super().__init__(ascii=ascii)
        self.folder = folder
        self.picture = self.painted = unread(folder.id)  # the newest one, and the one that is on the screen
        self._view = StepsView()
        self._source = source
        self._feed: Feed[LivePicture] = Feed(source, self._publish, self._feed_failed)
        self._place = "steps"  # of the charts that share a place the one that is seen
        self._steps = Chart(self.picture.steps, ascii=ascii, mouse=True, id="steps")
        self._memory = Chart(self.picture.memory, ascii=ascii, mouse=True, id="memory")
        self._gpu = Chart(self.picture.gpu, ascii=ascii, mouse=True, id="gpu")
        self._stages = StackedPanel(self.picture.stages, ascii=ascii, id="stages")

    def _publish(self, picture: LivePicture) -> None:
        raise NotImplementedError

    def _apply(self) -> None:
        picture = self.painted = self.picture
        self._steps.show(picture.steps)
        self._memory.show(picture.memory)
        self._gpu.show(picture.gpu)
        self._stages.put(picture.stages)
        self._arrange()

    # --- which charts ---

    @property
    def charts(self) -> dict[str, Widget]:
        """All charts by their names, in tab's order."""
        return dict(zip(PANELS, (self._steps, self._memory, self._gpu, self._stages), strict=True))

    @property
    def sharing(self) -> tuple[str, ...]:
        """The charts that share a place on a screen of this size; () where each has its own."""
        width, height = self.size
        known = tuple(name for name in PANELS if name != "gpu" or self.picture.has_gpu)
        if (width >= WIDE and height >= LOW) or (width >= NORMAL and height >= TALL):
            return ()
        return known if width < NORMAL and height < LOW else known[1:]

    @property
    def seen(self) -> tuple[str, ...]:
        """The charts that are seen, in tab's order."""
        sharing = self.sharing
        hidden = set() if self.picture.has_gpu else {"gpu"}
        if sharing:
            hidden |= {*sharing} - {self._place if self._place in sharing else sharing[0]}
        return tuple(name for name in PANELS if name not in hidden)

    def _arrange(self) -> None:
        """Show the charts that are to be seen, and have pictures made of these alone, as wide as there is room."""
        seen = self.seen
        for name, chart in self.charts.items():
            chart.display = name in seen
        self.set_class(not self.picture.has_gpu, "-no-gpu")
        width = self.size.width
        columns = width if self.sharing or width < WIDE else width * 5 // 8
        self.look(replace(self._view, panels=seen, columns=max(columns, 40)))

    def _next_place(self, by: int) -> None:
        sharing = self.sharing
        if sharing:
            now = sharing.index(self._place) if self._place in sharing else 0
            self._place = sharing[(now + by) % len(sharing)]
            self._arrange()
            self.refresh_footer()

    def action_next_chart(self) -> None:
        self._next_place(1)

    def action_chart_before(self) -> None:
        self._next_place(-1)

    # --- the view ---

    def look(self, view: StepsView) -> None:
        """Have the charts drawn as ``view`` says."""
        if view != self._view:
            self._view = view
            self._feed.order(lambda: self._source.look(view))

    @property
    def _now(self) -> StepsView:
        """The view from which the next key goes on: as it was drawn, once the newest picture has it."""
        return self.picture.view if self.picture.asked == self._view else self._view

    def chart_possible(self, action: str) -> bool:
        """Whether a key of the charts does anything now; ``action`` with or without its parameter."""
        picture = self.picture
        match action.partition("(")[0]:
            case "next_chart" | "chart_before":
                return bool(self.sharing)
            case "next_mark":
                return bool(picture.stops)
            case "cursor" | "axis" | "full_range" | "log" | "overlay":
                return bool(picture.steps.series)
            case "pan":
                return self._can_pan(action)
            case "zoom":
                return bool(picture.steps.series) if "steps" in self.seen else "stages" not in self.seen
            case "all_x":
                return self._view.slots is not None or self._view.times is not None
            case "next_repeat":
                return picture.repeats > 1
            case "next_group":
                return len(picture.groups) > 1
            case "next_loop":
                return len(picture.loops) > 1
            case "pause":
                return not picture.over
        return True

    def _change(self, view: StepsView) -> None:
        """Have the step chart drawn as ``view`` says, and show it where it shares its place."""
        self._see_steps()
        self.look(replace(view, panels=self._view.panels))
        self.refresh_footer()

    def action_full_range(self) -> None:
        self._change(replace(self._now, full_range=not self._view.full_range, log=False))

    def action_log(self) -> None:
        self._change(replace(self._now, log=not self._view.log))

    def action_axis(self) -> None:
        view = self._now
        self._change(replace(view, axis="steps" if view.axis == "time" else "time"))

    def action_overlay(self) -> None:
        view = self._now
        overlay = view.axis == "time" or not view.overlay
        self._change(replace(view, overlay=overlay, axis="steps", slots=None))

    def action_pause(self) -> None:
        """The charts and lists stand still, or go on from now; keys are answered all the same."""
        self.look(replace(self._now, paused=not self._view.paused))
        self._apply()

    # --- x ---

    def _axis_of(self, chart: Widget | None) -> AxisKind:
        """The axis of a chart; of the keys (None): of the one that is seen, the steps' first."""
        if chart is None:
            chart = self._steps if "steps" in self.seen else self._memory
        return self._view.axis if chart is self._steps else "time"

    def _window(self, axis: AxisKind) -> tuple[Window, Window] | None:
        """What is seen of an axis, and all of it; None while no picture has the axis that was chosen."""
        drawn, view = self.picture.view, self._now
        if axis == "time":
            whole = self.picture.times
        elif (drawn.axis, drawn.overlay) == (view.axis, view.overlay):
            whole = self.picture.whole
        else:
            return None
        return (view.times if axis == "time" else view.slots) or whole, whole

    def _zoom(self, factor: float, at: float | None, axis: AxisKind) -> None:
        known = self._window(axis)
        if known is None:
            return
        window, whole = known
        least = 0.0 if axis == "time" else LEAST_STEPS if self._now.overlay else LEAST_SLOTS
        self._see(zoomed(window, whole, factor, at, least=least), whole, axis)

    def _see(self, window: Window, whole: Window, axis: AxisKind) -> None:
        """See a window from now on; one in which something new is to be seen follows what comes."""
        view, newest = self._now, self._newest(axis)
        following = {*view.following} - {axis}
        if newest is not None and window.low <= newest <= window.high:
            following.add(axis)
        view = replace(view, following=tuple(sorted(following)), seek=False)
        self.look(view.windowed(None if window == whole else window, axis))
        self.refresh_footer()

    def _newest(self, axis: AxisKind) -> float | None:
        """Where on an axis something new is to be seen; None where nothing new comes."""
        return None if self.picture.over else self._furthest(axis)

    def _furthest(self, axis: AxisKind) -> float | None:
        """How far on an axis there is something to see."""
        if axis == self.picture.view.axis:
            return self.picture.newest
        return self.picture.latest if axis == "time" else None

    def action_zoom(self, factor: float) -> None:
        """Around the cursor, else around what is new, where that is seen; else the right end stays.

        Of a session that is over what is furthest counts as new where it lies well before the axis' end: beyond it
        there is nothing to see.
        """
        axis = self._axis_of(None)
        chart = self.picture.steps if axis == self._view.axis else self.picture.memory
        furthest = self._furthest(axis)
        if (
            self.picture.over
            and furthest is not None
            and furthest > chart.x.high - END_SHARE * (chart.x.high - chart.x.low)
        ):
            furthest = None
        places = (chart.cursor.x if chart.cursor is not None else None, furthest)
        seen = (x for x in places if x is not None and chart.x.low <= x <= chart.x.high)
        self._zoom(factor, next(seen, None), axis)

    def _can_pan(self, action: str) -> bool:
        """Whether there is more of x on that side; without a parameter: on any."""
        if "steps" not in self.seen and "stages" in self.seen:
            return False
        known = self._window(self._axis_of(None))
        if known is None:
            return False
        window, whole = known
        left, right = window.low > whole.low, window.high < whole.high
        return {"pan(-1)": left, "pan(1)": right}.get(action, left or right)

    def action_pan(self, direction: int) -> None:
        self._pan(None, direction * PAN_SHARE)

    def _pan(self, chart: Widget | None, share: float = 0.0, by: float = 0.0) -> None:
        axis = self._axis_of(chart)
        known = self._window(axis)
        if known is not None:
            window, whole = known
            self._see(panned(window, whole, by + share * window.span), whole, axis)

    def action_all_x(self) -> None:
        self.look(replace(self._now, slots=None, times=None))
        self.refresh_footer()

    def on_chart_zoomed(self, message: ChartZoomed) -> None:
        message.stop()
        self._zoom(message.factor, message.at, self._axis_of(message.chart))

    def on_chart_panned(self, message: ChartPanned) -> None:
        message.stop()
        self._pan(message.chart, by=message.by)

    def on_chart_pointed(self, message: ChartPointed) -> None:
        message.stop()
        at = At(message.x, self._axis_of(message.chart))
        self.look(replace(self._now.pointed(None), at=at, seek=True))
        self.refresh_footer()

    # --- the cursor ---

    def action_cursor(self, steps: int) -> None:
        view = self._now
        self._change(replace(view, moved=view.moved + steps, seek=True))

    def _see_steps(self) -> None:
        """The cursor is on the step chart: show that, where it shares its place."""
        if "steps" not in self.seen:
            self._place = "steps"
            self._arrange()

    def point_at(self, focus: Focus) -> None:
        """Put the cursor at a step."""
        self._change(self._now.pointed(focus))

    def action_next_mark(self, marks: int) -> None:
        """The cursor goes to the next place where something was compiled, or the one before, and round at the end."""
        stops, now = self.picture.stops, self._view.focus
        if not stops:
            return
        here = next((n for n, stop in enumerate(stops) if now is not None and same_place(stop, now)), None)
        if here is None:
            # Between two marks, or nowhere: how many are left of the cursor.
            here = self.picture.stop_at - (1 if marks > 0 else 0)
            drawn = self._now.focus
            if marks < 0 and drawn is not None and here and same_place(stops[here - 1], drawn):
                here -= 1
        self.point_at(stops[(here + marks) % len(stops)])
