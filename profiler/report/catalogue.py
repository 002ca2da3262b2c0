"""What can be profiled: the pipelines of the catalogue and the scenarios, as documents and as text."""

from __future__ import annotations

import textwrap

import msgspec

from profiler.catalog import ENTRIES, Entry, Part
from profiler.catalog.entry import denoiser_label
from profiler.report import SCHEMA
from profiler.report.text import align
from profiler.request import ENGINES
from profiler.scenarios import SCENARIOS

WIDTH = 80


class ComponentRow(msgspec.Struct, kw_only=True):
    component: str  # in a chain with its loop: "IF-I unet"
    cls: str
    parameters: int | None


class SizeRow(msgspec.Struct, kw_only=True):
    """A pipeline at one size: the defaults of a call, the first part's where there are several, and its components."""

    steps: int
    steps_by_loop: dict[str, int]
    guidance: float
    height: int
    width: int
    frames: int | None
    pictures: list[tuple[int, int]]  # the only ones (height, width) that it makes; []: any
    components: list[ComponentRow]


class PartRow(msgspec.Struct, kw_only=True):
    """One diffusers pipeline of an entry. ``inferred`` says what of its architecture isn't published."""

    loop: str
    pipeline_class: str
    denoisers: list[str]
    model_id: str | None
    source: str
    inferred: str | None
    left_out: list[str]  # text encoders that are built only with --text-encoders all


class ScenarioRow(msgspec.Struct, kw_only=True):
    """A scenario and why the pipelines that can't run it can't."""

    name: str
    changes: str
    triggers: str
    pipelines: list[str]
    lacking: dict[str, str]


class PipelineRow(msgspec.Struct, kw_only=True):
    """An entry. What is said of regional-compile is by denoiser."""

    name: str
    title: str
    denoisers: list[str]
    regional_engines: dict[str, list[str]]  # that work
    regional_limited: dict[str, list[str]]  # of those: that hit the recompile limit, so that the rest runs eager
    found_blocks: dict[str, list[str]]  # compiled by region where the model names no repeated blocks of its own
    parts: list[PartRow]
    sizes: dict[str, SizeRow]
    schedulers: list[str]
    scenarios: list[str]
    lacking: dict[str, str]  # scenarios that it can't run, and why


class PipelinesDocument(msgspec.Struct, kw_only=True):
    """``stepscope pipelines --json``; with a NAME it has that one pipeline."""

    schema: int = SCHEMA
    pipelines: list[PipelineRow]


class ScenariosDocument(msgspec.Struct, kw_only=True):
    """``stepscope scenarios --json``."""

    schema: int = SCHEMA
    scenarios: list[ScenarioRow]


def pipeline_row(entry: Entry) -> PipelineRow:
    """Everything about one entry of the catalogue."""
    lacking = {scenario.name: why for scenario in SCENARIOS.values() if (why := scenario.lacks(entry)) is not None}
    return PipelineRow(
        name=entry.name,
        title=entry.title,
        denoisers=list(entry.denoisers),
        regional_engines={
            denoiser_label(entry, part, name): list(part.regional_engines.get(name, ()))
            for part in entry.parts
            for name in part.denoisers
        },
        regional_limited={
            denoiser_label(entry, part, name): list(engines)
            for part in entry.parts
            for name, engines in part.regional_limited.items()
            if engines
        },
        found_blocks={
            denoiser_label(entry, part, name): list(classes)
            for part in entry.parts
            for name, classes in part.found_blocks.items()
        },
        parts=[_part_row(part) for part in entry.parts],
        sizes={size: _size_row(entry, size) for size in entry.part.sizes},
        schedulers=list(entry.schedulers),
        scenarios=[name for name in SCENARIOS if name not in lacking],
        lacking=lacking,
    )


def _part_row(part: Part) -> PartRow:
    return PartRow(
        loop=part.loop,
        pipeline_class=part.pipeline_cls,
        denoisers=list(part.denoisers),
        model_id=part.model_id,
        source=part.source,
        inferred=part.inferred,
        left_out=list(part.heavy),
    )


def _size_row(entry: Entry, size: str) -> SizeRow:
    defaults = entry.defaults(size)
    return SizeRow(
        steps=defaults.steps,
        steps_by_loop={part.loop: part.sizes[size].steps for part in entry.parts},
        guidance=defaults.guidance,
        height=defaults.height,
        width=defaults.width,
        frames=defaults.frames,
        pictures=list(defaults.pictures),
        components=[
            ComponentRow(component=denoiser_label(entry, part, name), cls=found.cls, parameters=found.parameters)
            for part in entry.parts
            for name, found in part.sizes[size].components.items()
        ],
    )


def scenario_rows() -> list[ScenarioRow]:
    """Every scenario, and which pipelines can run it."""
    rows: list[ScenarioRow] = []
    for scenario in SCENARIOS.values():
        lacking = {entry.name: why for entry in ENTRIES if (why := scenario.lacks(entry)) is not None}
        rows.append(
            ScenarioRow(
                name=scenario.name,
                changes=scenario.summary,
                triggers=scenario.triggers,
                pipelines=[entry.name for entry in ENTRIES if entry.name not in lacking],
                lacking=lacking,
            )
        )
    return rows


# --- as text ---------------------------------------------------------------------------------------------------------


