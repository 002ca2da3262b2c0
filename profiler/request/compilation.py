"""How the denoisers of a case are compiled: what was asked for with the variant's defaults filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from profiler.catalog import Entry
from profiler.request import checking
from profiler.request.model import BadRequest, Compilation
from profiler.request.options import Options

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
BACKENDS = (
    "inductor",
    "eager",
    "aot_eager",
    "cudagraphs",
    "tvm",
    "openxla",
    "aot_eager_decomp_partition",
    "aot_eager_default_partitioner",
    "pre_dispatch_eager",
    "eager_noexcept",
    "eager_debug",
    "invoke_subgraph",
    "ts",
    "aot_ts",
)
"""torch's own backends (torch 2.13: ``torch._dynamo.list_backends(exclude_tags=())``), but for those of its tests."""
MAX_RECOMPILE_LIMIT = 10_000
_TO_RUN = re.compile(r"cxx|dir$|path$|lib", re.IGNORECASE)


def resolve(
    variant: str, engines: Sequence[str], options: Options, entry: Entry | None, device: str
) -> list[Compilation]:
    """The compilations of ``variant``, one for each engine where it has engines. Raises BadRequest.

    ``entry`` is None for a pipeline that isn't the catalogue's.
    """
    _check(options)
    if variant == "no-compile":
        return [Compilation(variant=variant)]
    backend = options.backend or "inductor"
    # Hooks that cast or fetch weights break the graph: at every layer, or (model offload) at the denoiser's own call.
    whole = options.layerwise_casting is None and options.offload != "group"
    if variant == "compile":
        # As published on CUDA; CUDA graphs don't exist on a CPU.
        mode = "reduce-overhead" if device.startswith("cuda") else "default"
        breaks = entry is not None and any(part.breaks for part in entry.parts)
        whole = whole and options.offload is None and not breaks
        return [_compilation(variant, None, backend, mode, whole, options)]
    # Per-block CUDA graphs overwrite each other's outputs (pytorch#152887), hence "default" on every device; accelerate
    # wraps every leaf module, which hits the recompile limit on UNets: with fullgraph that would raise.
    return [
        _compilation(variant, engine, backend, "default", whole and engine == "diffusers", options)
        for engine in engines
    ]


def _check(options: Options) -> None:
    if options.mode is not None:
        checking.one_of("compile mode", options.mode, MODES, "mode")
    if options.backend is not None:
        checking.text("backend", options.backend, "backend")
        checking.one_of("backend", options.backend, backends(), "backend")
        if options.backend != "inductor":
            _need_inductor(options)
    checking.within("recompile limit", options.recompile_limit, 1, 1, MAX_RECOMPILE_LIMIT, "recompile_limit")
    checking.arguments("an inductor option", options.inductor_options, "inductor_options")


def _need_inductor(options: Options) -> None:
    # torch.compile takes a mode, and options, with inductor alone.
    given = [("--compile-mode", options.mode is not None), ("--inductor-option", bool(options.inductor_options))]
    for option, is_given in given:
        if is_given:
            raise BadRequest(
                f"{option} works with the inductor backend only, not with {options.backend!r}: drop one of them"
            )


def _compilation(
    variant: str, engine: str | None, backend: str, mode: str, fullgraph: bool, options: Options
) -> Compilation:
    return Compilation(
        variant=variant,
        engine=engine,
        backend=backend,
        mode=(options.mode or mode) if backend == "inductor" else None,
        fullgraph=fullgraph if options.fullgraph is None else options.fullgraph,
        dynamic=options.dynamic,
        recompile_limit=options.recompile_limit,
        options=dict(options.inductor_options),
    )


def names_what_to_run(name: str, value: Any) -> bool:
    """Whether an option of inductor says which program to start (``cpp.cxx``), or from where to take libraries, sources
    or compiled code (``cutlass.cutlass_dir``, ``global_cache_dir``). Of one that isn't known any path does.
    """
    texts = list(_texts(value))
    return any("/" in text or text.startswith("~") for text in texts) or bool(texts and _TO_RUN.search(name))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)


@cache
def backends() -> tuple[str, ...]:
    """torch's own, and those that installed packages bring, by the names under which torch finds them."""
    return *BACKENDS, *sorted({entry.name for entry in entry_points(group="torch_dynamo_backends")})
