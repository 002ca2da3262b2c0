"""How soon something is on the screen: the first paint after the start, and each step after its end."""

from __future__ import annotations

import re
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from profiler import events as ev
from tests.bench.table import Row
from tests.bench.watching import watch, watched
from tests.support import recorded

SIZE = (120, 40)
PAINT_LIMIT_S = 0.5
STEP_LIMIT_S = 0.5
RATE = 20
_PROGRESS = re.compile(r"call (\d+) of \d+, step (\d+) of")
_HELD_UP = re.compile(r"compiling .*; step (\d+) of|step (\d+) of \d+, compiling")
_COMPILING_AND_WARM_UP = 2  # calls before the first measured one


def rows(quick: bool) -> Iterator[Row]:
    yield _first_paint(3 if quick else 9)
    yield _step_on_screen(8.0 if quick else 20.0)


def _first_paint(starts: int) -> Row:
    seconds: list[float] = []
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as home:
        folder = recorded.finished().write(Path(home))
        for _ in range(starts + 1):
            with watch(folder.id, Path(home), *SIZE) as terminal:
                seconds.append((terminal.wait_for(folder.id) - terminal.started_ns) / 1e9)
    first, *warm = seconds
    middle = statistics.median(warm)
    return Row(
        "first paint after start",
        f"<= {PAINT_LIMIT_S:g} s",
        f"{middle:.2f} s",
        middle <= PAINT_LIMIT_S,
        f"median of {starts} starts, slowest {max(warm):.2f} s; the one before them {first:.2f} s",
    )


def _step_on_screen(seconds: float) -> Row:
    ended: dict[tuple[int, int], int] = {}  # (call, step) -> when it ended

    def note(event: ev.Event) -> None:
        if isinstance(event, ev.Step):
            ended[event.call, event.step] = event.start_ns + event.ns

    shown: list[tuple[tuple[int, int], int]] = []  # what was on the screen, and when

    def seen(text: str) -> tuple[int, int] | None:
        return on_screen(text, shown[-1][0] if shown else None)

    def newer(text: str) -> bool:
        place = seen(text)
        return place is not None and (not shown or place > shown[-1][0])

    recording = recorded.live(steps_per_second=RATE, seconds=seconds)
    with watched(recording, *SIZE) as (feeder, terminal):
        feeder.written = note
        feeder.resume()
        player = threading.Thread(target=feeder.play, args=(seconds,))
        player.start()
        while player.is_alive():
            with suppress(TimeoutError):
                at_ns = terminal.wait_for(newer, 1.0)
                place = seen(terminal.text)
                if place is not None:
                    shown.append((place, at_ns))
        player.join()
    late = latencies(ended, shown)
    if not late:
        return Row("step on screen after it ended", f"<= {STEP_LIMIT_S:g} s", "no step seen", None)
    return Row(
        "step on screen after it ended",
        f"<= {STEP_LIMIT_S:g} s",
        f"{max(late):.2f} s",
        max(late) <= STEP_LIMIT_S,
        f"slowest of {len(late)} steps, median {statistics.median(late):.2f} s",
    )


def on_screen(text: str, last: tuple[int, int] | None) -> tuple[int, int] | None:
    """The (call, step) that the progress line names, numbered as in the log; None where it names none.

    While something is compiled it names the step alone: of the call of the ``last`` place, or of the next one where
    that call was further.
    """
    found = _PROGRESS.search(text)
    if found:
        return int(found[1]) - 1 + _COMPILING_AND_WARM_UP, int(found[2]) - 1
    held = _HELD_UP.search(text)
    if held is None or last is None:
        return None
    step = int(held[1] or held[2]) - 1
    return last[0] + (step < last[1]), step


def latencies(ended: dict[tuple[int, int], int], shown: list[tuple[tuple[int, int], int]]) -> list[float]:
    """Seconds from each step's end until it or a later one was on the screen; steps that never were are left out."""
    late: list[float] = []
    for place, end_ns in ended.items():
        at_ns = next((at for seen, at in shown if seen >= place), None)
        if at_ns is not None:
            late.append((at_ns - end_ns) / 1e9)
    return late
