"""Explains a session's compile events in turns, and hands the inspector's pictures to its screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from profiler.report.markdown import one_line, shown
from profiler.report.triggers import trigger_lines
from profiler.sessions import SessionUnreadable
from tui import safe
from tui.exporting import MOST_FILES, new_file
from tui.feed import CLOCKWORK_S, LIVE_SHARE, LOADING_SHARE, RESTING_S, Reading, Source, Turn
from tui.pictures.live import Heading, heading
from tui.pictures.triggers.painter import TriggersPainter, TriggersPicture, unreadable
from tui.pictures.triggers.view import TriggersView, passed


@dataclass(frozen=True, slots=True)
class Exported:
    """What came of an export: the file, or why there is none."""

    path: Path | None
    why: str = ""


class TriggersSource(Source[TriggersPicture]):
    """The triggers of the session that ``reading`` reads."""

    def __init__(
        self,
        reading: Reading,
        *,
        clock: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``clock`` in seconds paces the reading; ``now_ns`` is the clock of the logs."""
        self.reading = reading
        self._clock = clock
        self._now_ns = now_ns
        self._painter: TriggersPainter | None = None
        self._view = TriggersView()
        self._last: TriggersPicture | None = None
        self._seen = -1
        self._made_at = float("-inf")
        self._cost = 0.0
        self._stale = True
        self._more = True
        self._loading = True  # whether there was more to read when the state was last explained
        self._view_changed = False

    def look(self, view: TriggersView) -> None:
        """Make the next pictures as ``view`` says."""
        if view != self._view:
            self._view = view
            self._view_changed = True

    def turn(self) -> Turn[TriggersPicture]:
        with self.reading as reading:
            return self._turn(reading)

    def _turn(self, reading: Reading) -> Turn[TriggersPicture]:
        if self._view_changed and self._painter is not None:
            # A key was pressed: answer it first, with what is known.
            self._view_changed = False
            return self._new(self._paint(reading, self._seen, loading=self._loading), 0.0)
        try:
            self._more = reading.poll(self._clock)
        except SessionUnreadable as error:
            return self._new(unreadable(reading.folder.id, str(error)), RESTING_S)
        # That all was read is new too, though the last look at the logs brought nothing.
        self._stale |= reading.revision != self._seen or (self._loading and not self._more)
        now = self._clock()
        age = now - self._made_at
        if not (self._stale or (reading.alive and age >= CLOCKWORK_S)):
            return Turn(None, self.pace() if reading.alive else RESTING_S)
        apart = max(self.pace(), self._cost * (LOADING_SHARE if self._more else LIVE_SHARE))
        if age < apart:
            return Turn(None, 0.0 if self._more else apart - age)
        self._loading = self._more
        picture = self._paint(reading, reading.revision, loading=self._loading)
        self._view_changed = self._stale = False
        self._cost = self._clock() - now
        self._made_at = now
        return self._new(picture, 0.0 if self._more else self.pace())

    def _paint(self, reading: Reading, revision: int, *, loading: bool) -> TriggersPicture:
        """The picture of the state; nothing is explained again if it was at ``revision``."""
        state = reading.state
        if self._painter is None or self._painter.session is not state:
            self._painter = TriggersPainter(state)
        self._seen = revision
        now_ns = reading.now_ns(self._now_ns())
        return self._painter.picture(self._view, revision, now_ns, copied=reading.copied, loading=loading)

    def _new(self, picture: TriggersPicture, wait_s: float) -> Turn[TriggersPicture]:
        if picture == self._last:
            return Turn(None, wait_s)
        self._last = picture
        return Turn(picture, wait_s)

    def export(self, view: TriggersView, folder: Path) -> Exported:
        """Write what ``view`` lets through into a new file in ``folder``, as Markdown."""
        with self.reading as reading:
            if self._painter is None:
                return Exported(None, "the session could not be read")
            every = self._painter.explained(self._seen)
            kept, _ = passed(every, view)
            told = trigger_lines(reading.state, kept, every=True, markdown=True)
            lines = [*_title(heading(reading.state, 0, copied=False, loading=False), view), *told]
        text = "".join(f"{safe.line(line, 20_000)}\n" for line in lines)
        name = f"{reading.folder.id}-triggers"
        try:
            path = new_file(folder, name, "md", [text])
        except OSError as error:
            return Exported(None, f"nothing written: {error.strerror}: {folder / name}.md")
        return Exported(path, "" if path else f"{folder} holds {MOST_FILES} exports of this session: remove some")


def _title(of: Heading, view: TriggersView) -> list[str]:
    """What the file is of: it is read far from where it was written."""
    some = ["", shown(f"Only: {view.told}")] if view.filtered else []
    about = shown(one_line(f"{of.device}: {of.workload}"))
    return [f"# {shown(one_line(of.session))}: why things were compiled", "", about, *some, ""]