def pipelines_lines(rows: list[PipelineRow]) -> list[str]:
    """The catalogue, no line longer than 80 characters."""
    table = [["", "steps", "picture", "denoisers", "parameters", "by region"]]
    table += [_size_cells(row, name, size) for row in rows for name, size in row.sizes.items()]
    header, *sized = align(table, right=(1, 4))
    lines = [header]
    for row in rows:
        lines.append(f"{row.name}{' *' if _inferred(row) else ''}: {row.title}")
        lines += [sized.pop(0) for _ in row.sizes]
        lines += _wrapped("  scenarios: ", _but(row.scenarios, row.lacking))
    if any(_inferred(row) for row in rows):
        lines.append("* part of the architecture is inferred: 'stepscope pipelines NAME' says what")
    if any(row.found_blocks for row in rows):
        lines += _wrapped("", "+ the model names no repeated blocks of its own: regional-compile compiles those found")
    if any(row.regional_limited for row in rows):
        lines += _wrapped("", "~ an engine hits torch's recompile limit: what is left of the model runs eager")
    lines += _wrapped("", "by region: the engines of regional-compile that work; both: diffusers and accelerate")
    lines += _wrapped(
        "", "ORG/NAME on the hub, a folder and FILE.py:FUNCTION can be profiled too: 'stepscope run --help'"
    )
    return lines


def _size_cells(row: PipelineRow, name: str, size: SizeRow) -> list[str]:
    frames = f"x{size.frames}" if size.frames else ""
    count = sum(one.parameters or 0 for one in size.components if one.component in row.denoisers)
    return [
        f"  {name}",
        str(size.steps),
        f"{size.width}x{size.height}{frames}",
        _denoisers(row.denoisers),
        f"{count / 1e6:,.1f} M" if count >= 1e6 else f"{count / 1e3:,.1f} K",
        _engines(row),
    ]


def _denoisers(names: list[str]) -> str:
    """``unet, controlnet``; of a chain ``3 x unet``."""
    last = {name.rpartition(" ")[2] for name in names}
    return f"{len(names)} x {last.pop()}" if len(names) > 1 and len(last) == 1 else ", ".join(names)


def _engines(row: PipelineRow) -> str:
    """The engines of regional-compile that work on every denoiser; + where the blocks had to be found, ~ where the
    recompile limit is hit.
    """
    working = [engine for engine in ENGINES if all(engine in found for found in row.regional_engines.values())]
    some = any(row.regional_engines.values())
    text = "both" if len(working) == len(ENGINES) else ", ".join(working) or ("in part" if some else "none")
    marks = "+" * bool(row.found_blocks and some) + "~" * bool(row.regional_limited)
    return f"{text} {marks}".rstrip()


def _inferred(row: PipelineRow) -> bool:
    return any(part.inferred for part in row.parts)


def _but(able: list[str], lacking: dict[str, str]) -> str:
    """What is the shorter list: ``all``, ``all but a, b`` or ``a, b``."""
    if not lacking:
        return "all"
    return f"all but {', '.join(lacking)}" if len(lacking) <= len(able) else ", ".join(able)


def _wrapped(start: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False)


def pipeline_lines(row: PipelineRow) -> list[str]:
    """One entry in full."""
    lines = [f"{row.name}: {row.title}", ""]
    for part in row.parts:
        of = f"{part.loop}: " if len(row.parts) > 1 else ""
        lines += _wrapped(f"{of}", f"{part.pipeline_class}{f', {part.model_id} on the hub' if part.model_id else ''}")
        lines += _wrapped("  source    ", part.source) if part.source else []
        lines += _wrapped("  inferred  ", part.inferred) if part.inferred else []
        if part.left_out:
            lines += _wrapped("  left out  ", f"{', '.join(part.left_out)}, unless --text-encoders all")
    for name, size in row.sizes.items():
        frames = f", {size.frames} frames" if size.frames else ""
        each = ", ".join(f"{loop} {steps}" for loop, steps in size.steps_by_loop.items())
        steps = f"{each if len(row.parts) > 1 else size.steps} steps"
        lines += ["", f"--size {name}: {steps}, {size.width}x{size.height}{frames}, guidance {size.guidance:g}"]
        if size.pictures:
            lines.append(f"  pictures: {' or '.join(f'{width}x{height}' for height, width in size.pictures)}")
        table = [
            [f"  {one.component}", one.cls, f"{one.parameters:,}" if one.parameters is not None else ""]
            for one in size.components
        ]
        lines += align(table, right=(2,))
    lines += ["", "engines of regional-compile"]
    for denoiser, engines in row.regional_engines.items():
        blocks = row.found_blocks.get(denoiser)
        found = f"; by diffusers on the blocks found: {', '.join(blocks)}" if blocks else ""
        limited = row.regional_limited.get(denoiser)
        limit = f"; {', '.join(limited)} hits the recompile limit: the rest runs eager" if limited else ""
        lines += _wrapped(f"  {denoiser}: ", (", ".join(engines) or "none") + found + limit)
    lines += ["", *_wrapped("schedulers: ", ", ".join(row.schedulers) or "its own alone")]
    lines += ["", *_wrapped("scenarios: ", ", ".join(row.scenarios))]
    for scenario, why in row.lacking.items():
        lines += _wrapped(f"  not {scenario}: ", why)
    return lines


def scenarios_lines(rows: list[ScenarioRow]) -> list[str]:
    """The scenarios: what changes, what that triggers, who can't run it and why."""
    lines: list[str] = []
    for row in rows:
        lines += [*_wrapped(f"{row.name}: ", row.changes)]
        lines += _wrapped("  triggers   ", row.triggers)
        lines += _wrapped("  pipelines  ", _but(row.pipelines, row.lacking))
        reasons: dict[str, list[str]] = {}
        for pipeline, why in row.lacking.items():
            reasons.setdefault(why, []).append(pipeline)
        for why, pipelines in reasons.items():
            few = len(reasons) > 1 or len(pipelines) <= len(row.pipelines)
            lines += _wrapped("  not        ", f"{', '.join(pipelines) if few else 'the others'}: {why}")
    lines += _wrapped("", "A list of calls of one's own goes into a file: 'stepscope run --help'.")
    return lines
