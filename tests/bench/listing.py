"""The list of sessions: how long until all are there, what it costs while 20 run, and that it is silent at rest."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.table import Row
from tests.bench.watching import settle, stepscope
from tests.support import recorded
from tests.support.terminal import Terminal
from tui.listing import ListingSource

SIZE = (120, 40)
RUNNING, FINISHED = 20, 500
LIMIT_S = 1.0
RATE_LIMIT = 5.0  # KB/s; like the CPU's as of Live at this size
CPU_LIMIT, IDLE_CPU_LIMIT = 0.06, 0.005


def rows(quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as name, ExitStack() as stack:
        home = Path(name)
        write_finished(home, FINISHED)
        yield _idle(home, 4.0 if quick else 10.0)
        seconds = 10.0 if quick else 30.0
        feeders = []
        for number in range(RUNNING):
            recording = recorded.live(session=f"run{number:02d}-sd15-txt2img", seed=number, seconds=seconds + 30.0)
            feeders.append(stack.enter_context(recorded.Feeder(recording, home)))
            feeders[-1].feed_history()
        yield _read(home)
        yield from _running(home, feeders, seconds)


def write_finished(home: Path, count: int) -> None:
    """``count`` sessions that are over, each with the logs of one that was recorded, older than those under way."""
    first = recorded.finished(session="done000-sd15-txt2img").write(home)
    for number in range(1, count):
        path = first.path.with_name(f"done{number:03d}-sd15-txt2img")
        shutil.copytree(first.path, path)
        os.utime(path / "session.json", ns=(number * 10**9, number * 10**9))


def _read(home: Path) -> Row:
    """Every line with its state, and how far those under way are, as the screen's feed reads it."""
    source = ListingSource(home)
    start = time.perf_counter()
    listed = told = None
    while told is None:
        turn = source.turn()
        now = time.perf_counter() - start
        if turn.picture is not None and turn.picture.complete and listed is None:
            listed = now
        lines = turn.picture.lines if turn.picture is not None else ()
        if sum(line.going is not None for line in lines) == RUNNING:
            told = now
    assert listed is not None
    return Row(
        f"{RUNNING} running and {FINISHED} finished sessions read",
        f"<= {LIMIT_S:g} s",
        f"{listed:.2f} s",
        listed <= LIMIT_S,
        f"how far those running are after {told:.2f} s",
    )


def _running(home: Path, feeders: Sequence[recorded.Feeder], seconds: float) -> Iterator[Row]:
    stopping = threading.Event()
    players = [threading.Thread(target=feeder.play, args=(3600.0, stopping)) for feeder in feeders]
    with _open(home) as terminal:
        listed = (terminal.wait_for(lambda text: _complete(text, RUNNING + FINISHED)) - terminal.started_ns) / 1e9
        painted = (terminal.arrivals[0].at_ns - terminal.started_ns) / 1e9
        yield Row(
            f"{RUNNING} running and {FINISHED} finished sessions on the screen",
            f"<= {LIMIT_S:g} s",
            f"{listed - painted:.2f} s",
            listed - painted <= LIMIT_S,
            f"after the first bytes, {listed:.2f} s after the command",
        )
        settle(terminal)
        try:
            for feeder, player in zip(feeders, players, strict=True):
                feeder.resume()
                player.start()
            start, cpu = time.monotonic_ns(), terminal.cpu_seconds()
            time.sleep(seconds)
            end = time.monotonic_ns()
            share = (terminal.cpu_seconds() - cpu) / ((end - start) / 1e9)
            rate = terminal.bytes_between(start, end) / 1e3 / ((end - start) / 1e9)
        finally:
            stopping.set()
            for player in players:
                if player.ident is not None:
                    player.join()
    what = f"the list while {RUNNING} sessions run, {SIZE[0]}x{SIZE[1]}"
    yield Row(what, f"<= {RATE_LIMIT:g} KB/s", f"{rate:.2f} KB/s", rate <= RATE_LIMIT, "each makes 20 steps/s")
    yield Row(what, f"<= {CPU_LIMIT:.0%} of a core", f"{share:.1%}", share <= CPU_LIMIT)


def _idle(home: Path, seconds: float) -> Row:
    with _open(home) as terminal:
        terminal.wait_for(lambda text: _complete(text, FINISHED))
        settle(terminal)
        start, cpu = time.monotonic_ns(), terminal.cpu_seconds()
        time.sleep(seconds)
        end = time.monotonic_ns()
        sent, share = terminal.bytes_between(start, end), (terminal.cpu_seconds() - cpu) / ((end - start) / 1e9)
    return Row(
        f"the list of {FINISHED} finished sessions at rest",
        f"0 bytes, <= {IDLE_CPU_LIMIT:.1%}",
        f"{sent} bytes, {share:.2%}",
        sent == 0 and share <= IDLE_CPU_LIMIT,
    )


def _open(home: Path) -> Terminal:
    return Terminal(stepscope(), columns=SIZE[0], rows=SIZE[1], environ={"STEPSCOPE_HOME": str(home)})


def _complete(text: str, sessions: int) -> bool:
    return f"{sessions} sessions" in text and "reading" not in text.partition("\n")[0]
