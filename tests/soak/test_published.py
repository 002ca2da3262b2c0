"""``make published`` with the real program and tiny pipelines: killed, out of time, carried to another home, done."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from statistics import median

import psutil
import pytest

from profiler import sessions
from tests.whole.program import ours, until

pytestmark = pytest.mark.soak

ROOT = Path(__file__).resolve().parents[2]
TINY = """
size = "tiny"
calls = 3
warmup = 1
repeats = 1
variant = "no-compile"
pipeline = ["sd15-txt2img", "deepfloyd-if", "sdxl-txt2img"]
batch-size = [1, 4]
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy without git: results are kept in it, and it is what one carries to another machine."""
    made = tmp_path / "repository"
    for folder in ("benchmarks", "profiler", "tui"):
        shutil.copytree(ROOT / folder, made / folder, ignore=shutil.ignore_patterns("__pycache__", "results"))
    shutil.copy(ROOT / "stepscope.py", made)
    (made / "bench.toml").write_text(TINY)
    return made


def begin(repository: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.published", "--file", "bench.toml", "--device", "cpu", "--keep"]
    return subprocess.Popen(
        [*command, *arguments], cwd=repository, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def ended(home: Path) -> set[str]:
    """The runs that have a result by now."""
    (folder,) = sessions.all_sessions(home)
    log = folder.conductor_log
    records = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")] if log.exists() else []
    return {one["run"] for one in records if one["kind"] == "run" and one.get("outcome") == "ok"}


def rates(results: Path) -> dict[str, list[float]]:
    """Iterations per second of every loop, of each run the median measured call, from the kept lines alone."""
    found: dict[str, list[float]] = {}
    for log in sorted(results.glob("runs/*/events.jsonl")):
        phases: dict[int, str] = {}
        loops: dict[int, list[float]] = {}
        for record in map(json.loads, log.read_text().splitlines()):
            call = record.get("call", 0)
            if record["kind"] == "call":
                phases[call] = record["phase"]
            if record["kind"] == "loop_end" and phases[call] == "measure":
                loops.setdefault(record.get("loop", 0), []).append(record["iterations"] / (record["ns"] / 1e9))
        found[log.parent.name] = [median(values) for _, values in sorted(loops.items())]
    return found


def test_killed_out_of_time_and_carried_it_is_made_once_and_its_tables_are_those_of_the_logs(
    own_home: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = begin(repository)
    until(lambda: bool(ours(own_home)) and len(ended(own_home)) >= 1)
    for one in [*psutil.Process(process.pid).children(), process, *ours(own_home)]:
        os.kill(one.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: not ours(own_home))
    first = ended(own_home)

    out, _ = (process := begin(repository, "--max-time", "40")).communicate(timeout=60)
    assert process.returncode == 0, out
    second = ended(own_home)
    assert first <= second, out
    (results,) = (repository / "benchmarks" / "results").iterdir()
    assert f"{len(second)} of 6 runs made: max time of " in (results / "README.md").read_text() or len(second) == 6

    monkeypatch.setenv("STEPSCOPE_HOME", str(own_home.with_name("elsewhere")))
    out, _ = (process := begin(repository)).communicate(timeout=300)
    assert process.returncode == 0, out
    (folder,) = sessions.all_sessions(own_home.with_name("elsewhere"))
    assert "every run has a result" in out
    for run in second:  # what had a result was not touched
        assert (
            folder.run_log(run).read_bytes()
            == (own_home / "sessions" / folder.id / "runs" / run / "events.jsonl").read_bytes()
        )

    tables = (results / "README.md").read_text()
    found = rates(results)
    assert len(found) == 6
    for run, values in found.items():
        shown = values[:1] if re.search("deepfloyd-if.*-b4", run) else values
        assert f"| {' / '.join(f'{value:.2f}' for value in shown)} " in tables, run
    assert sum(file.stat().st_size for file in results.rglob("*") if file.is_file()) < 1 << 20
