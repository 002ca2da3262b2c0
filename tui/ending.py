"""How the program ends: on signals, and where the terminal is gone without one."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable

HANG_UP_CHECK_S = 2.0
LAST_CHANCE_S = 3.0
"""How long an orderly end may take, over a slow link; where the terminal is gone there is nothing to wait for."""

GONE_S = 0.5


class Ending:
    """SIGTERM and SIGHUP end the app in order: Textual leaves the terminal in full-screen mode otherwise."""

    def __init__(self, leave: Callable[[int], None]) -> None:
        """``leave`` ends the app with an exit code."""
        self._leave = leave

    def watch(self) -> bool:
        """Handle the signals from now on, in a running loop; False where only the main thread could."""
        if threading.current_thread() is not threading.main_thread():
            return False
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.terminated, signal.SIGTERM)
        loop.add_signal_handler(signal.SIGHUP, self.terminated, signal.SIGHUP)
        loop.add_signal_handler(signal.SIGINT, self._end, 0)  # as ctrl+c does
        return True

    def terminated(self, number: signal.Signals) -> None:
        """End, in order if that works in time."""
        self._end(128 + number)

    def _end(self, code: int) -> None:
        # The app keeps nothing that would be lost: what can't end in order just ends.
        patience = GONE_S if _hung_up(_terminal()) else LAST_CHANCE_S
        timer = threading.Timer(patience, os._exit, (code,))
        timer.daemon = True
        timer.start()
        self._leave(code)

    def check_terminal(self) -> None:
        """Under nohup no signal says that the terminal is gone, and Textual's input thread then spins."""
        if _hung_up(_terminal()):
            self.terminated(signal.SIGHUP)


def _terminal() -> int:
    return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0


def _hung_up(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))
