"""Figures per leg in the table of results, and how legs, notes and ways to compile are told apart on a full screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.request import Request
from tests.support import recorded
from tests.tui.support import empty_fold, feed, flat, folded, live_app, text_of, until, until_painted
from tui.charts.canvas import render
from tui.charts.palette import further_style
from tui.charts.spec import Axis, ChartSpec, Slot
from tui.panels.cases import CasesPanel, heading
from tui.panels.footer import Foot, FooterPanel
from tui.panels.happenings import HappeningsPanel
from tui.pictures.happenings import Happenings
from tui.pictures.live import LivePainter
from tui.pictures.looks import case_look
from tui.pictures.names import outcome_text
from tui.pictures.progress import progress_lines
from tui.pictures.slots import Slots
from tui.pictures.table import CaseLine, case_lines
from tui.pictures.view import StepsView

LEGS = ["128x128", "192x128", "128x128"]


def lines_of(state: object) -> tuple[CaseLine, ...]:
    return case_lines(state, case_figures(state))  # type: ignore[arg-type]


def table(lines: tuple[CaseLine, ...], width: int, height: int) -> list[str]:
    panel = CasesPanel(lines)
    panel.unfold(True)
    return flat(panel.lay_out(width, height)).splitlines()


# --- figures per leg ---


def test_the_title_says_which_leg_the_rows_are_about() -> None:
    assert heading(lines_of(folded(recorded.finished(legs=LEGS)))) == "results, 128x128"
    assert heading(lines_of(folded(recorded.finished()))) == "results"


def test_cases_whose_first_legs_differ_say_so() -> None:
    first, *others = lines_of(folded(recorded.finished(legs=LEGS)))
    assert heading((first, *(_from(line, 1) for line in others))) == "results, first legs"


def _from(line: CaseLine, leg: int) -> CaseLine:
    return CaseLine(**{field: getattr(line, field) for field in line.__slots__} | {"legs": line.legs[leg:]})


def test_each_leg_has_the_figures_that_the_analysis_gives_it() -> None:
    state = folded(recorded.finished(legs=LEGS, calls=3))
    for line, figures in zip(lines_of(state), case_figures(state), strict=True):
        assert [leg.name for leg in line.legs] == LEGS
        for shown, leg in zip(line.legs, figures.legs, strict=True):
            assert shown.cells["step ms"][0] == f"{leg.loops[0].median_ms:.1f}"
            assert shown.told[-1] == f"{leg.clean_calls}/{leg.calls} clean"
    compiled = lines_of(state)[1]
    assert [leg.cells["recomp"][0] for leg in compiled.legs] == ["–", "1", "–"]
    assert compiled.legs[1].cells["compile"][0] == "1.20 s"
    assert compiled.legs[1].told[0].startswith("2 of 3 calls clean, so all count; first call")


def test_legs_to_come_have_their_line_from_the_first_one_on() -> None:
    recording = recorded.finished(legs=LEGS, variants=["no-compile"])
    calls = [record.event for record in recording.records if type(record.event) is ev.CallEnded]
    (line,) = lines_of(folded(recording, until_ns=calls[3].t))
    assert [leg.name for leg in line.legs] == LEGS
    assert [leg.cells["step ms"][0] == "–" for leg in line.legs] == [False, True, True]


def test_a_case_without_figures_has_no_legs() -> None:
    asked = recorded.with_legs(recorded.request(variants=["compile"]), "a", "b")
    fold, runs = empty_fold(asked)
    feed(fold, None, ev.RunChanged(t=1, run=runs[0], state="running"))
    feed(fold, None, ev.RunChanged(t=2, run=runs[0], state="ended", outcome="unsupported", reason="no C++ compiler"))
    (line,) = lines_of(fold.state)
    assert line.remark == "unsupported: no C++ compiler"
    assert line.legs == ()


def test_where_names_do_not_fit_what_tells_them_apart_is_seen() -> None:
    legs = [f"call arguments {n}/3" for n in (1, 2, 3)]
    head, _, *rows = table(lines_of(folded(recorded.finished(legs=legs, variants=["compile"]))), 60, 3)
    assert head.startswith("results, 1/3 1-2/4 ") and rows[0].startswith("    1/3 ")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160, 200])
def test_a_legs_figures_stand_under_its_cases(width: int) -> None:
    lines = lines_of(folded(recorded.finished(legs=["128x128", "192x128"])))
    head, case, leg, *_ = table(lines, width, 20)
    end = head.index("step ms") + len("step ms")
    assert case[:end].rstrip()[-4:] == leg[:end].rstrip()[-4:], "the first leg's figure is the case's"
    assert "clean" in leg
    assert all(len(row) <= width for row in (head, case, leg))


def test_where_there_is_no_column_of_recompiles_they_are_told_behind_the_figures() -> None:
    lines = lines_of(folded(recorded.finished(legs=["128x128", "192x128"], variants=["compile"])))
    assert "1 recomp, 4 of 5 calls clean" in table(lines, 80, 20)[3]
    assert "recomp," not in table(lines, 120, 20)[3]


async def test_legs_are_seen_where_they_fit_and_a_key_shows_or_hides_them(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=LEGS, calls=2))
    async with app.run_test(size=(120, 40)) as pilot:
        await until_painted(pilot)
        assert text_of(app).count(" clean") == 9
        await pilot.press("f")
        await until(pilot, lambda: " clean" not in text_of(app))
        await pilot.press("f")
        await until(pilot, lambda: text_of(app).count(" clean") == 9)


async def test_on_a_low_screen_legs_wait_for_their_key_and_leave_room_for_the_chart(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(legs=LEGS, calls=2))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_painted(pilot)
        text = text_of(app)
        assert "results, 128x128" in text and " clean" not in text
        await pilot.press("f")
        await until(pilot, lambda: "1-8/12" in text_of(app))
        assert all(wanted in text_of(app) for wanted in ("step latency", "events"))
        for _ in range(9):
            await pilot.press("J")
        await until(pilot, lambda: "5-12/12" in text_of(app))


async def test_without_legs_there_is_no_key_for_them(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished())
    async with app.run_test(size=(120, 40)) as pilot:
        await until_painted(pilot)
        assert "f legs" not in text_of(app)


async def test_the_results_follow_the_workload_that_was_chosen(tmp_path: Path) -> None:
    app = live_app(tmp_path, recorded.finished(batch_sizes=[1, 2, 4], calls=1))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_painted(pilot)
        assert "step latency, b4" in text_of(app), "the newest one's until one is chosen"
        for size, rows in (("b1", "1-3 of 9"), ("b2", "4-6 of 9"), ("b4", "7-9 of 9")):
            await pilot.press("w")
            await until(pilot, lambda: f"step latency, {size}" in text_of(app) and rows in text_of(app))  # noqa: B023


# --- names below the axis ---


def test_a_legs_name_that_does_not_fit_is_told_by_what_is_its_own_or_cut_with_a_sign() -> None:
    def axis_of(*names: str) -> str:
        legs = tuple((name, n) for n, name in enumerate(names))
        slots = Slots(0, 0, len(names), legs)
        spec = ChartSpec("", x=Axis(0, len(names), slots=tuple(slots._leg_slots())))
        return "".join(text for text, _ in render(spec, 40, 8)[-1])

    turns = axis_of("call arguments 1/3", "call arguments 2/3", "call arguments 3/3")
    assert turns.split() == ["1/3", "2/3", "3/3"]
    names = axis_of("128x128", "128x128 again", "EulerAncestralDiscrete")
    assert names.split() == ["128x128", "128x128", "ag…", "EulerAnce…"]


def test_a_number_that_does_not_fit_is_left_out() -> None:
    slots = tuple(Slot(f"call {n}", n, n + 1, "1000") for n in range(20))
    assert "…" not in str(render(ChartSpec("", x=Axis(0, 20, slots=slots)), 60, 8))


# --- ways to compile ---


def _ways(**changes: object) -> Request:
    asked = recorded.request(variants=["no-compile", "compile", "regional-compile"], batch_sizes=[1, 2])
    more = [
        replace(case, name=f"{case.name}-other", compilation=replace(case.compilation, **changes))
        for case in asked.cases
        if case.compilation.variant == "compile"
    ]
    return replace(asked, cases=[*asked.cases, *more])


@pytest.mark.parametrize("change", [{"mode": "max-autotune"}, {"fullgraph": False}, {"backend": "eager"}], ids=str)
def test_cases_of_a_chart_never_share_colour_or_symbol(change: dict[str, object]) -> None:
    asked = _ways(**change)
    for size in (1, 2):
        looks = [case_look(case, asked) for case in asked.cases if case.workload.batch_size == size]
        assert len({look.word for look in looks}) == len(looks) == 4
        assert len({look.style.marker for look in looks}) == len({look.style.ascii_marker for look in looks}) == 4
    assert len({case_look(case, asked).word for case in asked.cases}) == 4, "the same in each workload"


def test_an_engine_looks_the_same_in_every_session() -> None:
    both = recorded.request(variants=["regional-compile"], engines=["diffusers", "accelerate"])
    alone = recorded.request(variants=["regional-compile"], engines=["accelerate"])
    assert case_look(both.cases[1], both) == case_look(alone.cases[0], alone)
    assert case_look(both.cases[0], both) != case_look(both.cases[1], both)


def test_further_styles_differ() -> None:
    assert len({(style.colour, style.marker) for style in map(further_style, range(25))}) == 25


# --- events and keys ---


def _noted(asked: Request) -> tuple[object, list[str]]:
    fold, runs = empty_fold(asked)
    for n, run in enumerate(runs):
        note = ev.Note(t=10 * n + 1, seq=1, code="left-out", text="without T5EncoderModel (4.76 B parameters)")
        slow = ev.Note(t=10 * n + 2, seq=2, level="warning", code="slow", text="something is slow")
        feed(fold, run, ev.Header(t=10 * n), note, slow)
    return fold.state, [found.text for found in Happenings(fold.state).newest_first()]


def test_what_every_run_of_a_pipeline_says_is_told_once() -> None:
    _, texts = _noted(recorded.request(repeats=3))
    assert sum("without T5" in text for text in texts) == 1
    assert sum("slow" in text for text in texts) == 9, "what isn't good news is told of every run"


def test_with_several_workloads_an_event_says_whose_it_is_on_a_narrow_screen_too() -> None:
    state, _ = _noted(recorded.request(variants=["compile"], batch_sizes=[1, 2]))
    found = Happenings(state).newest_first()  # type: ignore[arg-type]
    rows = flat(HappeningsPanel(found).lay_out(80, 9))
    assert "▲ b1 without T5" in rows and "▲ b2 something is slow" in rows


def test_an_outcome_is_not_told_twice() -> None:
    fold, _ = empty_fold()
    feed(fold, None, ev.SessionChanged(t=1, state="running"))
    feed(fold, None, ev.SessionChanged(t=2, state="stopped", reason="stopped on request"))
    assert Happenings(fold.state).newest_first()[0].text == "session stopped on request"
    assert outcome_text("oom", "out of memory during warmup: no room") == "out of memory during warmup: no room"
    assert outcome_text("oom", "no room") == "out of memory: no room"
    assert outcome_text("stopped", None) == "stopped"


@pytest.mark.parametrize("width", [30, 40, 60, 80])
def test_help_and_quit_are_always_seen(width: int) -> None:
    hints = (*((key, "something") for key in "abcdefgh"), ("?", "help"), ("q", "quit"))
    (row,) = FooterPanel(Foot(hints, staying=2)).lay_out(width, 1)
    text = flat((row,))
    assert text.startswith("a something  ") and text.endswith("…  ? help  q quit")
    assert len(text) <= width


# --- progress ---


def test_the_bar_never_falls_back_when_the_users_function_turns_out_to_give_many_calls() -> None:
    asked = recorded.request(variants=["no-compile"], repeats=2, calls=2, warmup=1)
    (case,) = asked.cases
    own = replace(case.workload, origin="/home/me/bench.py:make", pipeline="bench-make", steps=None)
    asked = replace(asked, cases=[replace(case, workload=own)])
    fold, runs = empty_fold(asked)
    fractions: list[float] = []

    def take(run: str, *events: ev.Event) -> None:
        for event in events:
            feed(fold, run, event)
            line = progress_lines(fold.state, event.t)[0]
            fractions.append(line.fraction or 0.0)

    t = 0
    feed(fold, None, ev.SessionChanged(t=t, state="running"))
    for run in runs:
        feed(fold, None, ev.RunChanged(t=t, run=run, state="running"))
        take(run, ev.Header(t=t), ev.PhaseStarted(t=t, phase="load"), ev.PhaseStarted(t=t, phase="warmup", calls=1))
        for call in range(7):
            if call == 1:
                take(run, ev.PhaseStarted(t=t, phase="measure", calls=6))
            phase = "measure" if call else "warmup"
            take(run, ev.CallStarted(t=t, call=call, phase=phase, steps=1, start_ns=t))
            take(run, ev.Step(t=t + 4, call=call, ns=4), ev.CallEnded(t=t + 5, call=call, ns=5, images=1))
            t += 10
        feed(fold, None, ev.RunChanged(t=t, run=run, state="ended", outcome="ok"))
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 10


def test_a_new_leg_repaints_its_line_alone() -> None:
    recording = recorded.finished(legs=LEGS, calls=2)
    ends = [record.event.t for record in recording.records if type(record.event) is ev.CallEnded]
    painters = [LivePainter(folded(recording, until_ns=t)) for t in (ends[0], ends[1])]
    first, second = (p.picture(StepsView(), 10**13, copied=False, loading=False).cases for p in painters)
    before, after = table(first, 120, 14), table(second, 120, 14)
    changed = [n for n, (was, now) in enumerate(zip(before, after, strict=True)) if was != now]
    assert set(changed) <= {0, 1, 2}, "the title, the case's line and its first leg's"
