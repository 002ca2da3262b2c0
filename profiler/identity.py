"""Which process a log means. A pid alone may be another process's by now, so it is never enough to send a signal.

A process is told by its pid, its start time and the boot. Before a signal goes out it must have the log that names it
open as well: what a copied or forged log says can't make anybody signal a stranger's process.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from profiler.events import Header
from profiler.sessions import boot_id, host_name

SUSPENDED = ("stopped", "tracing-stop")
"""States in which a process does nothing until somebody lets it go on."""

GUARDIAN = "stepscope-guard"
"""What the kernel calls a guardian (`profiler.conductor.guardian`): at most 15 bytes."""

_LOOK_SECONDS = 0.05
_PROC = Path("/proc")
_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "disk-sleep",
    "T": "stopped",
    "t": "tracing-stop",
    "Z": "zombie",
    "X": "dead",
    "I": "idle",
}
"""The letters of proc(5), in psutil's words."""


class Seen(NamedTuple):
    """What the kernel says of a process."""

    state: str  # of its main thread: "running", "sleeping", "stopped", "disk-sleep", ...
    started: float  # seconds from the boot to its start
    parent: int  # its parent's pid

    @property
    def alive(self) -> bool:
        return self.state not in ("zombie", "dead")

    @property
    def suspended(self) -> bool:
        return self.state in SUSPENDED


def look(pid: int) -> Seen | None:
    """What process ``pid`` is now, None if there is none."""
    try:
        with open(_PROC / str(pid) / "stat", "rb") as file:
            text = file.read()
        # The name before the last bracket may hold anything, blanks and brackets too. Fields 3, 4 and 22 of proc(5).
        fields = text[text.rindex(b")") + 1 :].split()
        parent, ticks = int(fields[1]), int(fields[19])
        letter = fields[0].decode("ascii", "replace")
    except (OSError, ValueError, IndexError):
        return None
    return Seen(_STATES.get(letter, letter), ticks / os.sysconf("SC_CLK_TCK"), parent)


def started(pid: int) -> float | None:
    """What a header says of its writer's start: the seconds from the boot to it."""
    seen = look(pid)
    return None if seen is None else seen.started


def whose(header: Header | None) -> Seen | None:
    """The live process that has written ``header``; None: it has ended, or nothing here can tell that it is the one."""
    if header is None or header.pid <= 0 or header.pid_started is None:
        return None
    if (header.host, header.boot_id) != (host_name(), boot_id()):
        return None
    seen = look(header.pid)
    # Both are the same count of the kernel's ticks, whatever happens to the wall clock.
    if seen is None or not seen.alive or abs(seen.started - header.pid_started) >= 0.005:
        return None
    return seen


class Held:
    """A live process that can't be mistaken for another while this is held. A context manager.

    Where the kernel or Python gives no descriptor of it, its start time has to do: asked before each signal.
    """

    def __init__(self, pid: int, descriptor: int | None) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._seen = look(pid)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def signal(self, number: int) -> bool:
        """Send it; False if the process has ended."""
        try:
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            elif self._ended():
                return False
            else:
                os.kill(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def wait(self, timeout_s: float) -> bool:
        """Sleep until it has ended, at most ``timeout_s``; whether it has."""
        if self._descriptor is None:
            deadline = time.monotonic() + timeout_s
            while not (ended := self._ended()) and (left := deadline - time.monotonic()) > 0:
                time.sleep(min(left, _LOOK_SECONDS))
            return ended
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        return bool(waiting.poll(max(0.0, timeout_s) * 1000))

    @property
    def state(self) -> str:
        """What its main thread does, "gone" once it has ended."""
        seen = look(self.pid)
        return seen.state if seen is not None and not self.wait(0.0) else "gone"

    def _ended(self) -> bool:
        seen = look(self.pid)
        return seen is None or self._seen is None or not seen.alive or seen.started != self._seen.started


def descriptor_of(pid: int) -> int | None:
    """A descriptor of a process, which polls as readable once that has ended. Raises OSError where there is none.

    None: kernels before 5.3 have no such thing, some sandboxes forbid it, and a Python that was built with the headers
    of an older kernel doesn't know of it (several that are installed without root are).
    """
    if not hasattr(os, "pidfd_open") or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None


def hold(header: Header | None, log: Path) -> Held | None:
    """The live process that writes ``log``, whose ``header`` it has written; None if it isn't there any more."""
    if header is None or whose(header) is None:
        return None
    try:
        held = Held(header.pid, descriptor_of(header.pid))
    except OSError:
        return None
    # Asked again: what was looked at before the descriptor was open may have been replaced meanwhile.
    if whose(header) is not None and has_open(header.pid, log):
        return held
    held.close()
    return None


def hold_guardian(conductor: Held) -> Held | None:
    """The parent of a profiler process, which leads their session; None where it has none any more."""
    seen = look(conductor.pid)
    try:
        if seen is None or os.getsid(conductor.pid) != seen.parent:
            return None
        held = Held(seen.parent, descriptor_of(seen.parent))
    except OSError:
        return None
    # Its child lives, and is still its child: it is the same as before.
    again = look(conductor.pid)
    if again is not None and again.alive and (again.parent, again.started) == (seen.parent, seen.started):
        return held
    held.close()
    return None


def find_guardian(output: Path) -> Held | None:
    """The guardian of a profiler process that is gone: it ends what that has left, and has its ``output`` open."""
    for name in os.listdir(_PROC):
        if not name.isdecimal() or _named(name) != GUARDIAN:
            continue
        with suppress(OSError):
            held = Held(int(name), descriptor_of(int(name)))
            if _named(name) == GUARDIAN and has_open(held.pid, output):
                return held
            held.close()
    return None


def _named(pid: str) -> str:
    try:
        return (_PROC / pid / "comm").read_text(encoding="utf-8", errors="replace").rstrip("\n")
    except OSError:
        return ""


def has_open(pid: int, path: Path) -> bool:
    """Whether process ``pid`` has the file ``path`` open. False, too, for the processes of other users."""
    try:
        wanted = os.lstat(path)
        numbers = os.listdir(_PROC / str(pid) / "fd")
    except OSError:
        return False
    for number in numbers:
        try:
            found = os.stat(_PROC / str(pid) / "fd" / number)
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False
