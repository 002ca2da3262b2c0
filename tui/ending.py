"""How the program ends: by a key, on signals, and where the terminal is gone or takes nothing any more."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

HANG_UP_CHECK_S = 2.0
LAST_CHANCE_S = 3.0
"""How long an orderly end may take, over a slow link; where the terminal is gone there is nothing to wait for."""

GONE_S = 0.5
PATIENT_S = 10.0
"""The same where a key ends it: who pressed that still sees something come."""

CODES = {signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGHUP: 128 + signal.SIGHUP, signal.SIGINT: 0}
"""Signals that end the app, with the exit codes; SIGINT as ctrl+c does."""

PUT_BACK = b"\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1016l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1000l"
PUT_BACK += b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
"""What Textual's driver sends when it leaves, for a terminal that has not taken that."""

_LOOK_S = 0.1
_TRIES, _TRY_S = 20, 0.01


class Ending:
    """The app ends in order; what can't do so in time just ends, for it keeps nothing that would be lost."""

    def __init__(self, leave: Callable[[int], None], hush: Callable[[], None]) -> None:
        """``leave`` ends the app with an exit code; after ``hush`` nothing more is written to the terminal."""
        self._leave = leave
        self._hush = hush
        self._begun = threading.Lock()  # held until something ends the app: a signal's handler may let it go
        self._begun.acquire()
        self._over = threading.Event()
        self._last = threading.Lock()  # either it has ended in order or it is made to end
        self._code = 0
        self._deadline = float("inf")
        self._modes: list[Any] | None = None

    def watch(self) -> bool:
        """Handle the signals from now on, in a running loop; False where only the main thread could.

        To be called before the terminal's modes are changed: a signal leaves it in full-screen mode otherwise.
        """
        if threading.current_thread() is not threading.main_thread():
            return False
        with suppress(termios.error):
            self._modes = termios.tcgetattr(_terminal())
        threading.Thread(target=self._see_to_it, name="stepscope-ending", daemon=True).start()
        loop = asyncio.get_running_loop()
        for number, code in CODES.items():
            loop.add_signal_handler(number, self._leave, code)
            # Called too where the loop waits for a terminal that takes nothing; the loop still hears of the signal.
            signal.signal(number, lambda number, _: self.begin(CODES[signal.Signals(number)], LAST_CHANCE_S))
        return True

    def begin(self, code: int, patience_s: float = PATIENT_S) -> None:
        """The app is to end with ``code``, within ``patience_s`` seconds; the first code and the soonest end hold."""
        deadline = time.monotonic() + (GONE_S if _hung_up(_terminal()) else patience_s)
        if self._deadline == float("inf"):
            self._code = code
        self._deadline = min(deadline, self._deadline)
        with suppress(RuntimeError):  # let go before
            self._begun.release()

    def over(self) -> None:
        """It has ended in order. What the command does after it may take as long as it does."""
        with self._last:
            self._over.set()
        with suppress(RuntimeError):
            self._begun.release()

    def check_terminal(self) -> None:
        """Under nohup no signal says that the terminal is gone, and Textual's input thread then spins."""
        if _hung_up(_terminal()):
            self._leave(CODES[signal.SIGHUP])

    def _see_to_it(self) -> None:
        """On a thread of its own: whatever the loop and the thread that writes wait for, this one doesn't."""
        self._begun.acquire()
        while time.monotonic() < self._deadline:
            if self._over.wait(_LOOK_S):
                return
        with self._last:
            if self._over.is_set():
                return
            self._hush()
            with suppress(OSError, termios.error):
                _put_back(self._modes)
            os._exit(self._code)


def _put_back(modes: list[Any] | None) -> None:
    """Leave the terminal as it was found, as far as it can be without waiting for it."""
    # From the background, too: nobody is stopped for it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    if modes is not None:
        termios.tcsetattr(_terminal(), termios.TCSANOW, modes)
    assert sys.__stderr__ is not None  # Textual draws there
    # Opened anew: not to wait must hold for nobody else who has it open.
    descriptor = os.open(f"/proc/self/fd/{sys.__stderr__.fileno()}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    for _ in range(_TRIES):
        # What it hasn't taken is worth nothing any more. Going on after a halt wakes what waited for room.
        termios.tcflush(descriptor, termios.TCOFLUSH)
        termios.tcflow(descriptor, termios.TCOOFF)
        termios.tcflow(descriptor, termios.TCOON)
        try:
            os.write(descriptor, PUT_BACK)
        except BlockingIOError:
            time.sleep(_TRY_S)  # a write under way has the terminal's lock
        else:
            return


def _terminal() -> int:
    return sys.__stdin__.fileno() if sys.__stdin__ is not None else 0


def _hung_up(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))
