"""What disturbed measured calls is flagged, in which of them and how much; what is normal is a remark."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from profiler import events as ev
from profiler.analysis.cases import case_figures
from profiler.analysis.disturbances import CALL_FLAGS
from profiler.analysis.figures import RunFigures, run_figures
from tests.analysis import gpu
from tests.analysis.events import MS, call, fold, frame, request


def figures(calls: int = 3, change: gpu.Change | None = None, **options: Any) -> RunFigures:
    return run_figures(*gpu.session(calls, change, **options))


def words(found: RunFigures) -> list[list[str]]:
    return [one.flags for one in found.calls]


def test_a_healthy_device_gives_neither_flags_nor_remarks() -> None:
    found = figures()
    assert (found.flags, found.remarks, words(found)) == ([], [], [[], [], []])
    assert found.sm_mhz == 1980


@pytest.mark.parametrize(
    ("bit", "name"),
    [
        (0x08, "hardware slowdown"),
        (0x20, "software thermal slowdown"),
        (0x40, "hardware thermal slowdown"),
        (0x80, "power brake"),
    ],
)
def test_a_slowdown_is_flagged_with_the_calls_and_samples_that_had_it(bit: int, name: str) -> None:
    found = figures(3, lambda number, t: {"reasons": bit | 0x4} if number == 1 and t < 5.25 else {})
    assert found.flags == [f"the GPU slowed down in 1 of 3 measured calls: {name} (3 of 11 samples)"]
    assert words(found) == [[], ["slowdown"], []]
    assert all(one.clean for one in found.calls), "it is flagged, and in the headline all the same"


@pytest.mark.parametrize("bit", [0x08, 0x40, 0x80])
def test_a_single_sample_of_a_hardware_slowdown_may_be_a_change_of_power_state(bit: int) -> None:
    found = figures(3, lambda _, t: {"reasons": bit if t == 5.5 else 0})
    assert not found.flags
    assert "in a single sample: a change of power state looks the same" in found.remarks[0]


def test_a_slowdown_outside_the_measured_calls_says_nothing_of_them() -> None:
    found = figures(3, lambda number, _: {"reasons": 0xE8, "others": 5} if number < 0 else {})
    assert (found.flags, words(found)) == ([], [[], [], []])


def test_a_power_cap_is_noted_and_not_flagged() -> None:
    found = figures(3, lambda *_: {"reasons": 0x4})
    assert not found.flags
    assert found.remarks == ["clocks were held down by power cap (33 of 33 samples), as is normal under load"]


def test_reasons_that_are_new_are_told_as_hexadecimal() -> None:
    found = figures(3, lambda *_: {"reasons": 0x1800 | 0x1})
    assert found.remarks == ["NVML gives reasons for the clock that have no name here: 0x800, 0x1000"]


def test_what_a_device_cannot_report_is_no_proof_that_it_did_not_happen() -> None:
    device = ev.DeviceSeen(t=3, uuid="GPU-0", max_sm_mhz=2000, supported_reasons=0x7FF & ~0x48)
    assert figures(3, device=device).remarks == [
        "this GPU can't report hardware slowdown, hardware thermal slowdown: that none was seen says nothing"
    ]


def test_a_low_clock_is_flagged_against_the_devices_highest() -> None:
    found = figures(4, lambda number, _: {"sm_mhz": 1499 if number in (1, 2) else 1501})
    assert found.flags == ["the SM clock was low in 2 of 4 measured calls: down to 1499 of 2000 MHz (75%)"]
    assert words(found) == [[], ["low clock"], ["low clock"], []]
    unknown = ev.DeviceSeen(t=3, uuid="GPU-0")
    assert not figures(4, lambda *_: {"sm_mhz": 300}, device=unknown).flags


def test_the_highest_clock_is_of_the_device_that_the_run_used() -> None:
    """The session went on with another one."""
    log = gpu.log(3)
    log[1] = ev.Environment(t=2, device="cuda:0", uuid="GPU-7", cores=4, threads=4)
    assert not figures(3, lambda *_: {"sm_mhz": 300}, worker=log).flags


def test_the_clock_between_two_kernels_is_not_the_works() -> None:
    found = figures(3, lambda _, t: {"sm_mhz": 345, "reasons": 0x1} if round(t * 10) % 2 else {})
    assert (found.sm_mhz, found.flags) == (1980, [])
    assert figures(3, lambda *_: {"sm_mhz": 345, "utilization": 0}).sm_mhz is None


def test_clock_drift_is_from_the_first_call_to_the_last() -> None:
    found = figures(5, lambda number, _: {"sm_mhz": 1980 - 40 * max(number, 0)})
    assert found.flags == ["the SM clock drifted by -8.1% from the first measured call to the last: 1980 to 1820 MHz"]
    assert not figures(5, lambda number, _: {"sm_mhz": 1980 - 20 * max(number, 0)}).flags


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda number, _: {"others": int(number >= 1)}, "another process on the GPU came, went or computed in 2"),
        (lambda number, t: {"others": 2 if t < 5.5 else 1}, "up to 2 other processes on the GPU came, went or"),
        (
            lambda number, _: {"others": 1, "others_busy": int(number == 2)},
            "computed in 1 of 3 measured calls; computed",
        ),
        (lambda *_: {"others": 1, "others_busy": 0}, None),
        (lambda *_: {"others": 1}, None),
        (lambda *_: {"others": None}, None),
    ],
)
def test_foreign_is_who_came_went_or_computed(change: gpu.Change, said: str | None) -> None:
    found = figures(3, change)
    assert len(found.flags) == (said is not None)
    assert said is None or said in found.flags[0]


def test_a_process_that_was_there_throughout_is_a_remark_with_what_is_known_of_it() -> None:
    assert figures(3, lambda *_: {"others": 1, "others_busy": 0}).remarks == [
        "another process has the GPU open, and did not compute"
    ]
    assert figures(3, lambda *_: {"others": 2}).remarks == [
        "up to 2 other processes have the GPU open: whether they computed is unknown"
    ]


def test_where_process_ids_cannot_be_matched_nobody_is_foreign_and_it_is_said() -> None:
    reason = ev.GpuField(t=4, field="others", reason="process ids can't be matched in a container")
    found = figures(3, lambda *_: {"others": None}, more=(reason,))
    assert not found.flags
    assert found.remarks == [
        "whether other processes used the GPU is unknown: process ids can't be matched in a container"
    ]


def test_silence_of_nvml_in_a_call_is_a_gap() -> None:
    def silent(t: float) -> bool:
        return 5.2 < t < 6.5

    long_call = [*gpu.log(1), *call(1, "measure", 5000, [1000.0, 1000.0])]
    found = figures(3, worker=long_call, without=silent)
    expected = (
        "no NVML samples for up to 1.3 s in 1 of 2 measured calls:"
        " a slowdown or another process would not have been seen"
    )
    assert found.flags == [expected]
    assert words(found) == [[], ["gap"]]
    assert not figures(3, worker=long_call, without=silent, minor=2).flags, "equal samples were not repeated then"


def test_no_nvml_at_all_is_said_once() -> None:
    device = ev.DeviceSeen(t=3, reason="NVML: Driver Not Loaded")
    found = figures(3, device=device, without=lambda _: True)
    assert not found.flags
    assert found.remarks == [
        "no GPU samples (NVML: Driver Not Loaded): clocks, slowdowns, other processes and energy are unknown"
    ]
    on_cpu = figures(3, worker=gpu.log(3, device="cpu"), device=device, without=lambda _: True)
    assert (on_cpu.flags, on_cpu.remarks) == ([], [])


def test_fields_that_cannot_be_read_are_named() -> None:
    gone = ev.GpuField(t=4, field="energy_mj", reason="Not Supported")
    assert figures(3, lambda *_: {"energy_mj": None}, more=(gone,)).remarks == [
        "NVML does not give energy_mj (Not Supported)"
    ]


def test_a_thread_that_waits_for_a_core_is_flagged() -> None:
    host = {
        0: {"waited_ns": 19 * MS},
        1: {"waited_ns": 21 * MS},
        2: {"waited_ns": 500 * MS, "foreign_cpu_ns": 1500 * MS},
    }
    found = figures(3, worker=gpu.log(3, host=host))
    expected = (
        "the host was busy in 2 of 3 measured calls: their thread waited for a core up to 50.0% of the time,"
        " other processes used up to 1.5 of 4 cores"
    )
    assert found.flags == [expected]
    assert words(found) == [[], ["host"], ["host"]]
    assert [one.waited_share for one in found.calls] == [0.019, 0.021, 0.5]


@pytest.mark.parametrize(
    ("device", "foreign_ms", "flagged"),
    [
        ("cpu", 390, False),  # a tenth of the four cores, which all compute
        ("cpu", 410, True),
        ("cuda:0", 3390, False),  # one core launches, three are free
        ("cuda:0", 3410, True),
        ("cpu", 0, False),
    ],
)
def test_others_may_have_the_cores_that_the_run_leaves_free(device: str, foreign_ms: int, flagged: bool) -> None:
    host = {number: {"waited_ns": 0, "foreign_cpu_ns": foreign_ms * MS} for number in range(3)}
    found = figures(3, worker=gpu.log(3, device=device, host=host))
    assert words(found) == [["host"] if flagged else []] * 3


def test_the_ticks_in_which_the_kernel_counts_are_no_load() -> None:
    log = [*gpu.log(0, device="cpu"), *call(0, "measure", 3000, [10.0])]
    log[-1].foreign_cpu_ns = 70 * MS  # type: ignore[attr-defined]  # of 4 cores, each wrong by a tick at both ends
    assert not figures(1, worker=log).flags


def test_a_full_garbage_collection_is_flagged() -> None:
    found = figures(3, worker=gpu.log(3, host={1: {"collections": 1}, 2: {"collections": 0}}))
    assert found.flags == ["Python's garbage collector went over all objects in 1 of 3 measured calls"]
    assert words(found) == [[], ["gc"], []]


def test_a_call_has_all_its_marks_in_the_order_of_the_table() -> None:
    log = gpu.log(3, host={1: {"retries": 2, "waited_ns": 900 * MS}})
    log.append(ev.CompileStarted(t=5 * gpu.SECOND, id="0/0", call=1, step=0))
    found = figures(3, lambda number, _: {"reasons": 0x48, "sm_mhz": 800} if number == 1 else {}, worker=log)
    assert words(found) == [[], ["compile", "retry", "slowdown", "low clock", "host"], []]
    assert all(word in CALL_FLAGS for word in words(found)[1])
    assert not found.calls[1].clean


def test_a_lossy_log_of_the_conductor_is_flagged() -> None:
    state, run = gpu.session()
    assert not run_figures(state, run).flags
    state.losses.lost = 3
    assert run_figures(state, run).flags == [
        "the profiler's own log: 3 records lost, 0 damaged: GPU samples may be missing"
    ]


@pytest.mark.parametrize(
    ("log", "flags"),
    [
        (frame()[:-1], ["log: it ends before the run did"]),
        ([], ["log: it is missing"]),
        ([*frame(), ev.RunEnded(t=MS, outcome="ok")], []),
    ],
)
def test_a_log_that_lacks_its_end_is_flagged(log: list[ev.Event], flags: list[str]) -> None:
    given = request(variants=["no-compile"])
    name = given.runs[0].name
    ended = ev.RunChanged(t=2 * MS, run=name, state="ended", outcome="ok")
    for conductor, said in (([ended], flags), ([], [])):
        state = fold(given, {name: log}, [*conductor]).state
        assert run_figures(state, state.runs[name]).flags == said


def test_a_case_says_once_what_disturbed_its_runs_and_that_their_clocks_differ() -> None:
    given = request(variants=["no-compile"], repeats=2)
    logs = {}
    conductor: list[ev.Event] = [ev.Header(t=1, writer="conductor"), ev.DeviceSeen(t=2, uuid="GPU-0")]
    for number, run in enumerate(given.runs):
        start = 10_000 * number
        calls = [event for index in range(3) for event in call(index, "measure", start + 2000 * index, [1000.0])]
        begin = ev.PhaseStarted(t=start * MS, phase="measure", calls=3)
        logs[run.name] = [ev.Header(t=1), ev.Environment(t=2, device="cuda:0", cores=4), begin, *calls]
        conductor += [
            gpu.sample(start / 1000 + tenth / 10, sm_mhz=1980 - 180 * number, reasons=0x20) for tenth in range(60)
        ]
    state = fold(given, logs, conductor).state
    (case,) = case_figures(state)
    assert case.flags == [
        "the GPU slowed down in 6 of 6 measured calls: software thermal slowdown (66 of 66 samples)",
        "the SM clock differs by 10.0% between the runs: 1800 to 1980 MHz",
    ]
    assert case.sm_mhz == 1890


@pytest.mark.parametrize("seed", range(40))
def test_no_content_of_a_log_is_too_odd(seed: int) -> None:
    source = random.Random(seed)

    def odd() -> int | None:
        return source.choice([None, 0, 1, -1, -7, 5 * gpu.SECOND, 2**63 - 1, -(2**63), source.randrange(10**9)])

    sampled = ("used_bytes", "process_bytes", "utilization", "energy_mj", "sm_mhz", "reasons", "others", "others_busy")
    worker = gpu.log(3)
    for place, event in enumerate(worker):
        if isinstance(event, ev.CallEnded):
            names = ("ns", "images", "retries", "waited_ns", "foreign_cpu_ns", "collections")
            given = {name: odd() for name in names if source.random() < 0.5}
            worker[place] = replace(event, **{"ns": event.ns, "images": 1} | {n: v for n, v in given.items() if v})
        elif isinstance(event, ev.Step):
            worker[place] = replace(event, ns=odd() or 0, host_ns=odd() or 0, enqueue_ns=odd() or 0)
        elif isinstance(event, ev.Environment):
            worker[place] = replace(event, cores=odd() or 0, threads=odd() or 0)
    device = ev.DeviceSeen(t=3, max_sm_mhz=odd(), supported_reasons=odd())
    state, run = gpu.session(
        3,
        lambda *_: {name: odd() for name in sampled} | ({"t": odd() or 0} if source.random() < 0.1 else {}),
        worker=worker,
        device=device,
    )
    found = run_figures(state, run)
    assert all(isinstance(line, str) for line in found.flags + found.remarks)
    assert len(case_figures(state)) == 1
