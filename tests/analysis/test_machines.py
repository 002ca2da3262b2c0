"""What two groups of runs were not made with alike: each difference has a line, across sessions also lesser ones."""

from __future__ import annotations

import pytest

from profiler import events as ev
from profiler.analysis.comparing import compare
from profiler.analysis.lots import lots_of
from profiler.analysis.machines import apart, differences
from profiler.analysis.state import SessionState
from tests.analysis.events import call, fold, frame, request

VERSIONS = {"torch": "2.13.0", "diffusers": "0.42.1", "cuda": "13.0", "triton": "3.7.0", "python": "3.11.7"}


def session(host: str = "alpha", driver: str | None = "580.95", cpu: str = "Xeon", **changes: object) -> SessionState:
    given = request(variants=["no-compile"], repeats=1)
    about = {"device": "cuda:0", "device_name": "NVIDIA H200", "versions": VERSIONS, "threads": 8, "cpu": cpu} | changes
    header, *rest = frame()
    log = [ev.Header(t=1, host=host), ev.Environment(**about), *rest, *call(0, "measure", 100, [5.0])]  # type: ignore[arg-type]
    return fold(given, {given.runs[0].name: log}, [header, ev.DeviceSeen(t=2, driver=driver)]).state


def told(ours: SessionState, theirs: SessionState) -> list[str]:
    return apart(ours, ours.runs.values(), theirs, theirs.runs.values())


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        ({}, []),
        ({"driver": "590.1"}, ["runs were made with driver 580.95 and 590.1"]),
        ({"driver": None}, []),  # not known is not another one
        ({"host": "beta"}, ["runs were made on the host alpha and beta"]),
        ({"cpu": "EPYC"}, ["runs were made behind the processor Xeon and EPYC"]),
        ({"versions": VERSIONS | {"triton": "3.8.0"}}, ["runs were made with triton 3.7.0 and 3.8.0"]),
        ({"versions": VERSIONS | {"numpy": "9"}}, []),
        (
            {"device_name": "NVIDIA A100", "versions": VERSIONS | {"torch": "2.14.0", "cuda": "13.1"}, "host": "beta"},
            [
                "runs were made with NVIDIA H200 and NVIDIA A100",
                "runs were made with torch 2.13.0 and torch 2.14.0",
                "runs were made with cuda 13.0 and cuda 13.1",
                "runs were made on the host alpha and beta",
            ],
        ),
    ],
)
def test_all_differences_of_two_sessions_are_told(other: dict[str, object], lines: list[str]) -> None:
    assert told(session(), session(**other)) == lines  # type: ignore[arg-type]


def test_within_one_session_only_what_forbids_a_comparison_counts() -> None:
    one, other = session(), session(driver="590.1", host="beta")
    assert differences([*one.runs.values(), *other.runs.values()]) == []


def test_a_comparison_of_two_sessions_warns_of_each_and_goes_on() -> None:
    (ours,), (theirs,) = lots_of(session()), lots_of(session(driver="590.1", host="beta"))
    found = compare(ours, theirs)
    assert found.speedup == 1.0
    assert "runs were made with driver 580.95 and 590.1" in found.warnings
    assert "runs were made on the host alpha and beta" in found.warnings
