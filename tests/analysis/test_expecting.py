"""What a request will take by earlier sessions: taken apart and scaled as said, and told where nothing is known."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from profiler.analysis.expecting import Past, expect, pasts_of
from profiler.analysis.memory import MemoryFigures
from profiler.analysis.state import SessionState
from profiler.request import Request
from tests.support import recorded

GIB = 1 << 30


@pytest.fixture(scope="module")
def state() -> SessionState:
    return recorded.finished().folded()


@pytest.fixture(scope="module")
def pasts(state: SessionState) -> list[Past]:
    return pasts_of(state, made_ns=1, here=True)


def taken(state: SessionState) -> float:
    """Seconds that the session's runs took."""
    return sum((run.ended_ns - run.started_ns) / 1e9 for run in state.runs.values())  # type: ignore[operator]


def test_the_same_again_takes_as_long_as_it_took(state: SessionState, pasts: list[Past]) -> None:
    found = expect(state.request, pasts)
    assert found.seconds == pytest.approx(taken(state), rel=0.02)
    assert not found.unknown
    assert [(case.differs, case.sure) for case in found.cases] == [([], "measured")] * 3
    assert {case.past.session for case in found.cases} == {"done-sd15-txt2img"}
    assert found.cases[0].past.device_name == "NVIDIA Recorded 24 GB"


def test_more_calls_and_steps_take_longer_and_compiling_does_not(pasts: list[Past]) -> None:
    usual, more = (expect(recorded.request(**asked), pasts) for asked in ({}, {"steps": 40, "calls": 10}))
    for before, after in zip(usual.cases, more.cases, strict=True):
        past = before.past
        assert past.denoise_s is not None
        assert past.denoise_s == pytest.approx(past.call_s, rel=0.2)
        # 5 measured calls and the warm-up become 10 and one; the compiling call makes twice the steps too
        calls = 7 if past.compilation.variant != "no-compile" else 6
        call_s = past.call_s + past.denoise_s
        assert after.first_s - before.first_s == pytest.approx((calls + 5) * call_s - calls * past.call_s, rel=0.02)
        assert (after.differs, after.sure) == (["steps 20 and 40"], "scaled")


def test_repeats_count_each_and_until_sure_has_a_most(pasts: list[Past]) -> None:
    once, thrice = (expect(recorded.request(repeats=number), pasts) for number in (1, 3))
    assert once.seconds is not None
    assert thrice.seconds == pytest.approx(3 * once.seconds)
    sure = expect(recorded.request(repeats=None, until_sure=True), pasts)
    assert (sure.seconds, sure.most_s) == (pytest.approx(3 * once.seconds), pytest.approx(12 * once.seconds))


def test_further_runs_find_their_code_compiled_where_that_was_seen(pasts: list[Past]) -> None:
    warm = [replace(past, cold=False, first_s=past.first_s / 4) for past in pasts]
    found = expect(recorded.request(repeats=2), [*pasts, *warm])
    for case, past in zip(found.cases, pasts, strict=True):
        assert case.first_s - case.later_s == pytest.approx(past.first_s * 3 / 4)
    kept = expect(recorded.request(repeats=2, cache="warm"), [*pasts, *warm])
    assert all(case.first_s == case.later_s for case in kept.cases)


def test_other_pixels_scale_the_calls_and_make_memory_a_bound(pasts: list[Past]) -> None:
    usual = expect(recorded.request(), pasts).cases[0]
    assert (usual.bound, usual.memory_is) == ("", "GPU memory")
    larger = expect(recorded.request(batch_sizes=[4]), pasts).cases[0]
    assert larger.first_s - usual.first_s == pytest.approx(3 * (6 * usual.past.call_s), rel=0.02)
    assert (larger.bound, larger.memory_bytes) == ("at least", usual.memory_bytes)
    assert larger.differs == ["batch size 1 and 4"]
    smaller = expect(recorded.request(height=64), pasts).cases[0]
    assert (smaller.bound, smaller.differs) == ("at most", ["height 128 and 64 px"])


