"""Looks at all sessions for what can be compared: session.json and the beginning of one log of each, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from profiler import events as ev
from profiler.eventlog import LogReader
from profiler.request import Request
from profiler.sessions import Manifest, SessionFolder, SessionUnreadable, all_sessions
from tui import safe
from tui.feed import Source, Turn
from tui.pictures.compare.chooser import ChooserPicture, KnownCase, KnownSession
from tui.pictures.listing import age_text
from tui.pictures.names import case_label

LOOK_AGAIN_S = 2.0
BUDGET_S = 0.05
BEGINNING = 16 * 1024
"""Bytes of a run's log in which it says where it runs: the second record does."""

MOST_LOGS = 3
"""Runs that are asked: the first ones may have ended before they could say."""


class ChooserSource(Source[ChooserPicture]):
    """The sessions under ``root``, and those in the folders ``more``, which come first."""

    def __init__(
        self,
        root: Path,
        more: Sequence[Path] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._root = root
        self._more = [SessionFolder(path) for path in more]
        self._clock = clock
        self._wall_ns = wall_ns
        self._known: dict[str, tuple[tuple[int, ...], KnownSession]] = {}
        self._folders: list[SessionFolder] = []
        self._next = 0
        self._complete = False
        self._last: ChooserPicture | None = None

    def turn(self) -> Turn[ChooserPicture]:
        """Look at sessions for a short while."""
        deadline = self._clock() + BUDGET_S
        if self._next >= len(self._folders):
            try:
                own = all_sessions(self._root)
            except OSError as error:
                why = f"cannot read {self._root / 'sessions'}: {error.strerror}"
                return self._new(ChooserPicture((), True, safe.line(why, 300)), LOOK_AGAIN_S)
            paths = {folder.path for folder in own}
            self._folders = [*(folder for folder in self._more if folder.path not in paths), *own]
            self._next = 0
        while self._next < len(self._folders) and self._clock() < deadline:
            self._look_at(self._folders[self._next])
            self._next += 1
        left = self._next < len(self._folders)
        self._complete |= not left
        present = (self._known.get(str(folder.path)) for folder in self._folders)
        sessions = tuple(known[1] for known in present if known is not None)
        return self._new(ChooserPicture(sessions, self._complete), 0.0 if left else LOOK_AGAIN_S)

    def _look_at(self, folder: SessionFolder) -> None:
        try:
            about = folder.manifest_file.stat()
            stamp: tuple[int, ...] = (about.st_ino, about.st_size, about.st_mtime_ns)
        except OSError:
            stamp = ()
        known = self._known.get(str(folder.path))
        if known is None or known[0] != stamp or not (known[1].torch or known[1].why):
            self._known[str(folder.path)] = stamp, known_session(folder, self._wall_ns())

    def _new(self, picture: ChooserPicture, wait_s: float) -> Turn[ChooserPicture]:
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)


def known_session(folder: SessionFolder, now_wall_ns: int) -> KnownSession:
    """What can be marked in ``folder``. Never raises on what it contains."""
    path, name = str(folder.path), safe.line(folder.id, 100)
    try:
        manifest = folder.manifest()
    except SessionUnreadable as error:
        return KnownSession(path, name, "", "", "", "", why=safe.line(str(error), 200))
    request = manifest.request
    seen = _environment(folder, manifest)
    device = (seen.device_name or seen.cpu) if seen is not None else ""
    pipelines = list(dict.fromkeys(case.workload.pipeline for case in request.cases))
    return KnownSession(
        path=path,
        session=name,
        age=age_text(manifest.created_wall_ns / 1e9, now_wall_ns / 1e9),
        pipeline=safe.line(", ".join(pipelines) if len(pipelines) <= 3 else f"{len(pipelines)} pipelines", 80),
        device=safe.line(device or request.device, 60),
        torch=safe.line(seen.versions.get("torch", ""), 30) if seen is not None else "",
        cases=_cases(request),
    )


def _cases(request: Request) -> tuple[KnownCase, ...]:
    runs: dict[str, list[tuple[str, str]]] = {}
    for run in request.runs:
        runs.setdefault(run.case, []).append((run.name, f"repeat {run.repeat}"))
    return tuple(
        KnownCase(
            name=case.name,
            label=case_label(case, request),
            variant=safe.line(case.compilation.variant, 40),
            runs=tuple(runs.get(case.name, ())),
        )
        for case in request.cases
    )


def _environment(folder: SessionFolder, manifest: Manifest) -> ev.Environment | None:
    """Where the session runs, as the first of its runs has it that says so."""
    asked = 0
    for run in manifest.request.runs:
        log = folder.run_log(run.name)
        if not log.is_file():
            continue
        found = LogReader(log, manifest.clock).read(BEGINNING).events
        seen = next((event for event in found if type(event) is ev.Environment), None)
        asked += 1
        if seen is not None or asked == MOST_LOGS:
            return seen
    return None
