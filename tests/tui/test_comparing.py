"""Compare's source: what is answered to a key while sessions are read says that they are being read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

from tests.support import recorded
from tests.tui.comparison import two_sessions
from tui.comparing import CompareSource
from tui.feed import Reading, Turn
from tui.pictures.compare.marks import Mark
from tui.pictures.compare.painter import NOTHING_MARKED, READING, ComparePicture
from tui.pictures.compare.view import CompareView


class Watched(Reading):
    """Knows whether it has more to read."""

    more = True

    def poll(self, clock: Callable[[], float]) -> bool:
        self.more = super().poll(clock)
        return self.more


def test_an_answer_during_the_first_reading_says_that_sessions_are_read(tmp_path: Path) -> None:
    folders = [each.write(tmp_path) for each in two_sessions()]
    read = {folder.path: Watched(folder) for folder in folders}
    ticks = count()
    source = CompareSource(
        tuple(Mark(str(folder.path)) for folder in folders),
        reading_of=lambda folder: read[folder.path],
        clock=lambda: next(ticks) * 0.02,  # the time of a poll is used up at once
    )
    assert shown(source.turn()).empty == READING
    view = CompareView()
    rows: list[int] = []
    for _ in range(200):
        left = [reading.more for reading in read.values()]
        view = replace(view, full_range=not view.full_range)
        source.look(view)
        picture = shown(source.turn())
        rows.append(len(picture.lines))
        assert picture.view == view and picture.loading is any(left)
        assert picture.empty in ("", READING) and bool(picture.empty) is not bool(picture.lines)
        assert any(status.text.startswith("reading") for status in picture.statuses) is (any(left) and bool(rows[-1]))
        if not any(left):
            break
        source.turn()
    assert len(rows) > 6 and rows[0] == 0 and rows[1] > 0 and rows[-1] == 6
    last = source.turn().picture
    assert last is None or not last.loading, "nothing that came with the last record waits for another key"


def test_without_marks_nothing_is_read(tmp_path: Path) -> None:
    folder = recorded.finished().write(tmp_path)
    source = CompareSource()
    assert (found := shown(source.turn())).empty == NOTHING_MARKED and not found.loading
    source.mark((Mark(str(folder.path)),))
    assert (found := shown(source.turn())).empty == READING and found.loading


def shown(turn: Turn[ComparePicture]) -> ComparePicture:
    assert turn.picture is not None
    return turn.picture
