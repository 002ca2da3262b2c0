"""The list of sessions: in turns, newest first, running ones on top, nothing read twice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler import events as ev
from profiler import overview, sessions
from profiler.sessions import SessionFolder
from tests.support import recorded
from tests.tui.hostile import HOSTILE
from tests.tui.support import flat
from tui import listing
from tui.feed import Turn
from tui.listing import LOOK_AGAIN_S, ListingSource
from tui.panels.rows import width_of
from tui.panels.sessions import SelectedPanel, SessionsPanel, SessionsTitle, Shown
from tui.pictures.listing import SORTS, Going, Listing, SessionLine, View, age_text, arranged, session_line
from tui.pictures.progress import progress_lines

NOW_NS = recorded.WALL_NS + 3 * 3600 * 1_000_000_000


class Clock:
    """Seconds that pass only when they are told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def source_of(home: Path, **options: Any) -> tuple[ListingSource, Clock]:
    clock = Clock()
    return ListingSource(home, clock=clock, wall_ns=lambda: NOW_NS, **options), clock


def read(source: ListingSource, clock: Clock) -> Listing:
    """A round: turns until it waits for the next one; the last picture so far."""
    clock.now += LOOK_AGAIN_S
    for _ in range(1000):
        turn = source.turn()
        if turn.wait_s:
            last = source._last
            assert last is not None
            return last
    raise AssertionError("turns without end")


def write(home: Path, session: str, made: int) -> SessionFolder:
    folder = recorded.finished(session=session).write(home)
    os.utime(folder.manifest_file, ns=(made, made))
    return folder


def names(lines: Iterable[SessionLine]) -> list[str]:
    return [line.session for line in lines]


def test_running_ones_are_on_top_and_the_newest_first(tmp_path: Path) -> None:
    for number, session in enumerate(("old-done", "new-done")):
        write(tmp_path, session, number)
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        os.utime(feeder.folder.manifest_file, ns=(0, 0))
        listing = read(*source_of(tmp_path))
    lines = arranged(listing.lines, View())
    assert listing.complete
    assert names(lines) == ["live-one", "new-done", "old-done"]
    assert [line.state for line in lines] == ["running", "done", "done"]
    assert [line.runs for line in lines] == ["2/3", "3/3", "3/3"]
    assert lines[1].age == "3 h ago"
    assert lines[1].seconds is not None and lines[0].seconds is None


def test_how_far_a_running_session_is_is_what_live_says(tmp_path: Path) -> None:
    recording = recorded.live(session="live-one")
    now_ns = recording.live_ns + 5_000_000_000
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed(now_ns)
        source, clock = source_of(tmp_path, now_ns=lambda: now_ns)
        going = read(source, clock).lines[0].going
        session, run = progress_lines(recording.folded(now_ns), now_ns)
        assert going is not None
        assert (going.fraction, going.left) == (session.fraction, session.left)
        assert going.doing == f"{run.label}: {run.text}"
        feeder.feed(now_ns + 5_000_000_000)
        later = read(source, clock).lines[0].going
        assert later is not None and later.fraction > going.fraction


def test_one_that_is_told_to_stop_says_so_until_it_is_resumed(tmp_path: Path) -> None:
    recording = recorded.live(session="live-one")
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed(recording.live_ns)
        source, clock = source_of(tmp_path, now_ns=lambda: recording.live_ns)

        def left() -> str:
            going = read(source, clock).lines[0].going
            assert going is not None
            return going.left

        assert left() != "stopping"
        feeder._log(None).write(ev.Command(t=recording.live_ns + 1, command="stop"))
        assert left() == "stopping"
        feeder._log(None).write(ev.Header(t=recording.live_ns + 2))
        assert left() != "stopping"


def test_nothing_new_is_no_picture(tmp_path: Path) -> None:
    write(tmp_path, "done-one", 1)
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        source, clock = source_of(tmp_path, now_ns=lambda: 0)
        read(source, clock)
        for _ in range(5):
            clock.now += LOOK_AGAIN_S
            assert source.turn() == Turn(None, LOOK_AGAIN_S)


def test_a_session_that_is_over_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Counted(overview.OverviewReader):
        def read(self) -> overview.Overview:
            found = super().read()
            seen.append(found.session)
            return found

    monkeypatch.setattr(listing, "OverviewReader", Counted)
    folder = write(tmp_path, "one-done", 1)
    source, clock = source_of(tmp_path)
    read(source, clock)
    read(source, clock)
    assert seen == ["one-done"]
    with open(folder.conductor_log, "ab") as file:
        file.write(b'{"kind":"note","seq":99999}\n')
    read(source, clock)
    assert seen == ["one-done", "one-done"]


