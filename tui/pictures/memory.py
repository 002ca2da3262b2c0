"""The memory chart: over the session's own time, device memory on a GPU, resident set size on a CPU."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

from profiler.analysis.columns import ABSENT, Columns
from profiler.analysis.state import RunState, SessionState
from tui import safe
from tui.charts.axes import StickyRange
from tui.charts.decimate import Thinned
from tui.charts.palette import OTHER_STYLES, SeriesStyle
from tui.charts.reading import held
from tui.charts.spec import Axis, ChartSpec, Cursor, Reading, Series
from tui.charts.window import Window, within
from tui.pictures import words
from tui.pictures.names import latest_ns, on_cuda, origin_ns, session_s

DEVICE_STYLE, ALLOCATED_STYLE, RESERVED_STYLE = OTHER_STYLES[0], OTHER_STYLES[1], OTHER_STYLES[4]
FIRST_RANGE_S = 30.0


class MemoryTrace:
    """One column of bytes over the time that the session ran, added to as the log grows."""

    def __init__(self, session: SessionState) -> None:
        self._origin_ns = origin_ns(session)
        self._pauses = tuple(session.pauses)
        self._rows: dict[int, int] = {}  # rows taken in, by source
        self.xs = array("d")
        self.ys = array("d")
        self.thinned = Thinned()
        self.largest = 0.0

    def follow(self, source: int, columns: Columns, name: str) -> None:
        """Take in what column ``name`` of ``source`` (a run's number) has gained. A new source starts a new piece."""
        first = self._rows.get(source, 0)
        if len(columns) == first:
            return
        self._rows[source] = len(columns)
        if first == 0 and self.xs:
            self.xs.append(self.xs[-1])
            self.ys.append(math.nan)
        latest = self.xs[-1] if self.xs else -math.inf
        origin_ns, pauses = self._passed(columns.cell(first, "t"))
        for t, value in zip(columns.column("t", first), columns.column(name, first), strict=True):
            if pauses and t >= pauses[0][1]:
                # The session was resumed: the line begins anew.
                origin_ns, pauses = self._passed(t)
                self.xs.append(latest)
                self.ys.append(math.nan)
            # Samples of two logs may cross by a little; the line goes on where it was.
            latest = max((t - origin_ns) / 1e9, latest)
            self.xs.append(latest)
            self.ys.append(math.nan if value == ABSENT else float(value))
            if value > self.largest:
                self.largest = float(value)

    def _passed(self, t: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """The zero of the session's own time for records after ``t``, and the pauses that end later."""
        over = [pause for pause in self._pauses if pause[1] <= t]
        return self._origin_ns + sum(end - start for start, end in over), self._pauses[len(over) :]


class MemoryChart:
    """Makes the specs of the memory chart of one session."""

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._clock = _clock(session)
        self._traces: dict[str, MemoryTrace] = {}
        self._runs: list[RunState] = []  # in the order in which they were made
        self._order: list[str] = []
        self._time = StickyRange("s", start=FIRST_RANGE_S)
        self._bytes = StickyRange("B")

    def whole(self, now_s: float) -> Window:
        """All of the axis of time, in seconds of the session's own time: to its last record, rounded up."""
        return Window(0.0, self._time.fit(session_s(self._session, latest_ns(self._session)), now_s))

    def spec(
        self, columns: int, now_s: float, *, window: Window | None = None, cursor: float | None = None
    ) -> ChartSpec:
        """The chart as it is now, for a plot of about ``columns``; ``now_s`` on any monotonic clock.

        ``window`` (None: all) and ``cursor`` (None: none) are seconds of the session's own time.
        """
        if _clock(self._session) != self._clock:
            # A conductor's first record was read after a worker's.
            self._clock = _clock(self._session)
            self._traces.clear()
        self._runs = sorted(
            (run for run in self._session.runs.values() if len(run.memory)), key=lambda run: run.memory.cell(0, "t")
        )
        order = [run.name for run in self._runs]
        if order[: len(self._order)] != self._order:
            # In a session that was resumed a run may be made after those that are asked for after it.
            self._traces.clear()
        self._order = order
        seen = _Seen(columns, now_s, window, cursor)
        return self._gpu(seen) if on_cuda(self._session) else self._cpu(seen)

    def _cpu(self, seen: _Seen) -> ChartSpec:
        trace = self._of_runs("rss_bytes")
        style = OTHER_STYLES[0]
        return self._chart("memory (RSS, not VRAM)", [("rss", "resident", trace, style)], seen)

    def _gpu(self, seen: _Seen) -> ChartSpec:
        session = self._session
        used = self._trace("used")
        used.follow(0, session.gpu, "used_bytes")
        lines = [
            ("used", "device", used, DEVICE_STYLE),
            ("reserved", "reserved", self._of_runs("reserved_bytes"), RESERVED_STYLE),
            ("allocated", "allocated", self._of_runs("allocated_bytes"), ALLOCATED_STYLE),
        ]
        note = ""
        reason = self._unreadable()
        if reason:
            note = f"device n/a: {safe.line(reason, 100)}"
        elif session.device is not None and session.device.total_bytes:
            note = f"of {words.size(session.device.total_bytes)}"
        return self._chart("memory", lines, seen, note)

    def _unreadable(self) -> str | None:
        """Why there is no figure of the device's memory."""
        device = self._session.device
        if device is not None and device.reason:
            return device.reason
        return self._session.gpu_fields.get("used_bytes")

    def _trace(self, key: str) -> MemoryTrace:
        return self._traces.setdefault(key, MemoryTrace(self._session))

    def _of_runs(self, name: str) -> MemoryTrace:
        trace = self._trace(name)
        for number, run in enumerate(self._runs):
            trace.follow(number, run.memory, name)
        return trace

    def _chart(
        self, title: str, lines: list[tuple[str, str, MemoryTrace, SeriesStyle]], seen: _Seen, note: str = ""
    ) -> ChartSpec:
        traces = [trace for _, _, trace, _ in lines]
        whole = self.whole(seen.now_s)
        low, end = within(seen.window, whole)
        high = self._bytes.fit(max(trace.largest for trace in traces), seen.now_s)
        series, readings = [], []
        for key, label, trace, style in lines:
            if trace.largest:
                xs, ys = trace.thinned.points(trace.xs, trace.ys, low, end, seen.columns * 2)
                series.append(Series(key, label, xs, ys, style))
                if seen.cursor is not None:
                    readings.append(Reading(key, held(trace.xs, trace.ys, seen.cursor)))
        return ChartSpec(
            title=title,
            series=tuple(series),
            x=Axis(low, end, "s", whole=None if seen.window is None else whole),
            y=Axis(0.0, high, "B"),
            empty="no memory figures" if self._session.over else "waiting for memory figures",
            note=note,
            cursor=None
            if seen.cursor is None
            else Cursor(seen.cursor, "", readings=tuple(readings), place=words.at(seen.cursor)),
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is seen of the chart."""

    columns: int
    now_s: float
    window: Window | None
    cursor: float | None


def _clock(session: SessionState) -> tuple[object, ...]:
    """What the session's own time depends on."""
    return origin_ns(session), *session.pauses
