"""The report in plain lines: at a pace one can follow, with all that the screen tells, and fit to be read aloud."""

from __future__ import annotations

import itertools
import re
from itertools import pairwise
from pathlib import Path

import pytest

from profiler import events as ev
from profiler import sessions
from profiler.analysis.fold import SessionFold
from profiler.follow import Follower
from profiler.report.tables import session_lines
from tests.support import recorded
from tests.support.recorded import Recording
from tests.support.story import SECOND
from tests.tui.support import feed
from tui.cli import main
from tui.plain import PlainReport, follow_plainly, plain_say
from tui.settings import Settings
from tui.telling import NEWS_S, Pulse

LIVE = recorded.live(steps_per_second=4, seconds=30)


def told_live(recording: Recording, every_s: float = 0.25) -> list[tuple[float, str]]:
    """What is said of a session that is followed as it goes: (seconds since its first record, line)."""
    fold = SessionFold(recording.session, recording.request)
    said: list[tuple[float, str]] = []
    begin = now = recording.records[0].event.t
    report = PlainReport(lambda line: said.append(((now - begin) / 1e9, line)))
    records = list(recording.records)
    while records:
        now += int(every_s * SECOND)
        while records and records[0].event.t <= now:
            record = records.pop(0)
            feed(fold, record.run, record.event)
        report.update(fold.state, now)
    return said


@pytest.fixture(scope="module")
def said() -> list[tuple[float, str]]:
    return told_live(LIVE)


def test_now_and_then_a_line_tells_how_far_the_run_is(said: list[tuple[float, str]]) -> None:
    lines = [line for _, line in said]
    steady = next(line for line in lines if "call 2 of" in line and "it/s" in line)
    assert re.fullmatch(
        r"001-sd15-txt2img-no-compile-b1-r1: call 2 of 4, step \d+ of 51; 2\.\d+ it/s, step 3\d\d\.\d\d ms so far; "
        r"memory 2\.01 GiB allocated, device 3\.00 GiB of 24\.0 GiB; GPU 9\d %, 2\d\d W, 6\d C, 19\d\d MHz; "
        r"about (\d+ s|1 min) left of the run; session 0 of 3 runs(, about .* left)?",
        steady,
    )


def test_the_lines_come_at_a_pace_one_can_listen_to(said: list[tuple[float, str]]) -> None:
    pulses = [at for at, line in said if "; session " in line]
    gaps = [after - before for before, after in pairwise(pulses)]
    assert len(pulses) > 4
    assert min(gaps) >= 10
    assert all(gap >= 30 for at, gap in zip(pulses[1:], gaps, strict=True) if at > 95)  # later they are fewer
    silences = [after - before for (before, _), (after, _) in pairwise(said)]
    assert max(silences) <= 31


def test_nothing_is_said_twice_while_nothing_happens() -> None:
    fold = SessionFold(LIVE.session, LIVE.request)
    for record in LIVE.records:
        if record.event.t <= LIVE.live_ns:
            feed(fold, record.run, record.event)
    pulse = Pulse()
    assert pulse.line(fold.state, LIVE.live_ns) is not None
    found = [pulse.line(fold.state, LIVE.live_ns + seconds * SECOND) for seconds in range(1, 600)]
    # The GPU's figures are old news after a while, and the estimate runs out: no more than that.
    assert len([line for line in found if line is not None]) <= 4
    assert all("GPU" not in line for line in found[int(NEWS_S) :] if line is not None)


def test_whoever_comes_to_a_running_session_is_told_at_once_where_it_is() -> None:
    fold = SessionFold(LIVE.session, LIVE.request)
    for record in LIVE.records:
        feed(fold, record.run, record.event)
    lines: list[str] = []
    PlainReport(lines.append).update(fold.state, LIVE.end_ns)
    assert lines[-1].startswith("003-") and "; session 2 of 3 runs" in lines[-1]
    lines.clear()
    PlainReport(lines.append).update(fold.state)  # what is read, not followed, has no "now"
    assert not any("; session " in line for line in lines)


