"""From states to what is shown: pure, so no app is needed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.columns import Columns
from profiler.analysis.fold import SessionFold
from profiler.analysis.state import GPU_COLUMNS, SessionState
from profiler.analysis.triggers import occurrences
from profiler.request import Leg
from tests.support import recorded
from tests.tui.hostile import HOSTILE
from tests.tui.support import empty_fold, feed, flat, folded
from tui.charts.spec import ChartSpec
from tui.panels.cases import CasesPanel
from tui.pictures import names, words
from tui.pictures.happenings import Happenings
from tui.pictures.live import LivePainter, LivePicture, unreadable
from tui.pictures.names import latest_ns, origin_ns
from tui.pictures.slots import Slots
from tui.pictures.table import case_lines
from tui.pictures.view import StepsView

MS, SECOND = 1_000_000, 1_000_000_000


@pytest.fixture(scope="module")
def done() -> SessionState:
    return folded(recorded.finished(repeats=2))


def picture(state: SessionState, view: StepsView | None = None) -> LivePicture:
    return LivePainter(state).picture(view or StepsView(), state.last_t, copied=False, loading=False)


def texts(state: SessionState) -> list[str]:
    return [found.text for found in Happenings(state).newest_first()]


# --- the step chart ---


def test_every_case_has_a_line_on_the_same_slots(done: SessionState) -> None:
    spec = picture(done).steps
    assert [series.label for series in spec.series] == ["no-compile", "compile", "regional-compile"]
    assert [slot.label for slot in spec.x.slots] == ["compile", "warm-up", *(f"call {n}" for n in range(1, 6))]
    first = {series.label: series.xs[0] for series in spec.series}
    assert 1 < first["no-compile"] < 2, "its first call is the warm-up: the compile slot stays empty"
    assert 0 < first["compile"] < 1


def test_points_of_one_step_lie_over_each_other(done: SessionState) -> None:
    plain, compiled, _ = picture(done).steps.series
    assert plain.xs[-1] == compiled.xs[-1]
    assert set(plain.xs) <= set(compiled.xs)


def test_the_x_axis_is_there_before_the_first_step() -> None:
    fold, _ = empty_fold()
    spec = picture(fold.state).steps
    assert spec.series == ()
    assert spec.x.high == 7.0
    assert spec.empty == "waiting for the first step"


def test_the_compiling_step_is_clipped_and_labelled_unless_asked_for(done: SessionState) -> None:
    spec = picture(done).steps
    assert spec.y.high < 0.1
    assert any(clip.y > 4 for clip in spec.clips)
    full = picture(done, StepsView(full_range=True)).steps
    assert full.y.high > 9
    assert full.clips == ()


def test_recompiles_are_marked_where_they_happened(done: SessionState) -> None:
    marks = [mark for mark in picture(done).steps.marks if mark.symbol == "R"]
    assert {mark.series for mark in marks} == {"sd15-txt2img-regional-compile-b1"}
    assert all(0 <= mark.x < 1 for mark in marks), "in the compiling call"


def test_a_repeat_can_be_chosen(done: SessionState) -> None:
    assert picture(done).steps.note == "repeat 2"
    first = picture(done, StepsView(repeat=1)).steps
    assert first.note == "repeat 1"
    assert first.series[0].ys != picture(done).steps.series[0].ys


def test_the_picture_grows_with_the_run_as_if_made_at_once() -> None:
    recording = recorded.finished()
    fold, _ = empty_fold(recording.request)
    painter = LivePainter(fold.state)
    grown: ChartSpec | None = None
    for number, record in enumerate(recording.records):
        feed(fold, record.run, record.event)
        if number % 97 == 0:
            painter.picture(StepsView(), fold.state.last_t, copied=False, loading=False)
    grown = painter.picture(StepsView(), fold.state.last_t, copied=False, loading=False).steps
    at_once = picture(folded(recording)).steps
    assert [(s.xs, s.ys) for s in grown.series] == [(s.xs, s.ys) for s in at_once.series]
    assert grown.marks == at_once.marks


def test_a_range_that_half_of_the_log_asked_for_does_not_stay_once_all_is_read() -> None:
    fold, runs = empty_fold(recorded.request(steps=40))
    run = runs[0]
    feed(fold, run, ev.CallStarted(t=1, call=0, phase="warmup", steps=40, start_ns=1))
    painter = LivePainter(fold.state)
    highs: list[float] = []
    for step in range(40):
        feed(fold, run, ev.Step(t=2 + step, call=0, step=step, ns=(100 if step < 2 else 20) * MS))
        if step in (1, 39):
            loading = step < 39
            highs.append(painter.picture(StepsView(), 50, copied=False, loading=loading).steps.y.high)
    at_once = LivePainter(fold.state).picture(StepsView(), 50, copied=False, loading=False).steps.y.high
    assert highs[0] > highs[1] == at_once


def test_a_call_with_more_steps_than_planned_stays_in_its_slot() -> None:
    fold, runs = empty_fold(recorded.request(steps=4))
    run = runs[0]
    feed(fold, run, ev.CallStarted(t=1, call=0, phase="warmup", steps=4, start_ns=1))
    painter = LivePainter(fold.state)
    for step in range(9):
        feed(fold, run, ev.Step(t=2 + step, call=0, step=step, ns=10 * MS))
        painter.picture(StepsView(), 20, copied=False, loading=False)
    xs = painter.picture(StepsView(), 20, copied=False, loading=False).steps.series[0].xs
    assert list(xs) == sorted(xs)
    assert 1 < xs[0] < xs[-1] < 2


def test_many_calls_get_ticks_in_place_of_names() -> None:
    slots = Slots(1, 1, 190)
    axis = slots.axis(100)
    assert axis.slots == ()
    assert 2 <= len(axis.ticks) <= 10
    assert (axis.ticks[0].at, axis.ticks[0].label) == (2.0, "call 1")
    assert slots.axis(5000).slots


def test_several_workloads_are_charts_of_their_own() -> None:
    state = folded(recorded.finished(batch_sizes=[1, 2]))
    shown = picture(state)
    assert len(shown.groups) == 2
    assert len(shown.steps.series) == 3
    assert shown.steps.title == "step latency, b2", "the workload that ran last, by what tells it from the others"
    assert [series.label for series in shown.steps.series] == ["no-compile", "compile", "regional-compile"]
    other = picture(state, StepsView(group=shown.groups[0])).steps
    assert other.title == "step latency, b1"


def test_cases_of_several_workloads_differ_where_their_names_are_cut() -> None:
    state = folded(recorded.finished(batch_sizes=[1, 2], engines=["diffusers", "accelerate"]))
    rows = flat(CasesPanel(picture(state).cases).lay_out(60, 9)).splitlines()[1:]
    assert len({row[:18] for row in rows}) == 8


# --- sessions that stopped half-way ---


def killed(*, device: str = "cpu") -> SessionState:
    """The profiler was killed in the second of three runs, 20 s after it had last written into its own log."""
    recording = recorded.finished(device=device)
    second = recording.request.runs[1].name
    end = max(record.event.t for record in recording.records if record.run == second)
    fold = SessionFold(recording.session, recording.request)
    for record in recording.records:
        if record.event.t < end:
            feed(fold, record.run, record.event)
    fold.state.presume_dead("the profiler process ended without a word")
    return fold.state


def test_a_session_dies_with_the_last_record_of_all_its_logs() -> None:
    state = killed()
    last = max(run.last_t for run in state.runs.values())
    assert last - state.last_t > 10 * SECOND
    shown = picture(state)
    assert shown.heading.elapsed == words.at((last - origin_ns(state)) / 1e9)
    died = next(found for found in shown.happenings if found.text.startswith("session died"))
    assert died.t == last


def test_runs_that_were_never_begun_are_not_counted_as_made() -> None:
    shown = picture(killed())
    assert shown.ended == "died, 2 of 3 runs"
    assert shown.progress[0].text == shown.ended
    assert shown.progress[1].text.startswith("1 ok, 1 died, 1 not run")
    assert shown.cases[2].remark == "not run"
    assert picture(folded(recorded.finished())).ended == "done, 3 of 3 runs"


def test_time_is_left_of_a_session_under_way_but_not_of_a_copy() -> None:
    recording = recorded.live()
    state = folded(recording, recording.live_ns + 20 * SECOND)
    for copied in (False, True):
        shown = LivePainter(state).picture(StepsView(), latest_ns(state), copied=copied, loading=False)
        assert [line.left.endswith("left") for line in shown.progress] == [not copied] * 2


def test_a_session_that_cannot_be_read_says_so_and_not_that_it_is_being_read() -> None:
    shown = unreadable("bad-one", "session bad-one: session.json is damaged")
    assert shown.steps.empty == shown.progress[0].text == "session bad-one: session.json is damaged"
    assert "reading" not in shown.memory.empty


# --- memory ---


def test_a_gpu_shows_device_and_torch_memory(done: SessionState) -> None:
    spec = picture(done).memory
    assert [series.label for series in spec.series] == ["device", "reserved", "allocated"]
    assert spec.note == "of 24.0 GiB"


def test_memory_of_torch_alone_is_told_from_the_whole_devices() -> None:
    state = folded(recorded.finished())
    state.gpu = Columns(GPU_COLUMNS)
    rows = flat(CasesPanel(picture(state).cases).lay_out(120, 4))
    assert " GiBt " in rows


def test_a_cpu_shows_rss_and_says_so() -> None:
    spec = picture(folded(recorded.finished(device="cpu"))).memory
    assert spec.title == "memory (RSS, not VRAM)"
    assert [series.label for series in spec.series] == ["resident"]


def test_why_there_is_no_device_memory_is_said() -> None:
    fold, runs = empty_fold()
    feed(fold, None, ev.Header(t=1), ev.DeviceSeen(t=2, reason="the NVIDIA driver is not loaded"))
    feed(fold, runs[0], ev.Memory(t=3, phase="load", reserved_bytes=1 << 30, allocated_bytes=1 << 29))
    shown = picture(fold.state)
    assert shown.memory.note == "device n/a: the NVIDIA driver is not loaded"
    assert "GPU figures n/a: the NVIDIA driver is not loaded" in texts(fold.state)


# --- what happened ---


def test_a_recompile_says_what_changed_first() -> None:
    found = [f for f in Happenings(folded(recorded.finished())).newest_first() if f.symbol == "R"]
    assert [f.text.partition(":")[0] for f in found] == [
        "hidden_states tokens 1024 → 256 (expected)",
        "hidden_states tokens 4096 → 1024 (expected)",
    ]
    assert ": BasicTransformerBlock (unet) again in 900 ms, compiling call step 1 lost 4." in found[0].text
    assert {f.style for f in found} == {"quiet"}, "nothing is wrong"


def test_the_newest_comes_first(done: SessionState) -> None:
    found = Happenings(done).newest_first()
    assert [f.t for f in found] == sorted((f.t for f in found), reverse=True)
    assert found[0].text == "session done"


def test_a_run_that_is_made_anew_started_when_it_did() -> None:
    fold, runs = empty_fold()
    happenings = Happenings(fold.state)
    for t in (1_000_000_000, 9_000_000_000):
        feed(fold, None, ev.Header(t=t), ev.SessionChanged(t=t, state="running"))
        feed(fold, None, ev.RunChanged(t=t, run=runs[0], state="running"))
        assert [found.t for found in happenings.newest_first() if found.text == "run started"] == [t]


def test_nothing_is_collected_again_while_nothing_happens(done: SessionState) -> None:
    happenings = Happenings(done)
    assert happenings.newest_first() is happenings.newest_first()


def test_every_kind_of_trouble_has_its_line() -> None:
    fold, runs = empty_fold()
    where = {"id": "0/0", "call": 0, "step": 1}
    feed(
        fold,
        runs[1],
        ev.Header(t=1),
        ev.Waiting(t=2, behind="abcd-other"),
        ev.PhaseStarted(t=3, phase="compile"),
        ev.CompileStarted(t=4, module="UNet", fqn="unet", **where),
        ev.GraphBreak(t=5, file="/x/unet.py", line=7, reason="call to print", **where),
        ev.CompileEnded(t=6, ok=False, failure="BackendError", why="no compiler", ns=2 * SECOND, **where),
        ev.Recompile(t=7, id="1/8", module="UNet", fqn="unet", reasons=["1/0: the guard"]),
        ev.CompileLimit(t=7, id="1/8", module="UNet", fqn="unet", limit=8),
        ev.CudaGraph(t=8, action="skip", reason="mutated inputs"),
        ev.EagerFallback(t=9, graphs=14, expected=22),
        ev.Note(t=10, level="warning", text="the clocks are low"),
        ev.Output(t=11, call=2, finite=False),
        ev.OutOfMemory(t=12, when="warmup", asked_bytes=2 << 30, free_bytes=1 << 30),
        ev.MonitorError(t=13, error="x"),
        ev.RunEnded(t=14, outcome="oom", reason="CUDA out of memory"),
    )
    state = fold.state
    state.runs[runs[1]].losses.bad = 2
    said = {one.kind: one.sentence for one in occurrences(state)}
    assert len(set(said.values())) == 5
    assert "recompile limit of 8" in said["limit"] and "no compiler" in said["failure"]
    assert texts(state) == [
        "out of memory: CUDA out of memory",
        "this run's log: 2 damaged lines",
        "the compile monitor failed on 1 record",
        "out of memory at warmup (asked 2.00 GiB, free 1.00 GiB)",
        "the output of call 2 is not finite",
        "the clocks are low",
        said["eager"],
        said["cudagraph"],
        said["limit"],
        f"{said['failure']}, after 2.00 s",
        "graph break at unet.py:7: call to print",
    ]
    symbols = [found.symbol for found in Happenings(state).newest_first()][6:]
    assert symbols == ["E", "G", "L", "!", "B"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_a_log_comes_through_unfiltered(text: str) -> None:
    fold, runs = empty_fold()
    where = {"id": "0/0", "call": 0, "step": 1, "stage": text}
    feed(fold, None, ev.Header(t=1, host=text), ev.DeviceSeen(t=2, name=text), ev.Note(t=3, text=text))
    feed(
        fold,
        runs[1],
        ev.Header(t=1),
        ev.Environment(t=2, device=text, device_name=text),
        ev.PhaseStarted(t=3, phase="load"),
        ev.LoadProgress(t=4, name=text, done=1, total=3),
        ev.PhaseStarted(t=5, phase="compile"),
        ev.CompileStarted(t=6, module=text, fqn=text, function=text, **where),
        ev.Recompile(t=6, module=text, fqn=text, reasons=[text], argument=text, actual=text, **where),
        ev.CompilePhase(t=7, phase=text, **where),
        ev.GraphBreak(t=8, file=text, reason=text, **where),
        ev.Note(t=9, text=text, level=text),
    )
    feed(fold, runs[0], ev.RunEnded(t=10, outcome="failed", reason=text))
    feed(fold, None, ev.SessionChanged(t=11, state="failed", reason=text))
    shown = picture(fold.state)
    assert all(part.isprintable() for part in strings_in(shown))


def strings_in(value: object) -> list[str]:
    """Every string in a picture, however deep."""
    if isinstance(value, str):
        return [value]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in strings_in(getattr(value, name))]
    if isinstance(value, tuple | list):
        return [text for item in value for text in strings_in(item)]
    if hasattr(value, "items"):
        return [text for item in value.items() for text in strings_in(item)]
    return []


# --- progress, runs, heading ---


def test_a_waiting_run_says_behind_which_session() -> None:
    fold, runs = empty_fold()
    feed(fold, None, ev.Header(t=1), ev.RunChanged(t=2, run=runs[0], state="running"))
    feed(fold, runs[0], ev.Header(t=2), ev.Waiting(t=3, behind="abcd-sd15"))
    _, line = picture(fold.state).progress
    assert line.text == "waiting for the device, behind session abcd-sd15"
    assert line.fraction is None


def test_a_session_whose_profiler_died_says_so_and_why() -> None:
    recording = recorded.live()
    state = folded(recording, recording.live_ns)
    state.presume_dead("the profiler process ended without a word")
    shown = picture(state)
    assert shown.heading.state == "died"
    assert shown.over
    assert shown.progress[1].text == "2 ok, 1 died: the profiler process ended without a word"


def test_unsupported_is_told_calmly() -> None:
    fold, runs = empty_fold()
    feed(fold, runs[2], ev.Header(t=1), ev.RunEnded(t=2, outcome="unsupported", reason="no C++ compiler"))
    shown = picture(fold.state)
    line = shown.runs[2]
    assert (line.state, line.state_style) == ("unsupported: no C++ compiler", "quiet")


def test_the_table_says_why_there_are_no_figures() -> None:
    fold, runs = empty_fold()
    feed(fold, None, ev.Header(t=1), ev.RunChanged(t=2, run=runs[1], state="running"))
    feed(fold, runs[1], ev.Header(t=3), ev.RunEnded(t=4, outcome="failed", reason="recompile limit"))
    line = picture(fold.state).cases[1]
    assert (line.remark, line.state, line.cells["runs"][0]) == ("failed: recompile limit", "failed", "1/1")


def test_figures_of_the_table_are_the_profilers() -> None:
    plain, compiled, _ = picture(folded(recorded.finished(repeats=3))).cases
    assert plain.cells["speed-up"][0] == "base"
    assert plain.cells["recomp"][0] == "–"
    assert compiled.cells["speed-up"][0].startswith("1.6")
    assert compiled.cells["verdict"][0] == "FASTER"


@pytest.mark.parametrize(
    ("speedup", "interval", "text"),
    [
        (1.61, (1.60, 1.62), "1.61x ±0.01"),
        (1.24, (0.0264, 57.94), "1.24x 0.03–57.94"),
        (1.17, (0.67, 2.03), "1.17x 0.67–2.03"),
    ],
)
def test_plus_and_minus_stand_for_an_interval_that_reaches_as_far_both_ways(
    speedup: float, interval: tuple[float, float], text: str
) -> None:
    state = folded(recorded.finished(repeats=2))
    figures = [replace(one, speedup=speedup, interval=interval) for one in case_figures(state)]
    assert case_lines(state, figures)[1].cells["speed-up"][0] == text


def test_a_case_of_too_few_runs_says_so_in_place_of_a_verdict() -> None:
    plain, compiled, _ = picture(folded(recorded.finished(repeats=2))).cases
    assert compiled.cells["verdict"] == ("too few", "quiet")
    assert plain.cells["verdict"] == (words.NOTHING, "quiet")


def test_lines_that_could_not_be_read_are_a_small_warning() -> None:
    fold, runs = empty_fold()
    fold.state.runs[runs[0]].losses.bad = 1
    fold.state.losses.unknown = 2
    assert picture(fold.state).heading.warning == "log: 1 damaged, 2 unknown"


def test_the_elapsed_time_stands_still_when_all_is_over(done: SessionState) -> None:
    later = LivePainter(done).picture(StepsView(), done.last_t + 3600 * SECOND, copied=False, loading=False)
    assert later.heading.elapsed == picture(done).heading.elapsed


def test_a_case_is_told_by_whatever_differs_from_any_other_of_its_pipeline() -> None:
    changes: list[dict[str, Any]] = [
        *({}, {"steps": 7}, {"batch_size": 2}, {"legs": (Leg(name="a"),)}, {"legs": (Leg(name="b"),)}),
        *({"pipeline": "other"}, {"pipeline": "other", "dtype": "float32"}, {"call": {"x": 1}}),
    ]
    plain = recorded.finished().request
    case = plain.cases[0]
    cases = [
        replace(case, name=f"c{number}", workload=replace(case.workload, **change))
        for number, change in enumerate(changes)
    ]
    for some in (cases, cases[:2], cases[:4], cases[3:5], [cases[0], cases[3], cases[1]], cases[5:7], cases[:1]):
        request = replace(plain, cases=some, runs=[])
        for one in some:
            told = names.case_label(one, request)
            like = [other.workload for other in some if other.workload.pipeline == one.workload.pipeline]
            for field, word in (("steps", "steps"), ("batch_size", "b"), ("dtype", one.workload.dtype)):
                differs = any(getattr(other, field) != getattr(one.workload, field) for other in like)
                assert (re.search(rf"\b{word}", told.removesuffix("no-compile")) is not None) is differs, (told, field)
            assert told.startswith(one.workload.pipeline) is (len({o.workload.pipeline for o in some}) > 1)
