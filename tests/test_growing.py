"""What those see who look at a session while ``--until-sure`` adds repeats to it."""

from __future__ import annotations

from pathlib import Path

from profiler import events as ev
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.request import VARIANTS
from profiler.sessions import SessionFolder, extend
from tests.analysis.test_repeats import FASTER, NOISY, STEADY, asked, grown, made
from tests.support import recorded
from tests.tui.support import text_of, until, until_read
from tui.app import StepscopeApp
from tui.feed import LiveSource
from tui.panels.progress import ProgressPanel
from tui.pictures.live import LivePicture
from tui.pictures.progress import progress_lines
from tui.plain import PlainReport

SECOND = 1_000_000_000


def unsure() -> recorded.Recording:
    """Two cases, three repeats of each; the session goes on."""
    recording = recorded.finished(repeats=3, until_sure=True, variants=list(VARIANTS[:2]), session="sure-sd15-txt2img")
    return recorded.Recording(recording.session, recording.request, recording.records[:-1], recording.live_ns)


def grow(folder: SessionFolder) -> None:
    """Add what a look adds: two more repeats of both cases, whatever the verdicts."""
    asked = folder.manifest().request
    extend(folder, [], grown(asked, 5).runs[len(asked.runs) :])


class Ticking:
    """A second passes whenever it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_what_was_read_is_shown_until_the_session_that_has_grown_is_read_again(tmp_path: Path) -> None:
    folder = unsure().write(tmp_path)
    follower = Follower(folder)
    before = follower.read_all()
    grow(folder)
    polls = []
    while True:
        polls.append(follower.poll(budget_s=1.5, clock=Ticking()))  # two logs each time
        if not polls[-1][1]:
            break
        assert follower.state is before
    assert len(polls) >= 6  # each log is read anew
    assert polls == [(False, True)] * (len(polls) - 1) + [(True, False)]
    assert list(follower.state.runs) == [run.name for run in folder.manifest().request.runs]
    assert sum(len(run.calls) for run in follower.state.runs.values()) == sum(
        len(run.calls) for run in before.runs.values()
    )
    assert follower.poll() == (False, False)


def test_no_picture_shows_less_than_the_one_before(tmp_path: Path) -> None:
    now = [100.0]
    recording = unsure()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        source = LiveSource(feeder.folder, clock=lambda: now[0], now_ns=lambda: int(now[0] * SECOND))
        pictures: list[LivePicture] = []

        def turns() -> None:
            for _ in range(40):
                now[0] += 0.25
                picture = source.turn().picture
                if picture is not None:
                    pictures.append(picture)

        turns()
        count = len(pictures)
        grow(feeder.folder)
        turns()
    assert (pictures[count - 1].repeats, len(pictures[count - 1].runs)) == (3, 6)
    after = pictures[count:]
    assert after and all((picture.repeats, len(picture.runs)) == (5, 10) for picture in after)
    # The charts, the events and the figures of the table are those of before.
    last = pictures[count - 1]
    for picture in after:
        assert not picture.heading.loading
        assert (picture.steps, picture.happenings, picture.memory) == (last.steps, last.happenings, last.memory)
        assert [line.cells["runs"][0] for line in picture.cases] == ["3/5", "3/5"]
        for line, before in zip(picture.cases, last.cases, strict=True):
            assert {**line.cells, "runs": ""} == {**before.cells, "runs": ""}
    assert after[-1].progress[0].text.startswith("6 of 10 runs; until sure: look 2 of 4 after 5 repeats, ")


async def test_live_keeps_its_place_while_the_session_grows(tmp_path: Path) -> None:
    recording = unsure()
    with recorded.Feeder(recording, tmp_path) as feeder:
        feeder.feed_history()
        app = StepscopeApp(tmp_path, feeder.folder)
        async with app.run_test(size=(120, 40)) as pilot:
            screen = await until_read(pilot)
            await pilot.press("r", "r")
            await until(pilot, lambda: "repeat 2" in text_of(app).splitlines()[5])
            await pilot.press("n")  # the cursor to a compile
            await until(pilot, lambda: screen._view.focus is not None)
            focus = screen._view.focus
            chart = "\n".join(text_of(app).splitlines()[5:13])
            grow(feeder.folder)
            await until(pilot, lambda: screen.picture.repeats == 5)
            assert screen._view.focus == focus
            assert "\n".join(text_of(app).splitlines()[5:13]) == chart
            assert "until sure: look 2 of 4" in text_of(app)


def test_the_plain_lines_tell_a_look_in_its_place() -> None:
    given = grown(asked(variants=VARIANTS[:2]), 5)
    session = made(given, {"no-compile": STEADY, "compile": NOISY})
    runs = list(session.runs.values())
    session.notes.append(ev.Note(t=(runs[6].started_ns or 0) - 1, code="look", text="after 3 repeats: \x1b[2J unclear"))
    session.notes.append(ev.Note(t=session.last_t, code="look", text="after 5 repeats: settled"))
    said: list[str] = []
    report = PlainReport(said.append)
    report.update(session)
    report.update(session)
    (first, second) = (number for number, line in enumerate(said) if line.startswith("look "))
    ends = [number for number, line in enumerate(said) if " of 10]" in line]
    assert ends[5] < first < ends[6]
    assert second == len(said) - 1
    assert "\x1b" not in said[first]
    # Who takes the session up again is told what comes from then on.
    session.resumed_ns.append(session.notes[0].t + 1)
    later: list[str] = []
    PlainReport(later.append, untold=[runs[0].name]).update(session)
    assert [line for line in later if line.startswith("look ")] == ["look after 5 repeats: settled"]


def test_the_progress_says_where_the_looks_are() -> None:
    given = grown(asked(), 5, cases=(0, 1))
    paces = {"no-compile": (*STEADY, 99.0, 101.0), "compile": (*NOISY, 90.0, None), "regional-compile": FASTER}
    session = made(given, paces)
    line = progress_lines(session, session.last_t)[0]
    assert line.text == "12 of 13 runs; until sure: look 2 of 4 after 5 repeats, 1 case unsettled, about 8 more"
    assert line.left == "3 min expected"

    def row(width: int) -> str:
        return "".join(text for text, _ in ProgressPanel((line,)).lay_out(width, 1)[0])

    assert "about 8 more" in row(160) and row(160).endswith("3 min expected")
    assert row(80).rstrip().startswith("session  12 of 13 runs, look 2 of 4, 1 unsettled")
    assert "expected" in row(80)
    # Before the first look nobody knows what comes after it.
    session = made(asked(), {**paces, "compile": (90.0, 104.0, None)})
    assert progress_lines(session, session.last_t)[0].left == "10 s to look 1"
    assert progress_lines(session, session.last_t, copied=True)[0].left == ""


def test_lists_count_the_runs_that_are_there(tmp_path: Path) -> None:
    folder = unsure().write(tmp_path)
    assert (read_overview(folder).runs, read_overview(folder).ended) == (6, 6)
    grow(folder)
    assert (read_overview(folder).runs, read_overview(folder).ended) == (10, 6)