def test_on_a_cpu_memory_is_called_what_it_is() -> None:
    lines = [line for _, line in told_live(recorded.live(steps_per_second=4, seconds=10, device="cpu"), 1.0)]
    assert any("; RSS " in line for line in lines)
    assert not any("GPU" in line or "device" in line for line in lines if "; session " in line)


def test_what_a_session_was_stopped_before_is_one_line_however_many_runs_that_are() -> None:
    request = recorded.request(device="cpu", repeats=20)
    first, second, *rest = (run.name for run in request.runs)
    fold = SessionFold("test", request)
    said: list[str] = []
    report = PlainReport(said.append)

    moments = itertools.count(SECOND, SECOND)

    def ended(run: str, outcome: str, reason: str | None) -> ev.RunChanged:
        return ev.RunChanged(t=next(moments), run=run, state="ended", outcome=outcome, reason=reason)

    time_up = "max time of 570 s reached"
    fold.conductor([ev.RunChanged(run=first, state="running"), ended(first, "failed", "RuntimeError: odd")])
    fold.conductor([ev.RunChanged(run=second, state="running")])
    for run in (second, *rest):
        fold.conductor([ended(run, "stopped", time_up)])
        report.update(fold.state)
    fold.conductor([ev.SessionChanged(state="stopped", reason=time_up)])
    report.update(fold.state)
    assert said == [
        f"{first}: failed: RuntimeError: odd  [1 of 60]",
        f"{second}: stopped: {time_up}  [2 of 60]",
        f"58 runs not begun: {time_up}",
    ]
    lines = session_lines(fold.state)
    assert lines[-3:] == [f"{first}: failed: RuntimeError: odd", f"{second}: stopped: {time_up}", said[-1]]
    assert [line for line in lines if "no verdict" in line] == [
        "compile, regional-compile: no verdict: no measured call"
    ]


def test_tables_are_read_aloud_with_every_figure_after_its_name(tmp_path: Path) -> None:
    lines: list[str] = []
    follow_plainly(Follower(recorded.finished().write(tmp_path)), say=lines.append, introduce=True, by_ear=True)
    assert lines[0] == "session done-sd15-txt2img: done, 3 runs on cuda:0"
    text = "\n".join(lines)
    assert re.search(
        r"^compile, speed: runs 1/1, it/s 30\.\d\d, speed-up 1\.61x, step ms 31\.\d\d, IQR ", text, re.MULTILINE
    )
    assert re.search(r"^regional-compile, start-up: .*recompiles 2$", text, re.MULTILINE)
    assert re.search(r"^no-compile, memory, work: peak VRAM 2\.51 GiB, ", text, re.MULTILINE)
    assert not any("   " in line for line in lines)  # no columns
    # Every figure of the tables that are looked at is heard too.
    looked: list[str] = []
    follow_plainly(Follower(sessions.SessionFolder(tmp_path / "sessions" / "done-sd15-txt2img")), say=looked.append)
    figures = {word for line in looked for word in re.findall(r"\b\d+\.\d+\b", line)}
    assert figures <= {word for line in lines for word in re.findall(r"\b\d+\.\d+\b", line)}


def test_in_ascii_the_programs_own_signs_are_some() -> None:
    lines: list[str] = []
    plain_say(Settings(ascii=True), lines.append)("tokens 4096 → 1024 ± 3 … naïve")
    assert lines == ["tokens 4096 -> 1024 +- 3 ~ naïve"]
    plain_say(Settings(), lines.append)("1 → 2")
    assert lines[-1] == "1 → 2"


def test_compare_is_printed_and_read_aloud_where_lines_are_wanted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPSCOPE_HOME", str(tmp_path))
    monkeypatch.setenv("STEPSCOPE_CONFIG", "")
    recorded.finished().write(tmp_path)
    assert main(["compare", "last", "--open", "--plain"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^compile, speed: .*speed-up 1\.61x", out, re.MULTILINE)
    assert "   " not in out and "\x1b" not in out
