"""What the SM clock says of a difference: whether it is there in cycles too."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.comparing import Comparison, compare
from profiler.analysis.lots import lots_of
from tests.analysis.events import MS, call, fold, frame, request

PLAIN = "no-compile"
HOUR_MS = 3_600_000


def _clocked(plain_mhz: int | None, compiled_mhz: int | None, *, compiled_ms: float = 500.0) -> Comparison:
    """Three runs a case, an hour after each other; no-compile's steps take 1 s. Samples lie in the measured calls."""
    given = replace(request(variants=[PLAIN, "compile"], repeats=3), device="cuda:0")
    logs: dict[str, list[ev.Event]] = {}
    samples: list[ev.Event] = [ev.DeviceSeen(t=0, name="GPU", uuid="GPU-1", max_sm_mhz=1980)]
    for number, run in enumerate(given.runs):
        eager = PLAIN in run.name
        step = (1000.0 if eager else compiled_ms) * (1 + run.repeat / 1000)
        mhz = plain_mhz if eager else compiled_mhz
        start = number * HOUR_MS
        log = frame(at=start)
        for index in range(3):
            log += call(index, "measure", start + 100 + index * 10_000, [step, step])
        logs[run.name] = [*log, ev.RunEnded(t=(start + 99_000) * MS, outcome="ok")]
        samples += [
            ev.GpuSample(t=event.start_ns + event.ns // 2, sm_mhz=mhz, utilization=99, used_bytes=1, reasons=0)
            for event in log
            if isinstance(event, ev.Step)
        ]
    plain, compiled = lots_of(fold(given, logs, samples).state)
    return compare(compiled, plain)


def test_a_difference_that_vanishes_in_cycles_is_flagged_and_not_vetoed() -> None:
    found = _clocked(1000, 2000)
    assert found.verdict == "FASTER" and found.vanishes_in_cycles is True
    assert found.cycle_verdict == "SAME" and found.cycle_speedup == pytest.approx(1.0)
    (told,) = found.warnings
    assert told.startswith("FASTER in time, but in SM clock cycles the difference is gone (1.000x): ")
    assert told.endswith(": the GPU ran at 2000 MHz, and at 1000 MHz for the baseline")


def test_a_difference_that_turns_round_in_cycles_says_so() -> None:
    found = _clocked(1000, 1900, compiled_ms=900.0)
    assert (found.verdict, found.cycle_verdict, found.vanishes_in_cycles) == ("FASTER", "SLOWER", True)
    assert "in SM clock cycles the difference is the other way round (0.585x)" in found.warnings[0]


def test_a_difference_that_stays_in_cycles_is_not_flagged() -> None:
    found = _clocked(1500, 1500)
    assert found.verdict == found.cycle_verdict == "FASTER"
    assert found.vanishes_in_cycles is False and found.warnings == []


@pytest.mark.parametrize("clocks", [(None, None), (1500, None)])
def test_without_samples_of_the_clock_cycles_say_nothing(clocks: tuple[int | None, int | None]) -> None:
    found = _clocked(*clocks)
    assert found.verdict == "FASTER" and found.warnings == []
    assert (found.cycle_speedup, found.cycle_verdict, found.vanishes_in_cycles) == (None, None, None)