def test_of_many_that_are_over_each_round_looks_at_a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "AT_REST", 2)
    folders = [write(tmp_path, f"done-{number}", number) for number in range(5)]
    source, clock = source_of(tmp_path)
    assert len(read(source, clock).lines) == 5, "new ones are read at once"
    for folder in folders:
        folder.manifest_file.write_text("{")
    unreadable = [sum(line.state == "unreadable" for line in read(source, clock).lines) for _ in range(3)]
    assert unreadable == [2, 4, 5]
    made = write(tmp_path, "done-5", 9)
    assert len(read(source, clock).lines) == 6
    sessions.discard(made)
    assert len(read(source, clock).lines) == 5
    source.look_again("done-0", "done-1", "done-2", "done-3", "done-4")
    assert source.turn().wait_s, "what something was done to is looked at now, whatever time it is"


def test_a_session_that_dies_in_silence_is_seen_to(tmp_path: Path) -> None:
    source, clock = source_of(tmp_path)
    with recorded.Feeder(recorded.live(session="live-one"), tmp_path) as feeder:
        feeder.feed_history()
        assert read(source, clock).lines[0].state == "running"
    line = read(source, clock).lines[0]
    assert (line.state, line.going, line.under_way) == ("died", None, False)


def test_a_copied_session_is_not_under_way_whatever_its_log_says_last(tmp_path: Path) -> None:
    recording = recorded.live(session="copied-one")
    recording.write(tmp_path, until_ns=recording.live_ns)
    write(tmp_path, "done-one", 0)
    lines = read(*source_of(tmp_path)).lines
    found = next(line for line in lines if line.session == "copied-one")
    assert (found.state, found.copied, found.under_way, found.may_owe) == ("running", True, False, True)
    assert "copied" in flat(panel(Listing((found,), True)).lay_out(80, 10))


def test_damaged_sessions_are_listed_too(tmp_path: Path) -> None:
    write(tmp_path, "bad-one", 1).manifest_file.write_text("{")
    line = read(*source_of(tmp_path)).lines[0]
    assert line.state == "unreadable"
    assert line.reason.startswith("session.json is damaged")
    assert line.reason in flat(SelectedPanel(line).lay_out(200, 4))


def test_no_sessions_yet_says_how_to_make_one(tmp_path: Path) -> None:
    shown = flat(panel(read(*source_of(tmp_path))).lay_out(100, 10))
    assert "press n" in shown and "stepscope demo" in shown and "stepscope run PIPELINE" in shown


def test_a_home_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "sessions").write_text("a file")
    found = read(*source_of(tmp_path))
    assert found.error.startswith("cannot read")
    assert found.error in flat(panel(found).lay_out(200, 10))


def test_what_a_session_says_of_itself_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    asked = recorded.request()
    for text in HOSTILE:
        workload = msgspec.structs.replace(asked.cases[0].workload, pipeline=text, prompt=text)
        request = msgspec.structs.replace(
            asked, device=text, cases=[msgspec.structs.replace(asked.cases[0], workload=workload)], runs=asked.runs[:1]
        )
        found = session_line(
            overview.Overview("one", text, 2**63 - 1, text, (text,), text, 1, 0, 0, text, False, 1.0, request)
        )
        for width in (60, 200):
            every = [panel(Listing((found,), True), View(typed=text, scrolled=n))._rows(width, 5) for n in (0, 5)]
            every += [
                SelectedPanel(found)._rows(width, 6),
                SessionsTitle((Shown(Listing((found,))), text))._rows(width, 1),
            ]
            for row in (row for rows in every for row in rows):
                assert width_of(row) <= width
                assert "".join(part for part, _ in row).isprintable()


# --- order and filter ---


def line(session: str, **fields: Any) -> SessionLine:
    given: dict[str, Any] = {
        "state": "done",
        "age": "1 h ago",
        "pipeline": "sd15-txt2img",
        "variants": ("no-compile", "compile"),
        "device": "cpu",
        "runs": "3/3",
        "failed": 0,
        "reason": "",
        "created_s": 1000.0,
        "seconds": 60.0,
    }
    return SessionLine(session=session, **(given | fields))


LINES = (
    line("b-quick", seconds=2.0, created_s=3000.0),
    line("a-long", seconds=9000.0, created_s=2000.0, device="cuda:0", runs="9/9", pipeline="wan21-t2v"),
    line("c-died", state="died", created_s=1000.0, seconds=None, runs="1/9", reason="killed by signal 9"),
    line("e-early", state="running", created_s=500.0, seconds=None, going=Going(0.2, "about 2 min left", "call 1")),
    line("d-late", state="running", created_s=400.0, seconds=None, going=Going(0.7, "", "loading", waiting=True)),
    line("f-bad", state="unreadable", created_s=0.0, seconds=None, runs="", pipeline="", reason="damaged"),
)


