"""The GPU panel: what NVML saw over the session's own time, a small plot each, and why the clocks were held down."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from profiler.analysis.gpuload import SLOWDOWNS, reason_name
from profiler.analysis.samples import GPU_IDLE, bits
from profiler.analysis.state import SessionState
from tui import safe
from tui.charts.axes import StickyRange, format_value
from tui.charts.decimate import Thinned
from tui.charts.lanes import Lane, Lanes, Sign
from tui.charts.palette import MARK_STYLES, NEUTRAL_STYLE, OTHER_STYLES, SeriesStyle
from tui.charts.spec import Axis, Series, Unit
from tui.charts.window import Window, within
from tui.pictures import words
from tui.pictures.memory import FIRST_RANGE_S
from tui.pictures.names import latest_ns, on_cuda, session_s
from tui.pictures.samples import REASONS, GpuTrace

VALUES_EVERY_S = 1.0
"""The figures beside the lanes are of the newest sample, and change no oftener than that."""

STILL_NOW_S = 3.0
"""A newest sample that is older, in seconds, is told with its time."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A column of the samples as a lane: its value times ``factor`` is in ``unit``."""

    column: str
    name: str
    unit: Unit
    factor: float
    style: SeriesStyle
    least: float = 0.0  # the range goes at least so far


_FIELDS = (
    _Field("utilization", "busy", "%", 1.0, OTHER_STYLES[0], 100.0),
    _Field("sm_mhz", "SM clock", "Hz", 1e6, OTHER_STYLES[1]),
    _Field("power_mw", "power", "W", 1e-3, OTHER_STYLES[2]),
    _Field("temperature_c", "temp", "°C", 1.0, OTHER_STYLES[3], 100.0),
    _Field("memory_mhz", "mem clock", "Hz", 1e6, OTHER_STYLES[4]),
)

SYMBOLS = {
    # gravest first; bits of NVML's clock event reasons (nvml.h, nvmlClocksEventReason*)
    0x40: "T",
    0x08: "H",
    0x20: "t",
    0x80: "B",
    0x04: "P",
    0x200: "b",
    0x400: "v",
    0x10: "y",
    0x02: "c",
    0x100: "d",
    GPU_IDLE: ".",
}
_UNKNOWN = "?"
_NAMED = 3
"""Reasons that the title's legend explains: those that are on the row, the gravest first."""


