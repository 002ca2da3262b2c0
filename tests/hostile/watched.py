"""Runs every command that reads a session, and tells what the process opened, imported and started meanwhile.

Started as ``watched.py SESSION_FOLDER REPORT``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import sys
from pathlib import Path
from typing import Any

INNOCENT = frozenset({"session.json", "conductor.jsonl", "events.jsonl", "latents.safetensors", "worker.log"})
"""Files of a session that viewers read."""
STARTS = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "pickle.find_class",
    "marshal.loads",
    "marshal.load",
    "ctypes.dlopen",
    "code.__new__",
    "exec",
    "socket.connect",
)
ALWAYS_INNOCENT = ("exec", "marshal.loads", "ctypes.dlopen", "code.__new__")
"""Importing does these; only what has to do with the session counts."""


class Watch:
    """An audit hook, which Python calls before it opens a file or runs anything."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.on = False
        self.read: set[str] = set()
        self.written: set[str] = set()
        self.started: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event == "open":
            self._opened(arguments)
        elif event in STARTS:
            told = repr(arguments)[:200] if event != "exec" else getattr(arguments[0], "co_filename", "")
            if event not in ALWAYS_INNOCENT or self.folder in told:
                self.started.append(f"{event} {told}")

    def _opened(self, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str):
            return  # a descriptor that was opened before
        # A relative name is one within a folder that is open, or the process's own: the session's.
        within = not os.path.isabs(path) or path.startswith(self.folder)
        if not within or flags & (os.O_PATH | os.O_DIRECTORY):
            return
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        (self.written if writes else self.read).add(os.path.basename(path))


def misbehave(folder: str) -> None:
    """What the watch must see."""
    exec(compile("pass", f"{folder}/conftest.py", "exec"))
    pickle.loads(b"cos\ngetcwd\n.")
    os.system("true")


def main(folder: str, report: str) -> None:
    from tui.cli import main as stepscope

    out = str(Path(report).parent)
    here = f"{folder}/"
    commands = {
        "ls": ["ls"],
        "ls json": ["ls", "--json"],
        "show": ["show", here],
        "show json": ["show", here, "--json"],
        "plain": ["watch", here, "--plain"],
        "triggers": ["triggers", here],
        "compare": ["compare", here],
        "html": ["export", here, "--format", "html", "-o", f"{out}/page.html"],
        "csv": ["export", here, "--format", "csv", "-o", f"{out}/rows.csv"],
        "trace": ["export", here, "--format", "trace", "-o", f"{out}/trace.json"],
    }
    watch = Watch(folder)
    sys.addaudithook(watch)
    codes: dict[str, int | str] = {}
    for name, arguments in commands.items():
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            watch.on = True
            codes[name] = stepscope(arguments) or said.getvalue()[:0] or 0
            watch.on = False
        if codes[name]:
            codes[name] = f"{codes[name]}: {said.getvalue()[-300:]}"
    read, written, started = sorted(watch.read), sorted(watch.written), list(watch.started)
    watch.on = True
    misbehave(folder)
    watch.on = False
    told = {
        "codes": codes,
        "seen": [what.split()[0] for what in watch.started[len(started) :]],
        "read": read,
        "written": written,
        "started": started,
    }
    Path(report).write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
