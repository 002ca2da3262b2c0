"""The host's load around a call: read from the kernel's counters, None where they say nothing."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path
from typing import Any

import pytest

from profiler.events import CallEnded, Event
from profiler.subject import plain
from profiler.worker.clock import HostClock
from profiler.worker.hostload import Counters, HostLoad
from profiler.worker.measure import Measurement
from tests.worker.conftest import make_workload

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
OWN = sorted(os.sched_getaffinity(0))


def stat(user: int, idle: int = 0, *, steal: int = 0, foreign_core: int = 0) -> str:
    """/proc/stat with so many ticks on each core that the process may use; one core more isn't the process's."""
    cores = [f"cpu{core} {user} 1 2 {idle} 3 4 5 {steal} 6 7" for core in OWN]
    total = f"cpu  {user * len(OWN)} 0 0 0 0 0 0 0 0 0"
    return "\n".join([total, *cores, f"cpu{max(OWN) + 1} {foreign_core} 0 0 0 0 0 0 0 0 0", "intr 1 2 3", ""])


class Kernel:
    def __init__(self, folder: Path) -> None:
        self.stat, self.schedstat = folder / "stat", folder / "schedstat"
        self.stat.write_text(stat(0))
        self.schedstat.write_text("100 200 3\n")
        self.load = HostLoad(self.stat, self.schedstat)

    def foreign_ns(self, text: str, own_ns: int = 0) -> int | None:
        before = self.load.read()
        self.stat.write_text(text)
        after = self.load.read()
        return self.load.between(before, after._replace(own_ns=before.own_ns + own_ns)).foreign_cpu_ns


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_what_the_cores_did_and_this_process_did_not_is_foreign(kernel: Kernel) -> None:
    ticks = 100 * len(OWN)
    assert kernel.foreign_ns(stat(100), own_ns=30 * TICK_NS) == (ticks - 30) * TICK_NS


def test_stolen_time_is_foreign_idle_time_and_other_cores_are_not(kernel: Kernel) -> None:
    assert kernel.foreign_ns(stat(0, idle=900, steal=7, foreign_core=500)) == 7 * len(OWN) * TICK_NS


def test_rounding_is_nothing_and_a_file_that_is_not_about_these_cores_is_unknown(kernel: Kernel) -> None:
    assert kernel.foreign_ns(stat(0), own_ns=TICK_NS) == 0
    assert kernel.foreign_ns(stat(0), own_ns=10_000 * TICK_NS) is None, "all zeros, as in some sandboxes"


UNREADABLE = stat(5).replace(f"cpu{OWN[0]} ", f"cpu{OWN[0]} x")


@pytest.mark.parametrize("text", ["", "cpu  1 2 3\n", UNREADABLE, "cpu0\ncpu0\n", "\0"])
def test_a_stat_that_makes_no_sense_is_unknown(kernel: Kernel, text: str) -> None:
    assert kernel.foreign_ns(text) is None


def test_counters_that_go_back_are_unknown(kernel: Kernel) -> None:
    kernel.stat.write_text(stat(50))
    assert kernel.foreign_ns(stat(10)) is None
    load = kernel.load
    early, late = Counters(0, 500, None, 0), Counters(0, 400, None, 0)
    assert load.between(early, late).waited_ns is None


def test_waiting_for_a_core_is_the_second_number(kernel: Kernel) -> None:
    before = kernel.load.read()
    kernel.schedstat.write_text("900 1700 9\n")
    assert kernel.load.between(before, kernel.load.read()).waited_ns == 1500


@pytest.mark.parametrize("text", ["", "12\n", "a b c\n", None])
def test_without_schedstat_waits_are_unknown(kernel: Kernel, text: str | None) -> None:
    if text is None:
        kernel.schedstat.unlink()
    else:
        kernel.schedstat.write_text(text)
    now = kernel.load.read()
    assert (now.waited_ns, kernel.load.between(now, now).waited_ns) == (None, None)


def test_full_garbage_collections_are_counted_and_young_ones_are_not(kernel: Kernel) -> None:
    before = kernel.load.read()
    gc.collect(0)
    gc.collect(1)
    between = kernel.load.read()
    gc.collect()
    after = kernel.load.read()
    assert kernel.load.between(before, between).collections == 0
    assert kernel.load.between(between, after).collections == 1


def test_on_this_machine_own_work_is_not_foreign() -> None:
    load = HostLoad()
    before = load.read()
    end = time.process_time_ns() + 20_000_000
    while time.process_time_ns() < end:
        pass
    after = load.read()
    found = load.between(before, after)
    assert after.own_ns - before.own_ns >= 20_000_000
    assert found.foreign_cpu_ns is None or found.foreign_cpu_ns >= 0
    if before.busy_ns is not None and after.busy_ns is not None and found.foreign_cpu_ns:
        assert found.foreign_cpu_ns == after.busy_ns - before.busy_ns - (after.own_ns - before.own_ns)


def test_the_counters_are_read_outside_the_timed_part_of_a_call(tiny_pipe: Any) -> None:
    order: list[str] = []

    class Told(HostLoad):
        def read(self) -> Counters:
            order.append("read")
            return Counters(0, 1000 * len(order), 10_000 * len(order), len(order))

    class Clock(HostClock):
        def anchor(self) -> None:
            order.append("anchor")

        def synchronize(self) -> None:
            order.append("synchronize")

    events: list[Event] = []
    subject = plain(tiny_pipe, "unet")
    with Measurement(subject, make_workload(steps=2), events.append, clock=Clock(), host=Told(), live=False) as it:
        it.call("measure")
    assert order == ["read", "anchor", "synchronize", "read"]
    [ended] = [event for event in events if isinstance(event, CallEnded)]
    assert (ended.waited_ns, ended.foreign_cpu_ns, ended.collections) == (3000, 30_000, 3)
    assert ended.ns > 0 and ended.images == 1
