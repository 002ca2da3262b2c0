"""Living in the program: keys while events arrive, screens that change whole, and memory over an hour."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.bench.table import Row
from tests.bench.watching import settle, watch, watched
from tests.support import recorded
from tests.support.terminal import Terminal

SIZE = (120, 40)
KEY_LIMIT_MS = 60.0
STEPS_PER_SECOND = 180
"""With what else is logged these are 200 events a second."""

CHANGE_LIMIT_KB = 12.0
RSS_LIMIT_MB = 120.0
FLAT_MB = 15.0
"""What may come on top while the last quarter of them does: 18,000 steps and 9,000 GPU samples, as numbers."""

CLIPPED = "^ "
"""Is beside the points that lie above the chart, unless all of the y range is seen."""

MINUTES, SETTLED_MINUTE = 20, 5
MINUTE_S = 60.0
"""Two cases have been measured before the one that is fed: with theirs the session has an hour's worth of steps."""


def rows(quick: bool) -> Iterator[Row]:
    yield _keys(40 if quick else 120)
    yield _changes()
    yield _hour()


def _keys(presses: int) -> Row:
    """The y range of the step chart is changed, there and back, while events arrive."""
    seconds = presses * 0.4 + 10
    recording = recorded.live(steps_per_second=STEPS_PER_SECOND, seconds=seconds)
    took_ms: list[float] = []
    with watched(recording, *SIZE) as (feeder, terminal):
        feeder.resume()
        fed: list[int] = []
        done = threading.Event()
        player = threading.Thread(target=lambda: fed.append(feeder.play(seconds, done)))
        begun = time.monotonic()
        player.start()
        for number in range(presses):
            clipped = number % 2 == 1
            sent = time.monotonic_ns()
            terminal.send("z")
            painted = terminal.wait_for(lambda text, clipped=clipped: (CLIPPED in text) == clipped)  # type: ignore[misc]
            took_ms.append((painted - sent) / 1e6)
            time.sleep(0.25 + (number * 37 % 100) / 1000)  # at any moment of the refresh
        seconds = time.monotonic() - begun
        done.set()
        player.join()
    p95 = statistics.quantiles(took_ms, n=20)[-1]
    return Row(
        "key to paint, p95",
        f"<= {KEY_LIMIT_MS:g} ms",
        f"{p95:.0f} ms",
        p95 <= KEY_LIMIT_MS,
        f"{presses} keys, median {statistics.median(took_ms):.0f} ms, while {fed[0] / seconds:.0f} events/s arrive",
    )


def _changes() -> Row:
    """The help, its end, and another theme."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stepscope-bench-")))
        folder = recorded.finished().write(home)
        terminal = stack.enter_context(watch(folder.id, home, *SIZE, emulate=False))
        settle(terminal)
        sent: dict[str, int] = {}
        for what, key in (("help", "?"), ("back", "?"), ("theme", "t"), ("triggers", "4")):
            before = len(terminal.raw)
            terminal.send(key)
            terminal.wait_for_bytes(10, above=before)
            settle(terminal)
            sent[what] = len(terminal.raw) - before
    largest = max(sent.values()) / 1e3
    return Row(
        "whole-screen change, {}x{}".format(*SIZE),
        f"<= {CHANGE_LIMIT_KB:g} KB",
        f"{largest:.1f} KB",
        largest <= CHANGE_LIMIT_KB,
        ", ".join(f"{what} {count / 1e3:.1f}" for what, count in sent.items()),
    )


def _hour() -> Row:
    """An hour's worth of events at 20 steps/s, the last of them a minute's at a time."""
    recording = recorded.live(steps_per_second=20, seconds=MINUTES * MINUTE_S)
    grown: list[float] = []
    with watched(recording, *SIZE, emulate=False) as (feeder, terminal):
        for minute in range(1, MINUTES + 1):
            before = len(terminal.raw)
            feeder.feed(recording.live_ns + int(minute * MINUTE_S * 1e9))
            terminal.wait_for_bytes(20, above=before)
            _rest(terminal)
            grown.append(terminal.rss_bytes() / 1e6)
    most, more = max(grown), grown[-1] - grown[SETTLED_MINUTE - 1]
    return Row(
        "memory over an hour of 20 steps/s",
        f"<= {RSS_LIMIT_MB:g} MB, flat",
        f"{most:.0f} MB",
        most <= RSS_LIMIT_MB and more <= FLAT_MB,
        f"in the last {MINUTES - SETTLED_MINUTE} minutes: {more:+.1f} MB (<= {FLAT_MB:g}); fast-forwarded",
    )


def _rest(terminal: Terminal, quiet_s: float = 0.4) -> None:
    """Wait until nothing has come for a moment, some seconds at most."""
    for _ in range(10):
        try:
            terminal.wait_for_bytes(quiet_s, above=len(terminal.raw))
        except TimeoutError:
            return