class GpuChart:
    """Makes the lanes of one session; keeps what saves it from starting over each time."""

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._time = StickyRange("s", start=FIRST_RANGE_S)
        self._ranges = {field.column: StickyRange(field.unit, start=field.least) for field in _FIELDS}
        self._trace = GpuTrace(session, [field.column for field in _FIELDS])
        self._thinned = {field.column: Thinned() for field in _FIELDS}
        self._said: tuple[float, dict[str, str], str] = (-math.inf, {}, "")
        self._signed: tuple[float, tuple[Window, int] | None, tuple[Sign, ...]] = (-math.inf, None, ())

    def lanes(
        self,
        columns: int,
        now_s: float,
        *,
        window: Window | None = None,
        cursor: float | None = None,
        end: float | None = None,
    ) -> Lanes:
        """The lanes as they are now, for a plot of about ``columns``; ``now_s`` on any monotonic clock.

        ``window`` (None: all), ``cursor`` (None: none) and ``end`` (None: as far as there are samples) are seconds of
        the session's own time, as on the memory chart, whose axis ends at ``end`` too.
        """
        why = self._why_none()
        if why:
            return Lanes("GPU", empty=why, x=Axis(0.0, end or self._time.high, "s"))
        self._trace.follow()
        whole = Window(0.0, end if end is not None else self._time.fit(self._trace.last, now_s))
        seen = within(window, whole)
        values, note = self._words(cursor, now_s)
        signs = self._signs(seen, max(1, columns), now_s)
        return Lanes(
            "GPU",
            tuple(self._lane(field, seen, columns, now_s, values) for field in _FIELDS),
            Axis(*seen, "s", whole=None if seen == whole else (whole.low, whole.high)),
            signs,
            signs_name="limits" if self._trace.reasons.seen else "",
            legend=self._legend(signs),
            note=note,
            cursor=cursor,
        )

    def _why_none(self) -> str:
        """Why there are no lanes at all; "" where there are."""
        session = self._session
        if not on_cuda(session):
            return "no GPU: this session measures the CPU"
        if len(session.gpu):
            return ""
        if session.device is not None and session.device.reason:
            return f"no GPU figures: {safe.line(session.device.reason, 200)}"
        return "no GPU figures were taken" if session.over else "waiting for GPU figures"

    def _signs(self, seen: Window, columns: int, now_s: float) -> tuple[Sign, ...]:
        """The row of reasons, which grows no oftener than the figures change."""
        at, key, signs = self._signed
        if key != (seen, columns) or self._due(at, now_s):
            signs = tuple(self._stretches(seen, columns))
            self._signed = now_s, (seen, columns), signs
        return signs

    def _due(self, at: float, now_s: float) -> bool:
        """Whether what was said ``at`` is to be said anew; a replay's clock goes back too."""
        return self._session.over or not 0 <= now_s - at < VALUES_EVERY_S

    def _stretches(self, seen: Window, columns: int) -> Iterator[Sign]:
        """The gravest reason of each column, neighbours with the same one as one stretch."""
        reasons = sorted(self._trace.reasons.seen, key=_gravity)
        width = seen.span / columns
        begun, before = 0, 0
        for column in range(columns + 1):
            low = seen.low + column * width
            found = 0
            if column < columns:
                found = next((bit for bit in reasons if self._trace.reasons.touches(bit, low, low + width)), 0)
            if found == before:
                continue
            if before:
                # from within the first column to within the last one
                start, end = seen.low + (begun + 0.25) * width, seen.low + (column - 0.25) * width
                yield Sign(start, end, SYMBOLS.get(before, _UNKNOWN), _look(before))
            begun, before = column, found

    def _lane(self, field: _Field, seen: Window, columns: int, now_s: float, values: dict[str, str]) -> Lane:
        trace = self._trace
        largest = trace.largest[field.column] * field.factor
        device = self._session.device
        if field.column == "sm_mhz" and device is not None and device.max_sm_mhz:
            largest = max(largest, device.max_sm_mhz * field.factor)
        high = self._ranges[field.column].fit(largest, now_s)
        thinned = self._thinned[field.column]
        xs, ys = thinned.points(trace.xs, trace.ys[field.column], seen.low, seen.high, columns * 2, trace.layout)
        known = any(math.isfinite(y) for y in ys)
        return Lane(
            field.name,
            values.get(field.column, words.NOTHING),
            (Series(field.column, field.name, xs, _scaled(ys, field.factor), field.style),) if known else (),
            Axis(0.0, high, field.unit),
            empty=self._why_empty(field.column) if not known else "",
        )

    def _why_empty(self, column: str) -> str:
        reason = self._session.gpu_fields.get(column)
        return f"not measured: {safe.line(reason, 100)}" if reason else "nothing measured here"

    def _words(self, cursor: float | None, now_s: float) -> tuple[dict[str, str], str]:
        """The figure of each lane and the reasons, at the cursor or of the newest sample."""
        if cursor is not None:
            return self._figures(cursor), f"{words.at(cursor)}: {_told(self._reasons_at(cursor))}"
        at, figures, note = self._said
        if not figures or self._due(at, now_s):
            newest = self._trace.last
            now = session_s(self._session, latest_ns(self._session))
            # Nothing is sampled while no run is made, or one waits for the device.
            when = "now" if now - newest <= STILL_NOW_S else words.at(newest)
            when = "at the end" if self._session.over else when
            figures, note = self._figures(newest), f"{when}: {_told(self._reasons_at(newest))}"
            self._said = now_s, figures, note
        return figures, note

    def _figures(self, x: float) -> dict[str, str]:
        found = {field: self._trace.at(field.column, x) for field in _FIELDS}
        return {
            field.column: format_value(value * field.factor, field.unit)
            for field, value in found.items()
            if value is not None
        }

    def _reasons_at(self, x: float) -> list[int] | None:
        """The reasons at ``x``, the gravest first; None where nobody knows."""
        mask = self._trace.at(REASONS, x)
        return None if mask is None else sorted(bits(int(mask)), key=_gravity)

    def _legend(self, signs: tuple[Sign, ...]) -> str:
        """What the symbols of the row mean, the gravest first, as many as a title has room for."""
        seen = {sign.symbol for sign in signs}
        found = [bit for bit in SYMBOLS if SYMBOLS[bit] in seen]
        found += [bit for bit in sorted(self._trace.reasons.seen) if bit not in SYMBOLS and _UNKNOWN in seen]
        return "  ".join(f"{SYMBOLS.get(bit, _UNKNOWN)} {reason_name(bit)}" for bit in found[:_NAMED])


def _scaled(ys: tuple[float, ...], factor: float) -> tuple[float, ...]:
    """``ys`` times ``factor``; a gap stays the same object, so that equal lines compare equal."""
    return ys if factor == 1.0 else tuple([y * factor if y == y else y for y in ys])


def _gravity(bit: int) -> int:
    """Reasons that have no name here come before those that are normal."""
    order = list(SYMBOLS)
    return order.index(bit) if bit in SYMBOLS else order.index(0x04)


def _look(bit: int) -> SeriesStyle:
    if bit in SLOWDOWNS:
        return MARK_STYLES["!"]
    return NEUTRAL_STYLE if bit == GPU_IDLE else MARK_STYLES["R"]


def _told(reasons: list[int] | None) -> str:
    """The reasons in words."""
    if reasons is None:
        return "limits unknown"
    return ", ".join(reason_name(bit) for bit in reasons) or "no limit"
