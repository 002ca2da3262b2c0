"""The README's tables say what the catalogue says."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from profiler import catalog
from profiler.report.catalogue import PipelineRow, pipeline_row
from profiler.request.file import Bench
from profiler.scenarios import SCENARIOS
from tui import config
from tui.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def readme_row(row: PipelineRow) -> str:
    """The row of a pipeline in the README's table."""
    size = row.sizes["full"]
    count = sum(one.parameters or 0 for one in size.components if one.component in row.denoisers)
    steps = " + ".join(str(steps) for steps in size.steps_by_loop.values())
    frames = f", {size.frames} frames" if size.frames else ""
    picture = f"{size.width}x{size.height}{frames}"
    kinds = list(dict.fromkeys(name.rpartition(" ")[2] for name in row.denoisers))
    denoisers = f"{len(row.denoisers)} {kinds[0]}s" if len(kinds) < len(row.denoisers) else ", ".join(kinds)
    cells = [f"`{row.name}`", row.title, steps, picture, f"{denoisers}, {count / 1e9:.2f} B"]
    return f"| {' | '.join([*cells, *(engine_cell(row, engine) for engine in ('diffusers', 'accelerate'))])} |"


def engine_cell(row: PipelineRow, engine: str) -> str:
    """Whether an engine of regional-compile works on the denoisers, and what is to be known of it."""
    working = [name for name, engines in row.regional_engines.items() if engine in engines]
    if not working:
        return "no"
    text = "yes" if len(working) == len(row.denoisers) else ", ".join(working)
    if engine == "diffusers" and row.found_blocks:
        text += f", found: {', '.join(sorted({cls for found in row.found_blocks.values() for cls in found}))}"
    if any(engine in engines for engines in row.regional_limited.values()):
        text += ", hits the limit"
    return text


@pytest.mark.parametrize("name", catalog.names())
def test_the_readme_has_every_pipeline(name: str) -> None:
    assert readme_row(pipeline_row(catalog.find(name))) in README


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "steady"])
def test_the_readme_has_every_scenario(name: str) -> None:
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_readme_has_every_command(name: str) -> None:
    assert f"`stepscope {name}" in README or f"`{name}" in README


def test_the_readmes_file_is_one_that_can_be_run(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "bench.toml").write_text(text, encoding="utf-8")
    asked = Bench(str(tmp_path / "bench.toml")).resolve(lambda device: device or "cuda:0")
    assert {case.workload.batch_size for case in asked.cases} == {1, 4}
    assert any(len(case.workload.legs) == 3 for case in asked.cases)


def test_the_config_file_on_the_page_of_the_screen_is_one_that_is_read() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", (DOCS / "screen.md").read_text(encoding="utf-8"), re.DOTALL)
    assert config.parse(text, "config.toml")["keys"]


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{page.name}" for page in DOCS.glob("*.md"))])
def test_commands_on_a_page_have_the_options_that_they_are_given(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, rest in re.findall(r"(?:^|`|\$ |/)stepscope ([a-z]+)\b([^`\n#]*)", text, re.MULTILINE):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        assert set(re.findall(r"--[a-z][a-z-]*", rest)) <= known | {"--help"}, f"stepscope {name}{rest}"


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", *(f"docs/{page.name}" for page in DOCS.glob("*.md"))])
def test_what_a_page_links_to_is_there(page: str) -> None:
    path = ROOT / page
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in linked if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "docs/architecture.md"])
def test_what_a_page_names_of_the_source_is_there(page: str) -> None:
    named = re.findall(r"`((?:profiler|tui|tests|docs)/[a-z_/.]+)`", (ROOT / page).read_text(encoding="utf-8"))
    assert named and [name for name in named if not (ROOT / name).exists()] == []


def test_the_pages_on_trust_and_on_the_format_are_found_from_the_readme() -> None:
    assert {"SECURITY.md", "docs/events.md", "docs/architecture.md"} <= set(re.findall(r"\]\(([^)#]+)\)", README))
