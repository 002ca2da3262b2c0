"""Take the commands that are left in ``control/``, oldest first. No file there can stop the conductor."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec

from profiler.events import Command, Event, Note
from profiler.sessions import ControlFile

COMMANDS = ("stop", "skip")
_NAME = re.compile(r"(\d{1,20})-(\d{1,10})\.json")
_LARGEST_BYTES = 65536
_MOST_AT_ONCE = 64


class BadCommand(Exception):
    """A file in ``control/`` that is no command; the message says what is wrong with it."""


class Inbox:
    """The folder ``control/`` of a session, read by listing it: that works on network file systems too."""

    def __init__(self, path: Path, write: Callable[[Event], None]) -> None:
        self._path = path
        self._write = write
        self._ignored: set[str] = set()  # can't be removed: taken once, then passed over
        self._unreadable = False

    def take(self) -> list[ControlFile]:
        """The commands that came since the last time. Each is logged, then removed."""
        taken: list[ControlFile] = []
        for name in self._names()[:_MOST_AT_ONCE]:
            try:
                command = _read(self._path, name)
            except FileNotFoundError:
                continue
            except (BadCommand, OSError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                self._note("control-file", f"control/{name!r} is no command and is removed: {why}")
            else:
                self._write(Command(command=command.command, run=command.run, pid=command.pid))
                taken.append(command)
            self._remove(name)
        return taken

    def _names(self) -> list[str]:
        try:
            # A name that starts with a dot is a command that is still being written.
            names = [name for name in _listed(self._path) if not name.startswith(".") and name not in self._ignored]
        except OSError as error:
            if not self._unreadable:
                self._note("control-folder", f"the folder of commands can't be read: {error.strerror}")
            self._unreadable = True
            return []
        self._unreadable = False
        return sorted(names, key=_age)

    def _remove(self, name: str) -> None:
        try:
            os.unlink(self._path / name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._ignored.add(name)
            self._note("control-file", f"control/{name!r} can't be removed: {error.strerror}")

    def _note(self, code: str, text: str) -> None:
        self._write(Note(level="warning", code=code, text=text))


def _listed(folder: Path) -> list[str]:
    """The names in ``folder``. Raises OSError, also where it is a link: nothing outside the session is removed."""
    if folder.is_symlink():
        raise NotADirectoryError(errno.ENOTDIR, "it is a link", str(folder))
    return os.listdir(folder)


def _age(name: str) -> tuple[int, int, str]:
    found = _NAME.fullmatch(name)
    return (int(found[1]), int(found[2]), name) if found else (0, 0, name)


def _read(folder: Path, name: str) -> ControlFile:
    if not _NAME.fullmatch(name):
        raise BadCommand("its name is not <time>-<pid>.json")
    # Neither a link nor a FIFO under this name may lead the conductor away or hang it.
    descriptor = os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadCommand("it is not a regular file")
        data = os.read(descriptor, _LARGEST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > _LARGEST_BYTES:
        raise BadCommand(f"it is larger than {_LARGEST_BYTES} bytes")
    try:
        command = msgspec.json.decode(data, type=ControlFile)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadCommand(str(error)) from error
    if command.command not in COMMANDS:
        raise BadCommand(f"{command.command!r} is not one of {', '.join(COMMANDS)}")
    return command
