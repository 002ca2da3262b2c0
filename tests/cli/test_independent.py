"""The figures of a comparison, computed again from the exported rows by other means than ours: plain arithmetic on CSV.

Nothing of the analysis is used here: it/s, speed-up and break-even are what the README says they are.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from math import exp, log
from pathlib import Path
from statistics import fmean, median
from typing import Any

import pytest

from tests.support import compared
from tests.support.compared import near
from tui.cli import main

Rows = list[dict[str, str]]
BATCH = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("independent") / "stepscope"
    pace = near(no_compile=40.0, compile=24.0, regional_compile=31.0)
    options = {"batch_sizes": [BATCH], "calls": 4}
    compared.write(made, pace, session="aaaa-sd15-txt2img", legs=["512x512", "768x768"], **options)
    return made


@pytest.fixture
def exported(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Rows], dict[str, Any]]:
    """The rows of runs, calls and steps, and what compare says."""
    monkeypatch.setenv("STEPSCOPE_HOME", str(home))
    tables: dict[str, Rows] = {}
    for rows in ("runs", "calls", "steps"):
        assert main(["export", "last", "--format", "csv", "--rows", rows, "-o", "-"]) == 0
        tables[rows] = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))
    assert main(["compare", "last", "--json"]) == 0
    return tables, json.loads(capsys.readouterr().out)


def _headline(rows: Rows) -> Rows:
    """Of the first leg's measured calls those in which nothing was compiled: all of the first leg's here."""
    kept = [row for row in rows if row["phase"] == "measure" and row["leg"] == "512x512"]
    assert all(row["headline"] == "true" and row["clean"] == "true" for row in kept)
    return kept


def _by_run(rows: Rows) -> dict[str, dict[str, Rows]]:
    found: dict[str, dict[str, Rows]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["case"]][row["run"]].append(row)
    return found


def _loop_seconds(steps: Rows) -> list[float]:
    """Of each call the sum of its steps: they add up to the loop exactly."""
    calls: dict[str, float] = defaultdict(float)
    for step in steps:
        calls[step["call"]] += float(step["ms"]) / 1e3
    return list(calls.values())


def test_iterations_per_second_are_iterations_by_the_time_of_the_steps(
    exported: tuple[dict[str, Rows], dict[str, Any]],
) -> None:
    tables, found = exported
    asked = {row["run"]: int(row["asked_steps"]) for row in tables["runs"]}
    runs = _by_run(_headline(tables["steps"]))
    assert {case["case"] for case in found["cases"]} == runs.keys()
    for case in found["cases"]:
        rates = [median(asked[run] / s for s in _loop_seconds(steps)) for run, steps in runs[case["case"]].items()]
        assert case["iterations_per_second"] == pytest.approx(median(rates), rel=1e-9)


def test_the_speed_up_is_the_ratio_of_geometric_means_of_each_processs_median(
    exported: tuple[dict[str, Rows], dict[str, Any]],
) -> None:
    tables, found = exported
    runs = _by_run(_headline(tables["steps"]))
    middle = {case: exp(fmean(log(median(_loop_seconds(steps))) for steps in of.values())) for case, of in runs.items()}
    plain, *others = found["cases"]
    for case in others:
        assert case["baseline"] == plain["case"]
        assert case["speedup"] == pytest.approx(middle[plain["case"]] / middle[case["case"]], rel=1e-9)


def test_break_even_is_extra_start_up_by_the_seconds_saved_an_image(
    exported: tuple[dict[str, Rows], dict[str, Any]],
) -> None:
    tables, found = exported
    image_s: dict[str, float] = {}
    for case, runs in _by_run(_headline(tables["calls"])).items():
        image_s[case] = median(median(float(row["ms"]) / 1e3 / BATCH for row in rows) for rows in runs.values())
    startup_s = {
        case: median(float(rows[0]["startup_s"]) for rows in runs.values() if rows[0]["cold"] == "true")
        for case, runs in _by_run(tables["runs"]).items()
    }
    plain, *others = found["cases"]
    base = plain["case"]
    for case in others:
        name = case["case"]
        saved = image_s[base] - image_s[name]
        assert case["saved_s"] == pytest.approx(saved, rel=1e-9)
        assert case["break_even_images"] == pytest.approx((startup_s[name] - startup_s[base]) / saved, rel=1e-9)


def test_calls_and_runs_are_made_of_the_steps(exported: tuple[dict[str, Rows], dict[str, Any]]) -> None:
    tables, _ = exported
    steps: dict[tuple[str, str], float] = defaultdict(float)
    for row in tables["steps"]:
        steps[row["run"], row["call"]] += float(row["ms"])
    assert {(row["run"], row["call"]): pytest.approx(float(row["loop_ms"])) for row in tables["calls"]} == steps
    for run in tables["runs"]:
        mine = [row for row in tables["calls"] if row["run"] == run["run"]]
        assert int(run["measured_calls"]) == sum(row["phase"] == "measure" for row in mine)