@pytest.mark.parametrize(
    ("sort", "expected", "turned"),
    [
        ("age", "e d b a c f", "d e f c a b"),
        ("session", "d e a b c f", "e d f c b a"),
        ("state", "e d c b a f", "e d f b a c"),
        ("progress", "d e a b c f", "e d c f b a"),
        ("runs", "e d a c b f", "e d f b c a"),
        ("pipeline", "e d f b c a", "e d a b c f"),
        ("device", "e d b c f a", "e d a b c f"),
    ],
)
def test_those_under_way_are_on_top_in_every_order(sort: str, expected: str, turned: str) -> None:
    assert set(SORTS) == {"age", "session", "state", "progress", "runs", "pipeline", "device"}
    for way, wanted in ((False, expected), (True, turned)):
        found = arranged(LINES, View(sort=sort, turned=way))
        assert " ".join(line.session[0] for line in found) == wanted
        assert View(sort=sort, turned=way).order


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", "e d b a c f"),
        ("died", "c"),
        ("DIED -cuda", "c"),
        ("signal", "c"),
        ("waiting", "d"),
        ("-done -running", "c f"),
        ("cuda wan21", "a"),
        ("no such", ""),
        ("-", "e d b a c f"),
    ],
)
def test_words_of_a_filter_must_all_fit(typed: str, expected: str) -> None:
    found = arranged(LINES, View(typed=typed))
    assert {line.session[0] for line in found} == set(expected.split()) or typed == "-"
    assert typed != "-" or {line.session[2:] for line in found} <= {line.session[2:] for line in LINES}


def test_an_age_is_about_right_and_changes_a_few_times_an_hour() -> None:
    told = [age_text(1000.0, 1000.0 + minute * 60) for minute in range(61)]
    assert told[0] == "now" and told[7] == "7 min ago" and told[59] == "55 min ago" and told[60] == "1 h ago"
    assert len(set(told)) == 21
    assert all(minute < 1.5 * int(age.split()[0]) for minute, age in enumerate(told[1:60], 1))
    assert age_text(0.0, 1000.0) == "–"
    assert age_text(2000.0, 1000.0) == "now", "a clock that is ahead"


# --- the table ---


def panel(listing: Listing, view: View | None = None, *, ascii: bool = False) -> SessionsPanel:
    return SessionsPanel(Shown(listing, view or View()), ascii=ascii)


def rows(width: int, view: View | None = None, *, ascii: bool = False, height: int = 12) -> list[str]:
    return flat(panel(Listing(LINES, True), view, ascii=ascii)._rows(width, height)).splitlines()


def test_the_first_column_stays_while_the_others_scroll() -> None:
    head, *lines = rows(60)
    assert head.startswith("  session  state") and head.endswith("›")
    for scrolled in range(1, 7):
        head, *lines = rows(60, View(scrolled=scrolled))
        assert "‹" in head and "state" not in head
        assert [row[2:9].strip() for row in lines] == ["e-early", "d-late", "b-quick", "a-long", "c-died", "f-bad"]
    assert "about" in head and "killed by signal 9" in "\n".join(lines)
    assert not any(sign in rows(250)[0] for sign in "‹›…")


@pytest.mark.parametrize("width", [60, 61, 79, 80, 100, 120, 159, 160, 200, 300])
@pytest.mark.parametrize("scrolled", [0, 7])
def test_no_row_is_wider_than_the_screen_and_what_is_cut_has_a_sign(width: int, scrolled: int) -> None:
    hostile = line("h" * 96, pipeline="漢字" * 30, reason="long " * 60, state="died", variants=("compile",) * 12)
    for ascii in (False, True):
        for view in (View(scrolled=scrolled), View(scrolled=scrolled, marked=("a-long",), sort="device")):
            shown = panel(Listing((*LINES, hostile), True), view, ascii=ascii)._rows(width, 12)
            assert all(width_of(row) <= width for row in shown)
            row = next(row for row in flat(shown).splitlines() if "hhhh" in row)
            assert ("h" * 96 in row and width == 300) or ("~" if ascii else "…") in row
        detail = SelectedPanel(hostile, ascii=ascii)._rows(width, 4)
        assert all(width_of(row) <= width for row in detail)


def test_ascii_says_the_same() -> None:
    listing = Listing(tuple(line for line in LINES if line.state != "unreadable"), True)
    for width in (80, 200):
        assert flat(panel(listing, View(sort="runs", scrolled=1), ascii=True)._rows(width, 12)).isascii()
    shown = "\n".join(rows(200, ascii=True))
    assert "> running" in shown and "====" in shown and ". waiting" in shown
    for one in LINES[:-1]:
        assert flat(SelectedPanel(one, ascii=True)._rows(120, 4)).isascii()
    assert flat(SessionsTitle((Shown(listing), "/home"), ascii=True)._rows(120, 1)).isascii()
