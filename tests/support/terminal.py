"""A pseudo-terminal to run the real command in: counts what comes over the wire and knows what is on the screen.

It answers none of the terminal's queries, like a dumb line. All waits are bounded.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import psutil
import pyte

FOCUS_GOES, FOCUS_COMES = "\x1b[O", "\x1b[I"

PATIENCE_S = 30.0
"""A bound for a machine under load; tests wait for what they need and no longer."""

_SLOW_S = 0.05
"""Of a slow link, how often something is read."""

_KEYBOARD_RESET = b"\x1b[<u"  # the emulator would print its "u"
_LEAVE_SECOND_SCREEN = b"\x1b[?1049l"


class Arrival(NamedTuple):
    """``count`` bytes came at ``at_ns`` of time.monotonic_ns()."""

    at_ns: int
    count: int


class Terminal:
    """``command`` in a pseudo-terminal of ``columns`` x ``rows``, read continuously by a thread.

    A context manager: leaving it kills what still runs. ``emulate=False`` only counts bytes: the screen stays empty.
    ``takes``: bytes a second that are read at most, as over a slow link; it may be changed at any time.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        emulate: bool = True,
        takes: float | None = None,
    ) -> None:
        self.arrivals: list[Arrival] = []
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._emulate = emulate
        self.takes = takes
        self._changed = threading.Condition()
        self._ended = False
        self._master, slave = os.openpty()
        self._wake_read, self._wake_write = os.pipe()
        _set_size(slave, columns, rows)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        environment |= environ or {}
        # Textual takes these before the terminal's own size, which is what is to be tested.
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.started_ns = time.monotonic_ns()
        try:
            self.process = subprocess.Popen(
                list(command),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=environment,
                start_new_session=True,
                preexec_fn=_become_controlling,  # noqa: PLW1509 - one system call, no lock that a thread could hold
            )
        finally:
            os.close(slave)
        self._psutil = psutil.Process(self.process.pid)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.hang_up()
        os.close(self._wake_read)
        os.close(self._wake_write)

    # --- what the user sees ---

    @property
    def lines(self) -> list[str]:
        """The screen's rows, right-stripped."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, wanted: str | Callable[[str], bool], seconds: float = PATIENCE_S) -> int:
        """Wait until the screen holds ``wanted`` (or it says so of the text); when it was seen, monotonic ns.

        Raises TimeoutError with the screen in it, also when the command ends without having shown it.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                screen = "\n".join(line.rstrip() for line in self._screen.display)
                if wanted in screen if isinstance(wanted, str) else wanted(screen):
                    return self.arrivals[-1].at_ns if self.arrivals else time.monotonic_ns()
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    why = "the command ended" if self._ended else f"{seconds:g} s passed"
                    raise TimeoutError(f"{why} before {wanted!r} was on the screen:\n{screen}")
                self._changed.wait(left)

    def wait_for_bytes(self, seconds: float = PATIENCE_S, above: int = 0) -> int:
        """Wait until more than ``above`` bytes have come; when that was, in monotonic ns. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while sum(arrival.count for arrival in self.arrivals) <= above:
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    raise TimeoutError(f"no more than {above} bytes came within {seconds:g} s")
                self._changed.wait(left)
            total = 0
            for arrival in self.arrivals:
                total += arrival.count
                if total > above:
                    return arrival.at_ns
        raise AssertionError("unreachable")

    def wait_for_rest(self, seconds: float, patience_s: float = 60.0) -> None:
        """Wait until no byte has come for ``seconds`` in which the command could have sent one.

        Time for which it waited for a processor doesn't count. Raises TimeoutError after ``patience_s``.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            sent, begun, kept_s = len(self.raw), time.monotonic(), self._kept_waiting_s()
            left = seconds
            while left > 0:
                try:
                    self.wait_for_bytes(left, above=sent)
                except TimeoutError:
                    if self._ended:
                        return
                    left = seconds - (time.monotonic() - begun) + max(0.0, self._kept_waiting_s() - kept_s)
                else:
                    break
            else:
                return
        raise TimeoutError(f"the terminal never came to rest in {patience_s:g} s")

    def _kept_waiting_s(self) -> float:
        """How long the command's threads were ready to run and no processor was free, in seconds."""
        total_ns = 0
        for task in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # that thread has ended, or the kernel doesn't tell
                total_ns += int(task.read_text().split()[1])
        return total_ns / 1e9

    def bytes_between(self, start_ns: int, end_ns: int) -> int:
        """How many bytes came in [start_ns, end_ns)."""
        with self._changed:
            return sum(arrival.count for arrival in self.arrivals if start_ns <= arrival.at_ns < end_ns)

    # --- what the user does ---

    def send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        with self._changed:
            self._screen.resize(rows, columns)
        _set_size(self._master, columns, rows)

    def hang_up(self) -> None:
        """Close the terminal as a lost connection does: the command gets SIGHUP."""
        if self._master < 0:
            return
        os.write(self._wake_write, b"x")
        self._reader.join(5)
        os.close(self._master)
        self._master = -1

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """The command's exit code (negative: the signal that ended it). Raises subprocess.TimeoutExpired."""
        return self.process.wait(seconds)

    @property
    def modes(self) -> list[object]:
        """The terminal's attributes, as termios has them: whether keys are echoed, lines edited and so on."""
        return termios.tcgetattr(self._master)

    # --- what it costs ---

    @property
    def threads(self) -> int:
        """How many threads the command's own process has."""
        return self._psutil.num_threads()

    def cpu_seconds(self) -> float:
        """CPU time of the command's own process so far."""
        used = self._psutil.cpu_times()
        return used.user + used.system

    def rss_bytes(self) -> int:
        """Resident memory of the command's own process now."""
        return self._psutil.memory_info().rss

    # --- the reading thread ---

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._wake_read], [], [])
            if self._wake_read in ready:
                break
            slow = self.takes
            try:
                data = os.read(self._master, 1 << 16 if slow is None else max(1, int(slow * _SLOW_S)))
            except OSError:
                data = b""  # EIO: nobody has the other end open any more
            if not data:
                break
            self._arrived(data)
            if slow is not None and select.select([self._wake_read], [], [], _SLOW_S)[0]:
                break
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _arrived(self, data: bytes) -> None:
        now = time.monotonic_ns()
        with self._changed:
            self.arrivals.append(Arrival(now, len(data)))
            self.raw += data
            if self._emulate:
                self._show(data)
            self._changed.notify_all()

    def _show(self, data: bytes) -> None:
        # The emulator has no second screen: what the command prints after leaving it begins on an empty one.
        before, left, after = data.replace(_KEYBOARD_RESET, b"").partition(_LEAVE_SECOND_SCREEN)
        # It knows fewer sequences than real terminals: what it can't parse changes no text.
        with contextlib.suppress(Exception):
            self._stream.feed(before)
        if left:
            self._screen.reset()
            self._show(after)


def _become_controlling() -> None:
    """In the child: the terminal on stdin becomes the session's own, so that hang-ups and resizes reach it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
