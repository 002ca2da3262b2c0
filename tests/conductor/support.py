"""Sessions to conduct, a clock to turn by hand, and readers of what came out."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from profiler import events as ev
from profiler.conductor.start import resume, start
from profiler.eventlog import LogReader
from profiler.request import Case, Compilation, Request, Workload
from profiler.request.order import rounds
from profiler.sessions import SessionFolder, create

ROOT = Path(__file__).resolve().parent.parent.parent
DRIVE = Path(__file__).with_name("drive.py")
PATIENCE_SECONDS = 60.0


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def request(
    runs: int = 1,
    *,
    device: str = "cpu",
    max_time_s: float | None = None,
    keep_cache: bool = False,
    find_max_batch: bool = False,
    until_sure: bool = False,
    variants: Sequence[str] = ("no-compile",),
) -> Request:
    """A request of ``runs`` repeats of each variant, whose case is called like it; of no-compile alone ``case``."""
    workload = Workload(
        pipeline="sd15-txt2img",
        size="tiny",
        weights="random",
        batch_size=1,
        height=64,
        width=64,
        steps=2,
        guidance=7.5,
        dtype="float32",
        seed=0,
        prompt="a lighthouse",
        scenario="steady",
        warmup=1,
        calls=1,
    )
    names = ["case"] if len(variants) == 1 else list(variants)
    return Request(
        cases=[
            Case(name=name, compilation=Compilation(variant=variant), workload=workload)
            for name, variant in zip(names, variants, strict=True)
        ],
        runs=rounds(names, range(1, runs + 1)),
        repeats=runs,
        device=device,
        max_time_s=max_time_s,
        keep_cache=keep_cache,
        find_max_batch=find_max_batch,
        until_sure=until_sure,
    )


def make(home: Path, runs: int = 1, **options: object) -> SessionFolder:
    return create(request(runs, **options), "0.1.0", home)  # type: ignore[arg-type]


def begin(
    folder: SessionFolder,
    does: str,
    environ: Mapping[str, str] | None = None,
    limits: str = "600 30 2",
    resumes: bool = False,
    failed: bool = False,
    arguments: Sequence[str] = (),
) -> int:
    """Start a conductor whose workers do ``does``; its pid. ``resumes``: as ``stepscope resume`` does, which may have
    ``arguments`` for it.
    """

    def command(_role: str, *arguments: str) -> list[str]:
        return [sys.executable, "-u", str(DRIVE), *arguments]

    given = {"STANDIN": does, "LIMITS": limits, "PYTHONPATH": str(ROOT), **(environ or {})}
    before = dict(os.environ)
    os.environ.update(given)
    try:
        if resumes:
            return resume(folder, *arguments, failed=failed, command=command)
        return start(folder, command=command)
    finally:
        os.environ.clear()
        os.environ.update(before)


def finish(folder: SessionFolder, pid: int) -> list[ev.Event]:
    """Wait for the end of the conductor; everything it logged."""
    eventually(lambda: not psutil.pid_exists(pid), f"the conductor's end; {folder.conductor_output.read_text()}")
    return log(folder.conductor_log)


def conduct(folder: SessionFolder, does: str, **options: object) -> list[ev.Event]:
    return finish(folder, begin(folder, does, **options))  # type: ignore[arg-type]


def log(path: Path) -> list[ev.Event]:
    reader = LogReader(path)
    found: list[ev.Event] = []
    more = True
    while more:
        chunk = reader.read()
        found += chunk.events
        more = chunk.more
    assert not reader.bad
    return found


def endings(events: list[ev.Event]) -> list[ev.RunChanged]:
    return [event for event in events if isinstance(event, ev.RunChanged) and event.state == "ended"]


def last_word(events: list[ev.Event]) -> ev.SessionChanged:
    assert isinstance(events[-1], ev.SessionChanged)
    return events[-1]


def notes(events: list[ev.Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, ev.Note)]


def eventually(holds: Callable[[], object], what: str) -> None:
    """Wait until ``holds``, for tests that start real processes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_SECONDS} s in vain for {what}"
        time.sleep(0.02)


def in_session(leader: int) -> list[int]:
    """Live processes of the session of ``leader``."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except (OSError, psutil.NoSuchProcess):
            continue
    return found
