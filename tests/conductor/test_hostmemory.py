"""The out-of-memory killer's counters."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from profiler.conductor.hostmemory import OomKills, counter_files
from tests.conductor.support import begin, endings, finish, make
from tests.conductor.test_real_processes import running


def test_the_counter_rises(tmp_path: Path) -> None:
    events = tmp_path / "memory.events"
    events.write_text("low 0\nhigh 0\nmax 12\noom 1\noom_kill 3\noom_group_kill 9\n")
    kills = OomKills([tmp_path / "missing", events])
    before = kills.count()
    assert before == 3
    assert not kills.rose(before)
    events.write_text("oom_kill 4\n")
    assert kills.rose(before)
    events.unlink()
    assert not kills.rose(before)


def test_no_counter_never_rises(tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("oom_kill many\n")
    kills = OomKills([tmp_path / "odd", tmp_path])
    assert kills.count() is None
    assert not kills.rose(None)


def test_where_the_counters_are(tmp_path: Path) -> None:
    me = tmp_path / "self"
    me.mkdir()
    (me / "cgroup").write_text("5:memory:/docker/abc\n4:cpu,cpuacct:/x\n0::/user.slice/app\nnonsense\n")
    (me / "mountinfo").write_text(
        "30 25 0:26 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw\n"
        "31 25 0:27 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
        "32 25 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "nonsense\n"
    )
    assert counter_files(tmp_path) == [
        Path("/sys/fs/cgroup/unified/user.slice/app/memory.events"),
        Path("/sys/fs/cgroup/unified/memory.events"),
        Path("/sys/fs/cgroup/memory/memory.oom_control"),
        Path("/sys/fs/cgroup/memory/memory.oom_control"),
        tmp_path / "vmstat",
    ]
    assert counter_files(tmp_path / "nothing") == [tmp_path / "nothing" / "vmstat"]


def test_a_worker_that_the_kernel_has_killed_for_its_memory(own_home: Path, tmp_path: Path) -> None:
    """The counter of this process's group, as the kernel writes it, through a real conductor."""
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\noom 3\noom_kill 3\n")
    folder = make(own_home, runs=2)
    pid = begin(folder, "sleep,ok", environ={"OOM_COUNTER": str(counter)})
    worker = running(folder)
    counter.write_text("low 0\noom 4\noom_kill 4\n")
    os.kill(worker, signal.SIGKILL)
    first, second = endings(finish(folder, pid))
    assert (first.outcome, first.signal, second.outcome) == ("died", signal.SIGKILL, "ok")
    assert first.reason == "host out of memory: the kernel killed the worker in call 0 (measure)"