def test_memory_is_what_torch_reserved_and_what_lies_beside_it(pasts: list[Past]) -> None:
    def memory(device: str, **peaks: int) -> int | None:
        known = [replace(past, device=device, memory=MemoryFigures(**peaks)) for past in pasts]
        return expect(recorded.request(device=device), known).cases[0].memory_bytes

    assert memory("cuda:0", reserved_peak_bytes=3 * GIB, outside_torch_bytes=GIB, device_peak_bytes=9 * GIB) == 4 * GIB
    assert memory("cuda:0", device_peak_bytes=9 * GIB) == 9 * GIB
    assert memory("cpu", rss_peak_bytes=2 * GIB, device_peak_bytes=9 * GIB) == 2 * GIB
    assert memory("cuda:0") is None


@pytest.mark.parametrize(
    "asked",
    [
        recorded.request(device="cpu"),
        recorded.request(size="full", steps=20),
        recorded.request(pipeline="sd15-inpaint"),
        recorded.request(variants=["compile"], backend="eager"),
        recorded.request(variants=["regional-compile"], engines=["accelerate"]),
    ],
    ids=["device", "size", "pipeline", "backend", "engine"],
)
def test_nothing_is_told_by_what_is_too_far(pasts: list[Past], asked: Request) -> None:
    found = expect(asked, pasts)
    assert (found.cases, found.seconds) == ([], None)
    assert found.unknown == [case.name for case in asked.cases]


def test_what_is_known_of_some_cases_is_told_of_these(pasts: list[Past]) -> None:
    found = expect(recorded.request(), pasts[:1])
    assert found.seconds == pytest.approx(found.cases[0].first_s)
    assert len(found.unknown) == 2


def test_nobody_knows_how_many_batches_a_search_tries(pasts: list[Past]) -> None:
    found = expect(recorded.request(find_max_batch=True, repeats=1), pasts)
    assert found.cases
    assert found.seconds is None


def test_the_nearest_run_tells(pasts: list[Past]) -> None:
    plain = pasts[0]
    elsewhere = replace(plain, session="elsewhere", here=False, made_ns=9)
    other_type = replace(plain, session="float32", workload=replace(plain.workload, dtype="float32"), made_ns=8)
    older = replace(plain, session="older", made_ns=0)

    def told(*known: Past) -> tuple[str, list[str], str]:
        case = expect(recorded.request(variants=["no-compile"]), known).cases[0]
        return case.past.session, case.differs, case.sure

    assert told(elsewhere, other_type, older, plain) == ("done-sd15-txt2img", [], "measured")
    assert told(elsewhere, other_type) == ("float32", ["data type float32 and float16"], "rough")
    assert told(elsewhere) == ("elsewhere", [], "measured")


def test_how_compiling_is_set_up_tells_on_how_sure_it_is(pasts: list[Past]) -> None:
    case = expect(recorded.request(variants=["compile"], mode="max-autotune"), pasts).cases[0]
    assert (case.differs, case.sure) == (["mode reduce-overhead and max-autotune"], "rough")


def test_runs_without_a_measured_call_tell_nothing() -> None:
    recording = recorded.finished()
    cut = recording.folded(until_ns=recording.records[len(recording.records) // 8].event.t)
    assert pasts_of(cut, made_ns=1, here=True) == []


@pytest.mark.parametrize(
    "wrong",
    [{"height": -64}, {"batch_size": 0}, {"width": 10**400}, {"steps": -3}],
    ids=["height", "batch", "width", "steps"],
)
def test_sizes_that_no_request_can_have_tell_nothing(state: SessionState, wrong: dict[str, int]) -> None:
    # session.json may come from anybody
    run = next(iter(state.runs.values()))
    case = replace(run.case, workload=replace(run.case.workload, **wrong))
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(run, "case", case)
        pasts = pasts_of(state, made_ns=1, here=True)
    assert [past.workload for past in pasts if past.workload == case.workload] == []
    assert len(pasts) == len(state.runs) - 1


def test_recompiles_of_a_scenario_count_where_it_was_measured() -> None:
    state = recorded.finished(legs=("a", "b")).folded()
    pasts = pasts_of(state, made_ns=1, here=True)
    assert expect(state.request, pasts).seconds == pytest.approx(taken(state), rel=0.02)
