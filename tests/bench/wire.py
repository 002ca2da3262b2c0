"""Bytes through a pseudo-terminal and CPU while a recorded session is fed at its real pace, and while nothing changes.

Terminals of three sizes watch the same session at once; each is a process of its own with its own wire. CPU is taken of
one that watches alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench.table import Row
from tests.bench.watching import settle, watch
from tests.support import recorded
from tests.support.terminal import Terminal

SIZES = {(80, 24): 2.0, (120, 40): 5.0, (200, 60): 10.0}  # the limit in KB/s
CPU_SIZE = (120, 40)
CPU_LIMIT, IDLE_CPU_LIMIT = 0.06, 0.005
RATES = (20, 160)
IDLE_S = 20.0


def rows(quick: bool) -> Iterator[Row]:
    seconds = 15.0 if quick else 60.0
    for rate in RATES:
        yield from _live(rate, seconds)
    yield from _idle()


def _live(rate: int, seconds: float) -> Iterator[Row]:
    with _fed(rate, seconds, *SIZES) as (play, terminals):
        start = time.monotonic_ns()
        play()
        end = time.monotonic_ns()
        for (columns, lines), limit in SIZES.items():
            rate_kb = terminals[columns, lines].bytes_between(start, end) / 1e3 / ((end - start) / 1e9)
            yield Row(
                f"wire, {rate} steps/s, {columns}x{lines}",
                f"<= {limit:g} KB/s",
                f"{rate_kb:.2f} KB/s",
                rate_kb <= limit,
                f"over {seconds:g} s",
            )
    # Once more by itself: three at a time take each other's caches and cores.
    with _fed(rate, seconds, CPU_SIZE) as (play, terminals):
        start, used = time.monotonic_ns(), terminals[CPU_SIZE].cpu_seconds()
        play()
        cpu = (terminals[CPU_SIZE].cpu_seconds() - used) / ((time.monotonic_ns() - start) / 1e9)
    name = "{}x{}".format(*CPU_SIZE)
    yield Row(f"TUI CPU, {rate} steps/s, {name}", f"<= {CPU_LIMIT:.0%} of a core", f"{cpu:.1%}", cpu <= CPU_LIMIT)


@contextmanager
def _fed(
    rate: int, seconds: float, *sizes: tuple[int, int]
) -> Iterator[tuple[Callable[[], None], dict[tuple[int, int], Terminal]]]:
    """Terminals that watch one session, at rest; and what feeds it at its own pace and returns when it is over."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stepscope-bench-")))
        feeder = stack.enter_context(recorded.Feeder(recorded.live(steps_per_second=rate, seconds=seconds), home))
        feeder.feed_history()
        terminals = {size: stack.enter_context(watch(feeder.folder.id, home, *size, emulate=False)) for size in sizes}
        for terminal in terminals.values():
            settle(terminal)

        def play() -> None:
            # The recording's live part begins now, not when its history was written.
            feeder.resume()
            feeder.play(seconds)

        yield play, terminals


def _idle() -> Iterator[Row]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stepscope-bench-")))
        done = recorded.finished().write(home)
        silent = stack.enter_context(recorded.Feeder(recorded.live(seconds=10), home))
        silent.feed_history()
        terminals = [
            stack.enter_context(watch(session, home, *CPU_SIZE, emulate=False))
            for session in (done.id, silent.folder.id)
        ]
        for terminal in terminals:
            settle(terminal)
        start = time.monotonic_ns()
        used = [terminal.cpu_seconds() for terminal in terminals]
        time.sleep(IDLE_S)
        seconds = (time.monotonic_ns() - start) / 1e9
        over, running = (terminal.bytes_between(start, time.monotonic_ns()) for terminal in terminals)
        shares = [(terminal.cpu_seconds() - before) / seconds for terminal, before in zip(terminals, used, strict=True)]
    yield Row(
        "wire, nothing changes",
        "0 bytes",
        f"{over} bytes",
        over == 0,
        f"a session that is over, {IDLE_S:g} s; one that runs but says nothing: {running} bytes",
    )
    yield Row(
        "TUI CPU, nothing changes",
        f"<= {IDLE_CPU_LIMIT:.1%} of a core",
        f"{max(shares):.2%}",
        max(shares) <= IDLE_CPU_LIMIT,
        f"a session that is over: {shares[0]:.2%}; one that runs but says nothing: {shares[1]:.2%}; over {IDLE_S:g} s",
    )
