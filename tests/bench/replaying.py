"""A session of a million events played again: learning its times, steps back, and the picture of an earlier moment."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from profiler.replay import Replay, Start
from profiler.sessions import SessionFolder
from tests.bench.table import Row
from tests.support import million
from tui.replay import ReplayReading, ReplaySource

LEARN_LIMIT_S = 3.0
FOLD_LIMIT_S = 0.25
ANSWER_LIMIT_S = 0.1


def rows(quick: bool) -> Iterator[Row]:
    events = million.EVENTS // (10 if quick else 1)
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as home:
        folder = million.write(Path(home), events=events)
        for what, limit, seconds in _measured(folder, 3 if quick else 10):
            yield Row(f"{events:,} events replayed: {what}", f"<= {limit:g} s", f"{seconds:.3f} s", seconds <= limit)


def _measured(folder: SessionFolder, steps: int) -> Iterator[tuple[str, float, float]]:
    replay = Replay(folder)
    yield "its times are known", LEARN_LIMIT_S, _timed(lambda: _until_done(lambda: replay.read(0.03)))
    t = replay.begun(Start(share=0.9))
    _until_done(lambda: replay.go(t, 0.03))
    back: list[float] = []
    for _ in range(steps):
        t = replay.steps_from(t, -1) or t
        back.append(_timed(lambda t=t: _until_done(lambda: replay.go(t, 0.03))))  # type: ignore[misc]
    yield "a step back is folded, the slowest", FOLD_LIMIT_S, max(back)
    source = ReplaySource(ReplayReading(folder, Start(share=0.9)))
    source.do(ReplayReading.play)
    while (turn := source.turn()).picture is None or turn.picture.live.heading.loading:
        pass
    before = turn.picture.player
    begun = time.perf_counter()
    source.do(lambda reading: reading.step(-1))
    while (turn := source.turn()).picture is None or turn.picture.player == before:
        pass
    yield "a step back is answered by the row", ANSWER_LIMIT_S, time.perf_counter() - begun


def _until_done(turn: Callable[[], tuple[bool, bool]]) -> None:
    while turn()[1]:
        pass


def _timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
