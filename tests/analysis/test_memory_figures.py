"""Memory by phase, and what a run has on the device beside torch: only where it is surely the run's."""

from __future__ import annotations

from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis.figures import run_figures
from profiler.analysis.memory import MemoryFigures
from tests.analysis import gpu

GIB = 1 << 30


def phases(change: gpu.Change | None, worker: list[ev.Event] | None = None) -> dict[str, MemoryFigures]:
    log = gpu.log(3) if worker is None else worker
    log.append(ev.Memory(t=8 * gpu.SECOND, phase="measure", call=2, reserved_bytes=7 * GIB, allocated_bytes=5 * GIB))
    found = run_figures(*gpu.session(3, change, worker=log))
    return {phase.name: phase.memory for phase in found.phases} | {"all": found.memory}


@pytest.mark.parametrize(
    ("sample", "load", "measure"),
    [
        ({}, 3 * GIB, 2 * GIB),  # nobody else is on the device: 9 GiB used
        ({"process_bytes": 8 * GIB, "others": 3}, 2 * GIB, GIB),
        ({"others": 1}, None, None),  # whose is it?
        ({"others": None}, None, None),
        ({"used_bytes": None}, None, None),
        ({"process_bytes": 6 * GIB}, 0, None),  # less than torch has reserved: not the same thing
    ],
)
def test_outside_torch_is_what_nvml_sees_of_the_run_beside_what_torch_reserved(
    sample: dict[str, Any], load: int | None, measure: int | None
) -> None:
    found = phases(lambda *_: sample)
    assert found["load"].outside_torch_bytes == load
    assert found["measure"].outside_torch_bytes == measure
    assert found["all"].outside_torch_bytes == load


def test_samples_of_another_time_say_nothing() -> None:
    log = gpu.log(3)
    # The last sample is of second 9, and 9 GiB were used then.
    log.append(ev.Memory(t=12 * gpu.SECOND, phase="measure", reserved_bytes=GIB))
    assert phases(None, log)["measure"].outside_torch_bytes == 2 * GIB


def test_the_device_peak_is_of_the_phase() -> None:
    found = phases(lambda number, _: {"used_bytes": (12 if number == 1 else 10) * GIB})
    assert (found["load"].device_peak_bytes, found["measure"].device_peak_bytes) == (10 * GIB, 12 * GIB)
