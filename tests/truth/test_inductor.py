"""With inductor the outcomes of the caches agree too, cold and warm: a real command's run, and a scenario."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profiler import sessions
from profiler.events import Header
from profiler.follow import Follower
from tests.truth import tlparse
from tests.truth.account import LIMIT, Account, differences, ours
from tests.truth.checks import check
from tests.truth.traced import LOG_NAME, read_events, run
from tests.worker.test_scenarios import make_subject

pytestmark = [
    pytest.mark.inductor,
    pytest.mark.skipif(shutil.which("g++") is None and shutil.which("clang++") is None, reason="no C++ compiler"),
]
ENTRY = Path(__file__).resolve().parents[2] / "stepscope.py"
SIDE = {"height": 64, "width": 64}


def outcomes(account: Account) -> set[tuple[str, str]]:
    return {(lookup.layer, lookup.state) for lookup in account.lookups}


def test_a_scenario_cold_and_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    made = [
        check(
            run(
                tmp_path / name,
                "sd15-txt2img",
                "cfg-toggle",
                variant="regional-compile",
                backend="inductor",
                subject=make_subject,
                **SIDE,
            )
        )
        for name in ("cold", "warm")
    ]
    assert [(len(one.ended), len(one.again)) for one in made] == [(2, 1)] * 2
    assert [outcomes(one) for one in made] == [{("fx", "miss"), ("aot", "miss")}, {("fx", "hit"), ("aot", "hit")}]


def stepscope(*arguments: str, **environ: str) -> str:
    command = [sys.executable, str(ENTRY), *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def process(log: Path) -> int:
    """The process that wrote a trace: in the prefix of each record."""
    with log.open() as file:
        return int(file.readline().split()[2])


@pytest.mark.soak
def test_the_command_under_torch_trace(own_home: Path, tmp_path: Path) -> None:
    """``stepscope run`` hands TORCH_TRACE on to its workers, which is how a user gets both of one run."""
    options = "--size tiny --device cpu --variant regional-compile --backend inductor --headless"
    small = "--height 64 --width 64 --steps 2 --warmup 0 --calls 1 --repeats 2"
    stepscope("run", "sd15-txt2img", *options.split(), *small.split(), TORCH_TRACE=str(tmp_path), OMP_NUM_THREADS="1")
    traces = {process(log): log for log in tmp_path.glob(LOG_NAME)}
    (folder,) = sessions.all_sessions(own_home)
    names = list(Follower(folder).read_all().runs)
    shown = {run["run"]: run["compile"] for run in json.loads(stepscope("show", "last", "--json"))["runs"]}
    assert (len(names), len(traces)) == (2, 2)
    found = []
    for name in names:
        events = read_events(folder.run_log(name))
        (pid,) = (event.pid for event in events if isinstance(event, Header))
        theirs = tlparse.read(traces[pid], tmp_path / name)
        assert differences(ours(events), theirs) == []
        assert shown[name] == recomputed(theirs, shown[name])
        found.append(theirs)
    cold, warm = found
    assert outcomes(cold) == {("fx", "miss"), ("aot", "miss")}
    assert outcomes(warm) == {("fx", "hit"), ("aot", "hit")}
    assert cold.again


def recomputed(theirs: Account, shown: dict[str, Any]) -> dict[str, Any]:
    """The figures of ``show --json`` that the trace has too, the others as they were shown."""
    refused = {one.id for one in theirs.ended if one.failure == LIMIT}
    recompiles = [one for one in theirs.again if one.id not in refused]
    return {
        **shown,
        "compiles": len(theirs.ended) - len(theirs.again),
        "recompiles": len(recompiles),
        "graph_breaks": len(theirs.breaks),
        "limit_hits": len(refused),
        "seconds": pytest.approx(theirs.seconds, rel=0.02),
        "cache": Counter(f"{lookup.layer}_{lookup.state}" for lookup in theirs.lookups),
    }
