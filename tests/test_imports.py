"""Imports run one way, viewing needs no torch, and nobody else's ``profiler`` or ``tui`` is ever imported."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "diffusers", "transformers", "accelerate", "numpy"}
CONTRACTS = ("events", "eventlog", "sessions", "request", "devices", "launch", "follow")
BLOCKER = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {heavy!r}:
            raise ImportError(f"{{name}} must not be imported here")
sys.meta_path.insert(0, Blocked())
"""


def modules(*folders: str) -> Iterator[tuple[str, Path]]:
    """Dotted names and files of all modules below ``folders``."""
    for folder in folders:
        path = ROOT / folder
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            yield ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), file


def imported(name: str, file: Path) -> set[str]:
    """What a module imports, at its top or inside functions, as absolute dotted names."""
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            found.update({base} | {f"{base}.{alias.name}" for alias in node.names})
    return found


def offenders(folders: tuple[str, ...], forbidden: set[str], *, exempt: set[str] = frozenset()) -> list[str]:
    """Modules below ``folders`` that import something below ``forbidden``."""
    return [
        f"{name} imports {target}"
        for name, file in modules(*folders)
        if name not in exempt
        for target in sorted(imported(name, file))
        if any(target == each or target.startswith(f"{each}.") for each in forbidden)
    ]


RULES = [
    pytest.param(("tui",), HEAVY, id="tui needs no torch"),
    pytest.param(("tui",), {"profiler.worker"}, id="tui never reaches into the worker"),
    pytest.param(("profiler",), {"tui", "textual", "plotext", "rich"}, id="profiler knows no screen"),
    pytest.param(("profiler/conductor", "profiler/analysis", "profiler/report"), HEAVY, id="only the worker has torch"),
    pytest.param(
        ("profiler/analysis",),
        {f"profiler.{name}" for name in ("worker", "conductor", "report", "catalog", "sessions", "eventlog", "follow")},
        id="analysis knows events and requests alone",
    ),
    pytest.param(("profiler/analysis",), {"os", "io", "pathlib", "subprocess", "time"}, id="analysis is pure"),
    pytest.param(("profiler/report",), {"profiler.worker", "profiler.conductor"}, id="report reads, it does not run"),
    pytest.param(("profiler/conductor",), {"profiler.worker"}, id="the conductor starts workers, it imports none"),
    pytest.param(("profiler/worker",), {"profiler.conductor"}, id="the worker knows no conductor"),
    pytest.param(
        tuple(f"profiler/{name}" for name in CONTRACTS),
        HEAVY,
        id="the contracts need no torch",
    ),
]


@pytest.mark.parametrize(("folders", "forbidden"), RULES)
def test_imports_run_one_way(folders: tuple[str, ...], forbidden: set[str]) -> None:
    assert offenders(folders, forbidden) == []


def test_one_module_alone_knows_plotext() -> None:
    assert offenders(("tui",), {"plotext"}, exempt={"tui.charts.canvas"}) == []


def test_the_rules_find_an_offender() -> None:
    assert "profiler.worker.measure imports profiler.worker.clock" in offenders(
        ("profiler/worker",), {"profiler.worker.clock"}
    )


def run_python(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | environ,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("targets", ["tui.cli, tui.app", "profiler.conductor.main", "profiler.report.documents"])
def test_what_only_shows_or_conducts_loads_nothing_heavy(targets: str) -> None:
    script = f"import sys, {targets}; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = run_python("-c", script)
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def test_viewing_works_where_torch_is_absent(tmp_path: Path) -> None:
    from tests.support.recorded import finished

    folder = finished().write(tmp_path / "home")
    blocker = BLOCKER.format(heavy=HEAVY)
    run = f"{blocker}\nimport stepscope\nsys.argv[:] = ['stepscope', *sys.argv[1:]]\nsys.exit(stepscope.main())"
    exported = ["export", folder.id, "--format", "trace", "-o", "-"]
    shown = [["show", folder.id, "--json"], ["show", folder.id], ["triggers", folder.id], exported]
    compared = [["compare", folder.id, "--json"], ["export", folder.id, "--format", "html", "-o", "-"]]
    for arguments in (["ls", "--json"], *shown, *compared, ["pipelines"]):
        done = run_python("-c", run, *arguments, STEPSCOPE_HOME=str(tmp_path / "home"))
        assert (done.stderr, done.returncode) == ("", 0), arguments
        assert done.stdout


@pytest.fixture
def namesakes(tmp_path: Path) -> Path:
    """A folder whose modules have the names of stepscope's packages."""
    for name in ("profiler", "tui"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module was imported')\n")
    return tmp_path


@pytest.mark.parametrize("isolated", [(), ("-P",)])
def test_modules_of_the_same_names_in_the_working_folder_do_no_harm(namesakes: Path, isolated: tuple[str, ...]) -> None:
    done = run_python(*isolated, str(ROOT / "stepscope.py"), "--help", cwd=namesakes, PYTHONPATH=".")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: stepscope")


def test_child_processes_import_this_installation_too(namesakes: Path) -> None:
    script = "import stepscope; stepscope.pin('profiler', 'tui'); import profiler.launch, tui; "
    script += "print(profiler.__file__, tui.__file__, *profiler.launch.child_command('worker')[2:3])"
    done = run_python("-c", script, cwd=namesakes, PYTHONPATH=f".{os.pathsep}{ROOT}")
    assert done.stdout.split() == [
        str(ROOT / name) for name in ("profiler/__init__.py", "tui/__init__.py", "stepscope.py")
    ]


def test_no_module_of_the_product_imports_tests() -> None:
    assert offenders(("profiler", "tui", "stepscope"), {"tests"}) == []
