"""CSV of runs, calls and steps: what every cell is, what a spreadsheet must not compute, and piece by piece."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from profiler import events as ev
from profiler.analysis.state import SessionState
from profiler.report.csvrows import Runs, call_rows, run_rows, step_rows
from profiler.request import Leg
from tests.analysis.events import MS, call, chained, fold, frame, request, with_legs

Rows = Callable[[Runs], Iterator[str]]


def runs_of(state: SessionState) -> Runs:
    return [(state, run) for run in state.runs.values()]


def parsed(pieces: Iterator[str]) -> list[dict[str, str]]:
    text = "".join(pieces)
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert len(set(header)) == len(header)
    assert all(len(row) == len(header) for row in rows)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _state(leg: str = "small", reason: str = "why") -> SessionState:
    given = with_legs(request(variants=["no-compile"], repeats=2, calls=2), [Leg(name=leg)])
    first, second = given.runs
    log = [*frame(), *call(0, "warmup", 200, [7.5] * 3), ev.PhaseStarted(t=300 * MS, phase="measure", calls=2)]
    log += [*call(1, "measure", 400, [5.0] * 3, leg=leg, host_bound=True, tail=2.0), ev.RunEnded(outcome="ok")]
    failed = [*frame(), ev.RunEnded(outcome="failed", reason=reason)]
    return fold(given, {first.name: log, second.name: failed}).state


def test_a_row_a_step_with_its_call_and_its_times() -> None:
    rows = parsed(step_rows(runs_of(_state())))
    assert len(rows) == 6
    assert [row["phase"] for row in rows] == ["warmup"] * 3 + ["measure"] * 3
    last = rows[-1]
    assert last["session"] == "test"
    assert last["run"] == "001-sd15-txt2img-no-compile-b1-r1"
    told = ("call", "leg", "measured", "clean", "headline", "loop", "loop_name", "step", "host_bound")
    assert [last[name] for name in told] == ["1", "small", "true", "true", "true", "0", "denoise", "2", "true"]
    assert [float(last[name]) for name in ("start_s", "ms", "host_ms", "enqueue_ms")] == [0.41, 5.0, 5.0, 5.0]
    assert rows[0]["measured"] == rows[0]["headline"] == "false"
    assert last["graphs"] == "", "what was not measured is empty"


def test_a_row_a_call() -> None:
    warmup, measured = parsed(call_rows(runs_of(_state())))
    assert (warmup["headline"], measured["headline"]) == ("false", "true")
    assert [float(measured[name]) for name in ("ms", "loop_ms")] == [17.0, 15.0]
    assert (measured["iterations"], measured["loops"], measured["images"]) == ("3", "1", "1")


def test_a_row_a_run_with_every_figure_and_how_it_ended() -> None:
    ok, failed = parsed(run_rows(runs_of(_state())))
    assert (ok["outcome"], ok["cold"], failed["outcome"], failed["reason"]) == ("ok", "true", "failed", "why")
    assert float(ok["iterations_per_second"]) == float(ok["loop1_iterations_per_second"]) == 200.0
    assert float(ok["steps_median_ms"]) == 5.0
    assert ok["asked_steps"] == "20"
    assert float(ok["stage_denoise_median_ms"]) == 15.0
    assert ok["leg1_name"] == "small"
    assert ok["measured_calls"] == "1"
    assert failed["iterations_per_second"] == failed["loop1_name"] == ""


def test_runs_with_more_loops_than_others_share_the_columns() -> None:
    given = request(variants=["no-compile"], repeats=2)
    first, second = given.runs
    logs = {
        first.name: [*frame(), *call(0, "measure", 100, [5.0] * 4)],
        second.name: [*frame(), *chained(0, "measure", 100, {"I": [5.0] * 4, "II": [20.0] * 2}, planned=6)],
    }
    state = fold(given, logs).state
    one, two = parsed(run_rows(runs_of(state)))
    assert (one["loop2_name"], two["loop2_name"]) == ("", "II")
    names = list(one)
    assert names.index("loop2_name") < names.index("iterations_per_second"), "beside the first loop's"
    assert [row["loop_name"] for row in parsed(step_rows(runs_of(state)))] == ["denoise"] * 4 + ["I"] * 4 + ["II"] * 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ('=HYPERLINK("http://x")', """'=HYPERLINK("http://x")"""),
        ("＝1+1", "'＝1+1"),
        ("＠SUM(A1)", "'＠SUM(A1)"),
        # Where a country's settings part cells by these, and our quotes are none.
        ("x;=1+1", "x;'=1+1"),
        ('x;"=1+1"', """x;"'=1+1\""""),
        ("x\t@SUM(A1)", "x\t'@SUM(A1)"),
        ("x\n=1+1", "x\n'=1+1"),
        ("x\r\n-1;+1", "x\r\n'-1;'+1"),
        # And what isn't touched.
        ("a; -5 %; b=c", "a; -5 %; b=c"),
        ("'+' is unknown", "'+' is unknown"),
        ("1-2", "1-2"),
    ],
)
def test_text_that_a_spreadsheet_would_compute_is_text(text: str, shown: str) -> None:
    state = _state(leg=text, reason=text)
    assert parsed(step_rows(runs_of(state)))[-1]["leg"] == shown
    ok, failed = parsed(run_rows(runs_of(state)))
    assert ok["leg1_name"] == failed["reason"] == shown


def test_numbers_stay_numbers() -> None:
    state = _state()
    run = next(iter(state.runs.values()))
    assert run.header is not None
    run.header.t = 3000 * MS  # a start before the log's own, as of a session that was resumed after a restart
    assert float(parsed(step_rows([(state, run)]))[0]["start_s"]) == -2.8


@pytest.mark.parametrize("text", ['a "quoted", cell', "two\r\nlines", "plain\nline", "é 漢", "a,b", "'", " "])
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert parsed(run_rows(runs_of(_state(reason=f"x{text}"))))[1]["reason"] == f"x{text}"


def test_nothing_in_a_cell_steers_a_terminal() -> None:
    hostile = "a\x1b[2J\x9b\u202eb"
    assert parsed(run_rows(runs_of(_state(reason=hostile))))[1]["reason"] == r"a\u001b[2J\u009b\u202eb"


@pytest.mark.parametrize("rows", [run_rows, call_rows, step_rows])
def test_of_nothing_there_is_a_header(rows: Rows) -> None:
    state = fold(request(), {}).state
    assert len("".join(rows([])).splitlines()) == 1
    assert len(parsed(rows(runs_of(state)))) == (len(state.runs) if rows is run_rows else 0)


def test_steps_come_in_pieces() -> None:
    given = request(variants=["no-compile"], repeats=1, calls=30)
    log = frame()
    for number in range(30):
        log += call(number, "measure", 100 + number * 1000, [5.0] * 50)
    pieces = list(step_rows(runs_of(fold(given, {given.runs[0].name: log}).state)))
    assert len(pieces) > 4
    assert sum(piece.count("\r\n") for piece in pieces) == 1501
    assert max(map(len, pieces)) < 60_000


@pytest.mark.parametrize(("rows", "kind"), [(call_rows, "calls"), (step_rows, "steps")])
def test_the_page_about_exports_has_every_column(rows: Rows, kind: str) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
    told = {
        line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1]
        for line in page.splitlines()
        if " | " in line
    }
    assert "".join(rows([])).strip() == f"{told['all']}, {told[kind]}".replace(", ", ",")
