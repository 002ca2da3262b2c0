"""Start the background profiler process of a session, detached, and wait until it has taken over."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from profiler.launch import child_command
from profiler.request import Request
from profiler.sessions import STARTING_SECONDS, SessionFolder

READY_VARIABLE = "STEPSCOPE_READY_FD"
"""Names the descriptor on which the conductor says "ready", or in one line why it can't start."""
RESUME, FAILED_TOO, MAX_TIME = "resume", "failed", "max-time="
"""Arguments: go on with a session that was conducted before; make its failed runs again too; stop it after as many
seconds as follow, or never ("none"), whatever it was begun with."""
_READY = re.compile(rb"ready (\d{1,10})\n")
_LONGEST_LINE = 4096


class CannotStart(RuntimeError):
    """The profiler process did not take over; the message is one line."""


def start(
    folder: SessionFolder,
    *arguments: str,
    command: Callable[..., list[str]] = child_command,
    timeout_s: float = STARTING_SECONDS,
) -> int:
    """Start the conductor of ``folder`` and return its pid once it holds the session's lock. Raises CannotStart.

    It and its guardian live in a session of their own with their output in ``conductor.log``: closing the terminal
    doesn't reach them. When this raises, no conductor is left running. ``arguments`` are handed to it.
    """
    read_end, write_end = os.pipe()
    try:
        try:
            line = command("conductor", str(folder.path.absolute()), *arguments)
            process = _spawn(line, folder.conductor_output, write_end)
        except OSError as error:
            raise CannotStart(f"the profiler process can't be started: {error.strerror or error}") from error
        finally:
            os.close(write_end)
        answer = _answer(read_end, timeout_s)
    finally:
        os.close(read_end)
    ready = _READY.fullmatch(answer or b"")
    if ready is not None:
        # Reaped as soon as it ends, so that it is no zombie for as long as a viewer stays open.
        threading.Thread(target=process.wait, name=f"reap-{process.pid}", daemon=True).start()
        return int(ready[1])
    raise CannotStart(_give_up(process, answer, folder, timeout_s))


def resume(
    folder: SessionFolder,
    *arguments: str,
    failed: bool = False,
    command: Callable[..., list[str]] = child_command,
) -> int:
    """``start`` for a session that was conducted before: its conductor makes what is still owed, and with ``failed``
    the failed runs again. ``arguments`` may have ``limited``.
    """
    return start(folder, RESUME, *([FAILED_TOO] if failed else []), *arguments, command=command)


def limited(max_time_s: float | None) -> str:
    """The argument that has a session that is resumed stop after so many seconds; None: not at all."""
    return f"{MAX_TIME}{'none' if max_time_s is None else repr(float(max_time_s))}"


def with_limit(request: Request, arguments: Iterable[str]) -> Request:
    """``request`` with the time that ``limited`` among ``arguments`` gives it. Raises ValueError."""
    for word in (one.removeprefix(MAX_TIME) for one in arguments if one.startswith(MAX_TIME)):
        request = msgspec.structs.replace(request, max_time_s=None if word == "none" else float(word))
    return request


def report(line: str | None) -> None:
    """Called by the conductor once: tell whoever waits in ``start`` its pid, now that it took over (None), or why it
    can't.
    """
    number = os.environ.pop(READY_VARIABLE, "")
    if not number.isdecimal():
        return
    descriptor = int(number)
    try:
        with open(descriptor, "wb", buffering=0) as pipe:
            pipe.write(b"ready %d\n" % os.getpid() if line is None else line.encode(errors="replace")[:_LONGEST_LINE])
    except OSError:
        # Nobody waits any more; conductor.log has the line as well.
        return


def open_output(path: Path) -> int:
    """A descriptor that appends to ``path`` (mode 0600). Raises OSError, also where a link stands in its place."""
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _spawn(command: list[str], output: Path, write_end: int) -> subprocess.Popen[bytes]:
    descriptor = open_output(output)
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            close_fds=True,
            pass_fds=(write_end,),
            env={**os.environ, READY_VARIABLE: str(write_end)},
        )
    finally:
        os.close(descriptor)


def _answer(descriptor: int, timeout_s: float) -> bytes | None:
    """What the conductor says: b"" if it ended without a word, None if it said nothing in time."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return os.read(descriptor, _LONGEST_LINE) if waiting.poll(timeout_s * 1000) else None


def _give_up(process: subprocess.Popen[bytes], answer: bytes | None, folder: SessionFolder, timeout_s: float) -> str:
    if answer is None:
        _kill(process)
        return f"the profiler process did not take over within {timeout_s:g} s: see {folder.conductor_output}"
    try:
        code = process.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        code = _kill(process)
    if answer:
        return answer.decode(errors="replace").strip()
    return f"the profiler process ended at once (exit code {code}): see {folder.conductor_output}"


def _kill(process: subprocess.Popen[bytes]) -> int:
    """Its whole group: the guardian and the conductor."""
    # Not collected yet, so the group is its own.
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait()
