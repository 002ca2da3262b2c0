"""Which engine of regional-compile works on which denoiser, measured: ``python -m tests.worker.capability`` prints it.

A denoiser is taken with all its levels and layers, at the widths of its tiny twin: how many graphs a model needs, and
whether it hits the recompile limit, depends on its blocks and on how many different widths there are. The tiny twins
themselves have two levels, and prove nothing.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any, NamedTuple

import msgspec
import torch

from profiler import catalog, variants
from profiler.catalog.build import build
from profiler.catalog.entry import Component, Entry, Part, Size, denoiser_label
from profiler.events import CompileLimit, Event
from profiler.request import ENGINES, Compilation, Options, resolve
from profiler.subject import Piece, Subject
from profiler.worker.compiles import CompileMonitor
from profiler.worker.inputs import call_arguments
from profiler.worker.setting import Setting

# What decides which blocks there are, and how many.
_STRUCTURE = (
    "down_block_types",
    "up_block_types",
    "mid_block_type",
    "layers_per_block",
    "transformer_layers_per_block",
    "only_cross_attention",
    "num_layers",
    "num_single_layers",
    "n_layers",
    "n_refiner_layers",
    "dual_attention_layers",
)
_NARROWEST = 16  # channels of a UNet's first level


class Capability(NamedTuple):
    """What happened in two calls; ``graphs`` counts what was compiled, ``blocks`` says what and where it was found."""

    works: bool
    limited: bool  # the recompile limit was hit: the rest of the model runs in eager
    graphs: int
    blocks: str
    error: str = ""


_MEASURED: dict[tuple[bytes, str], Capability] = {}


def denoisers() -> list[tuple[Entry, Part, str]]:
    return [(entry, part, name) for entry in catalog.ENTRIES for part in entry.parts for name in part.denoisers]


def measure(entry: Entry, part: Part, name: str, engine: str) -> Capability:
    """Compile one denoiser by ``engine`` with its default of fullgraph and call the pipeline twice.

    Entries that share a denoiser share its measurement.
    """
    key = (structure(part, name), engine)
    if key not in _MEASURED:
        _MEASURED[key] = _measure(entry, denoiser_label(entry, part, name), engine)
    return _MEASURED[key]


def structure(part: Part, name: str) -> bytes:
    """What decides how a denoiser is compiled: its class and its configuration, but for what changes no block."""
    component = narrow(part.sizes["full"].components[name], part.sizes["tiny"].components[name])
    config = {key: value for key, value in component.config.items() if key not in ("in_channels", "guidance_embeds")}
    return msgspec.json.encode((component.cls, config), order="sorted")


def _measure(entry: Entry, label: str, engine: str) -> Capability:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    events: list[Event] = []
    subject = narrow_subject(entry)
    one = _only(subject, label)
    monitor = CompileMonitor(events.append, {label: one.denoisers[0].module})
    monitor.attach()
    blocks, error = "", ""
    try:
        blocks = variants.apply(one, _compilation(engine))[0].partition(": ")[2]
        for _ in range(2):
            subject.call(_arguments(entry, subject))
    except Exception as raised:  # any failure is the result
        error = f"{type(raised).__name__}: {str(raised).strip().splitlines()[0]}"
    finally:
        monitor.detach()
    return Capability(
        works=not error,
        limited=any(isinstance(event, CompileLimit) for event in events),
        graphs=torch._dynamo.utils.counters["stats"]["unique_graphs"],
        blocks=blocks,
        error=error,
    )


def _compilation(engine: str) -> Compilation:
    options = Options(
        pipeline="sd15-txt2img", size="tiny", variants=["regional-compile"], engines=[engine], backend="eager"
    )
    return resolve(options, "cpu").cases[0].compilation


def _arguments(entry: Entry, subject: Subject) -> Any:
    options = Options(pipeline=entry.name, size="tiny", variants=["no-compile"], steps=2)
    return call_arguments(subject, Setting(resolve(options, "cpu").cases[0].workload), "cpu")


def _only(subject: Subject, label: str) -> Subject:
    """``subject`` as if it had a single denoiser, which can be compiled whatever the catalogue says."""
    for piece in subject.pieces:
        for denoiser in piece.denoisers:
            if denoiser.label == label:
                alone = type(denoiser)(label, denoiser.pipe, denoiser.name, ENGINES, denoiser.blocks)
                return Subject(subject.name, (Piece(piece.pipe, (alone,)),), subject.call)
    raise KeyError(label)


def narrow_subject(entry: Entry) -> Subject:
    """``entry`` at its tiny size, its denoisers with all their levels and layers."""
    parts = []
    for part in entry.parts:
        full, tiny = part.sizes["full"].components, part.sizes["tiny"]
        narrowed = {name: narrow(full[name], tiny.components[name]) for name in part.denoisers}
        size: Size = msgspec.structs.replace(tiny, components={**tiny.components, **narrowed})
        parts.append(msgspec.structs.replace(part, sizes={"tiny": size}))
    narrow_entry = msgspec.structs.replace(entry, parts=tuple(parts))
    return build(narrow_entry, size="tiny", weights="random", dtype="float32", device="cpu")


def narrow(full: Component, tiny: Component) -> Component:
    """The denoiser ``full`` at the widths of ``tiny``."""
    real = _configured(full)
    config = {**tiny.config, **{name: real[name] for name in _STRUCTURE if name in real}}
    if "block_out_channels" in real:
        channels = real["block_out_channels"]
        config["block_out_channels"] = [width * _NARROWEST // channels[0] for width in channels]
    if isinstance(real.get("attention_head_dim"), list | tuple):
        heads = real["attention_head_dim"]
        config["attention_head_dim"] = [count // heads[0] for count in heads]
    return msgspec.structs.replace(tiny, config=config)


def _configured(component: Component) -> dict[str, Any]:
    """The component's whole configuration, the class's defaults included."""
    import diffusers

    defaults = inspect.signature(getattr(diffusers, component.cls).__init__).parameters
    return {name: parameter.default for name, parameter in defaults.items()} | component.config


def contradiction(part: Part, name: str, engine: str, found: Capability) -> str | None:
    """What the catalogue says otherwise than was measured; None where it says the same."""
    works, limited = engine in part.regional_engines.get(name, ()), engine in part.regional_limited.get(name, ())
    if works != found.works:
        return f"the catalogue says {'yes' if works else 'no'} to {engine}, measured: {found}"
    if limited != (found.works and found.limited):
        return f"the catalogue says that {engine} {'hits' if limited else 'stays under'} the limit, measured: {found}"
    return None


def main() -> int:
    """Print the table as Markdown, and the contradictions; 1 where there are any."""
    torch.set_num_threads(1)
    write = sys.stdout.write
    write("| pipeline | denoiser | engine | works | graphs | recompile limit | compiled |\n")
    write("|---|---|---|---|---|---|---|\n")
    wrong = []
    for entry, part, name in denoisers():
        for engine in ENGINES:
            found = measure(entry, part, name, engine)
            limit = "hit" if found.limited else ""
            works = "yes" if found.works else f"no: {found.error}"
            label = denoiser_label(entry, part, name)
            row = (entry.name, label, engine, works, found.graphs, limit, found.blocks)
            write(f"| {' | '.join(str(cell) for cell in row)} |\n")
            sys.stdout.flush()
            difference = contradiction(part, name, engine, found)
            wrong += [f"{entry.name} {label}: {difference}\n"] if difference else []
    sys.stdout.writelines(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
