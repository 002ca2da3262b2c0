"""What ``show`` says is what anybody computes from the exported CSV: done here without any of our functions."""

from __future__ import annotations

import csv
import io
import json
from itertools import groupby
from math import exp, log
from pathlib import Path
from statistics import fmean, median, quantiles

import pytest

from tests.support import recorded
from tui.cli import main

Rows = list[dict[str, str]]
CALL = ("case", "run", "call")


def test_speedup_rates_and_break_even_agree_with_the_exported_rows(
    own_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = recorded.finished(repeats=3).write(own_home).id
    steps, calls, runs = (_rows(session, rows, capsys) for rows in ("steps", "calls", "runs"))
    assert main(["show", session, "--json"]) == 0
    shown = {case["case"]: case for case in json.loads(capsys.readouterr().out)["cases"]}
    plain = next(name for name in shown if "no-compile" in name)
    # A call's loop is the sum of its steps, in seconds; of a run the median call's.
    loops = {key: sum(float(row["ms"]) for row in rows) / 1e3 for key, rows in _grouped(steps, *CALL)}
    images = {
        key: float(row["ms"]) / 1e3 / int(row["images"]) for key, (row,) in _grouped(calls, *CALL) if _counts(row)
    }
    iterations = {key: int(row["iterations"]) for key, (row,) in _grouped(calls, *CALL)}
    for name, case in shown.items():
        ours, theirs = ([_of_runs(found, one, images) for found in (loops, images)] for one in (name, plain))
        rates = [median(each) for each in _by_run({key: iterations[key] / loops[key] for key in images}, name)]
        assert case["iterations_per_second"] == pytest.approx(median(rates))
        assert case["images_per_second"] == pytest.approx(1 / median(ours[1]))
        measured = sorted(float(row["ms"]) for row in steps if row["case"] == name and row["headline"] == "true")
        cuts = quantiles(measured, n=100, method="inclusive")
        told = case["steps"]
        assert [told["median_ms"], told["p95_ms"], told["p99_ms"]] == pytest.approx([cuts[49], cuts[94], cuts[98]])
        assert told["iqr_ms"] == pytest.approx(cuts[74] - cuts[24])
        if name == plain:
            assert case["speedup"] is None
            continue
        assert case["speedup"] == pytest.approx(exp(fmean(map(log, theirs[0])) - fmean(map(log, ours[0]))))
        extra = _cold_start(runs, name) - _cold_start(runs, plain)
        assert extra > 0
        assert case["break_even_images"] == pytest.approx(extra / (median(theirs[1]) - median(ours[1])))


def _rows(session: str, what: str, capsys: pytest.CaptureFixture[str]) -> Rows:
    assert main(["export", session, "--format", "csv", "--rows", what, "-o", "-"]) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out)))


def _grouped(rows: Rows, *names: str) -> list[tuple[tuple[str, ...], Rows]]:
    def key(row: dict[str, str]) -> tuple[str, ...]:
        return tuple(row[name] for name in names)

    return [(found, list(group)) for found, group in groupby(sorted(rows, key=key), key)]


def _counts(call: dict[str, str]) -> bool:
    return call["phase"] == "measure" and call["clean"] == "true"


def _by_run(found: dict[tuple[str, ...], float], case: str) -> list[list[float]]:
    own = sorted(key for key in found if key[0] == case)
    return [[found[key] for key in group] for _, group in groupby(own, lambda key: key[1])]


def _of_runs(found: dict[tuple[str, ...], float], case: str, counting: dict[tuple[str, ...], float]) -> list[float]:
    """The median of each run of ``case``, over the calls that count."""
    return [median(each) for each in _by_run({key: found[key] for key in counting}, case)]


def _cold_start(runs: Rows, case: str) -> float:
    """From the end of loading to the first image, of the run that started cold: the first repeat."""
    (row,) = (row for row in runs if row["case"] == case and row["repeat"] == "1")
    return float(row["first_image_s"]) - float(row["load_s"])
