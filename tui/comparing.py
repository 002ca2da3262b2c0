"""Reads the sessions that are marked, in turns, and hands the pictures of their comparison to the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from profiler.sessions import SessionFolder, SessionUnreadable
from tui.charts.canvas import prepare
from tui.exporting import MOST_FILES, new_file
from tui.feed import LIVE_SHARE, LOADING_SHARE, RESTING_S, Reading, Source, Turn
from tui.pictures.compare.marks import Marks
from tui.pictures.compare.painter import ComparePainter, ComparePicture
from tui.pictures.compare.resolved import Seen
from tui.pictures.compare.view import CompareView

TURN_S = 0.06
"""How long one turn reads, whatever the number of sessions: those that it didn't come to are next."""

EXPORT = "stepscope-compare"
"""The name of an exported file, without its ending."""

ReadingOf = Callable[[SessionFolder], Reading]


class CompareSource(Source[ComparePicture]):
    """The comparison of what is marked. Only sessions with a mark are read."""

    def __init__(
        self,
        marks: Marks = (),
        *,
        reading_of: ReadingOf = Reading,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``reading_of`` gives what was read of a session already, for other screens; ``clock`` paces, in seconds."""
        self._marks = marks
        self._reading_of = reading_of
        self._clock = clock
        self._view = CompareView()
        self._painter = ComparePainter()
        self._readings: dict[str, Reading] = {}
        self._due: dict[str, float] = {}  # when each is to be looked at again
        self._more: dict[str, bool] = {}  # what was looked at: whether its logs hold more
        self._why: dict[str, str] = {}
        self._painted_of: tuple[object, ...] = ()
        self._last: ComparePicture | None = None
        self._made_at = float("-inf")
        self._cost = 0.0
        self._asked = True

    def mark(self, marks: Marks) -> None:
        """Compare these from now on."""
        if marks != self._marks:
            self._marks = marks
            self._asked = True
            wanted = {mark.path for mark in marks}
            for path in set(self._readings) - wanted:
                for known in (self._readings, self._due, self._more, self._why):
                    known.pop(path, None)

    def look(self, view: CompareView) -> None:
        """Make the next pictures as ``view`` says."""
        if view != self._view:
            self._view = view
            self._asked = True

    def turn(self) -> Turn[ComparePicture]:
        for mark in self._marks:
            if mark.path not in self._readings:
                self._readings[mark.path] = self._reading_of(SessionFolder(Path(mark.path)))
        if self._asked:
            # A key was pressed: answer it first, with what is known.
            self._asked = False
            return self._paint(0.0)
        more = self._read_on()
        now = self._clock()
        wait_s = 0.0 if more else max(0.0, min(self._due.values(), default=now + RESTING_S) - now)
        if self._revisions() == self._painted_of:
            return Turn(None, wait_s)
        # While long logs are being read, reading goes first: what is painted then will not last.
        apart = max(self.pace(), self._cost * (LOADING_SHARE if more else LIVE_SHARE))
        age = now - self._made_at
        if age < apart and (more or not self._settled()):
            return Turn(None, 0.0 if more else min(wait_s, apart - age))
        if more:
            prepare()  # the picture is drawn while more is read
        return self._paint(wait_s)

    def _settled(self) -> bool:
        """Whether every session was read and none goes on: what is painted now lasts."""
        return all(path in self._more or path in self._why for path in self._readings) and not any(
            reading.alive for reading in self._readings.values()
        )

    def _read_on(self) -> bool:
        """Poll those that are due, for a short while; whether any of them has more to read."""
        deadline = self._clock() + TURN_S
        for path in sorted(self._readings, key=lambda path: self._due.get(path, float("-inf"))):
            now = self._clock()
            if self._due.get(path, float("-inf")) > now:
                break
            if now >= deadline:
                return True
            try:
                with self._readings[path] as reading:
                    self._more[path] = reading.poll(self._clock)
                    alive = reading.alive
                self._why.pop(path, None)
                if not reading.folder.path.is_dir():
                    self._why[path] = f"{path} is gone: its figures are those that were read last"
            except SessionUnreadable as error:
                self._why[path] = str(error)
                alive = False
            rest = self.pace() if alive else RESTING_S
            self._due[path] = self._clock() + (0.0 if self._more.get(path) else rest)
        return any(self._more.values())

    def _revisions(self) -> tuple[object, ...]:
        return tuple(
            (path, reading.revision, self._more.get(path), self._why.get(path))
            for path, reading in self._readings.items()
        )

    def _paint(self, wait_s: float) -> Turn[ComparePicture]:
        before = self._clock()
        with self._held() as seen:
            folders = {path: reading.folder for path, reading in self._readings.items()}
            picture = self._painter.picture(self._marks, seen, self._view, folders=folders)
        self._painted_of = self._revisions()
        self._made_at = self._clock()
        self._cost = self._made_at - before
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)

    def export(self, folder: Path) -> str:
        """Write what is compared into new files in ``folder``, as an HTML page and as Markdown; what came of it."""
        # They take a tenth of a second to load, which nobody who starts the program waits for.
        from profiler.report.comparemarkdown import compare_markdown
        from profiler.report.comparison import compare_document
        from profiler.report.html import page
        from profiler.report.outputs import compare_outputs

        with self._held():
            entries, chosen = self._painter.entries, self._painter.pinned
            pinned = chosen.lot if chosen is not None else None
            readings = {entry.key: self._readings.get(entry.mark.path) for entry in entries}
            if not entries or not all(readings.values()):
                return "nothing to write yet: {compare_add} opens the list of sessions, cases and runs"
            lots = [entry.lot for entry in entries]
            of = {id(entry.lot.session): reading for entry in entries if (reading := readings[entry.key]) is not None}
            copied = list(dict.fromkeys(lot.session for lot in lots if of[id(lot.session)].copied))
            folders = {lot.session: of[id(lot.session)].folder.path for lot in lots}
            document = compare_document(
                lots,
                baseline=pinned,
                output=partial(compare_outputs, lambda lot: of[id(lot.session)].folder),
                copied=copied,
            )
            try:
                web = new_file(folder, EXPORT, "html", page(lots, pinned, folders=folders, copied=copied))
                text = new_file(folder, EXPORT, "md", compare_markdown(document))
            except OSError as error:
                return f"nothing written: {error.strerror}: {folder}"
        if web is None or text is None:
            return f"{folder} holds {MOST_FILES} comparisons: remove some"
        return f"written: {web} and {text.name}"

    @contextmanager
    def _held(self) -> Iterator[dict[str, Seen]]:
        """What is known of each session, all of them kept from other threads.

        No other thread holds more than one at a time, so none can wait for one of these while it holds another.
        """
        with ExitStack() as stack:
            seen: dict[str, Seen] = {}
            for path, reading in self._readings.items():
                if path not in self._more:
                    why = self._why.get(path, "")
                    seen[path] = Seen(None, why=why, reading=not why)
                    continue
                stack.enter_context(reading)
                seen[path] = Seen(
                    reading.state, reading.revision, reading.copied, self._why.get(path, ""), self._more[path]
                )
            yield seen
