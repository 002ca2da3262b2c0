"""What measuring costs, and whether the figures agree with the pipeline's own: for ``make bench``, not for runs.

The yardstick is the pipeline's progress bar, which prints the loop's rate with or without a profiler: both figures here
compare with what the bar says, from its creation to its close.
"""

from __future__ import annotations

import io
import re
import statistics
from typing import Any, NamedTuple

from tqdm.auto import tqdm  # type: ignore[import-untyped]

from profiler.events import Event, LoopEnded
from profiler.worker.measure import Measurement

_RATE = re.compile(r"([\d.]+)(it/s|s/it)\]?\s*$")


class Overhead(NamedTuple):
    """Hooked and bare denoise loops, interleaved in one process; times in seconds."""

    hooked_s: list[float]
    bare_s: list[float]

    @property
    def ratio(self) -> float:
        """Median of the hooked loops / median of the bare ones."""
        return statistics.median(self.hooked_s) / statistics.median(self.bare_s)

    @property
    def paired_ratio(self) -> float:
        """Median of the ratios of neighbours, which a machine that is busy for a while disturbs less."""
        return statistics.median(hooked / bare for hooked, bare in zip(self.hooked_s, self.bare_s, strict=True))


class Agreement(NamedTuple):
    """Iterations per second of one call: from the events, and as the progress bar printed it."""

    measured: float
    printed: float

    @property
    def error(self) -> float:
        return abs(self.measured / self.printed - 1)


class _Bar(tqdm):  # type: ignore[misc]
    """The pipeline's bar, which remembers how long it was open."""

    elapsed_s = 0.0

    def close(self) -> None:
        if not self.disable:
            _Bar.elapsed_s = self.format_dict["elapsed"]
        super().close()


def overhead(measurement: Measurement, pairs: int) -> Overhead:
    """Time ``pairs`` of calls, one with every hook and one with none, taking turns at who goes first."""
    pipe = measurement.pipe
    result = Overhead([], [])
    original = pipe.progress_bar
    pipe.progress_bar = _silent_bar
    try:
        for pair in range(pairs):
            for hooked in (pair % 2 == 0, pair % 2 == 1):
                if hooked:
                    measurement.call("measure")
                else:
                    measurement.bare_call()
                (result.hooked_s if hooked else result.bare_s).append(_Bar.elapsed_s)
    finally:
        pipe.progress_bar = original
    return result


def agreement(measurement: Measurement, events: list[Event]) -> Agreement:
    """One call; ``events`` is the list that the measurement's sink appends to. Raises ValueError without a bar."""
    pipe = measurement.pipe
    printed = io.StringIO()
    configured = dict(getattr(pipe, "_progress_bar_config", {}))
    pipe.set_progress_bar_config(file=printed, disable=False)
    try:
        measurement.call("measure")
    finally:
        pipe.set_progress_bar_config(**configured)
    loops = [event for event in events if isinstance(event, LoopEnded)]
    return Agreement(loops[-1].iterations / loops[-1].ns * 1e9, printed_rate(printed.getvalue()))


def printed_rate(text: str) -> float:
    """Iterations per second on the last line that a tqdm bar printed. Raises ValueError if there is none."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    found = _RATE.search(lines[-1].rstrip()) if lines else None
    if found is None:
        raise ValueError("the progress bar printed no rate")
    value = float(found[1])
    return value if found[2] == "it/s" else 1 / value


def _silent_bar(iterable: Any = None, total: int | None = None) -> _Bar:
    return _Bar(iterable, total=total, file=io.StringIO())
