"""Fill in every default and refuse what can't be run."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from typing import TypeVar

from profiler import catalog
from profiler.catalog import Entry
from profiler.request.model import ENGINES, VARIANTS, BadRequest, Case, Compilation, Request, Run, Workload
from profiler.request.options import Options

MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
DTYPES = ("float32", "float16", "bfloat16")
SIZES = ("full", "tiny")
CACHES = ("cold", "warm", "shared")
MAX_BATCH_SIZE = 1024
MAX_STEPS = 999  # schedulers are made for 1000 training steps and may offset theirs by one
MAX_CALLS = 10_000
MAX_REPEATS = 100
MAX_PIXELS = 16384
T = TypeVar("T")
MAX_SEED = 2**63 - 1


def resolve(options: Options, device: str) -> Request:
    """Fill in every default for ``device`` and check everything. Raises BadRequest."""
    try:
        entry = catalog.find(options.pipeline)
    except KeyError:
        raise BadRequest(
            f"no pipeline is called {options.pipeline!r}{_hint(options.pipeline, catalog.names())}"
            " ('stepscope pipelines' lists them)"
        ) from None
    for what, text in (("prompt", options.prompt), ("weights", options.weights), ("backend", options.backend)):
        if text is not None and not _writable(text):
            raise BadRequest(f"the {what} must be valid UTF-8, not {text!r}")
    variants = _distinct(options.variants) or list(VARIANTS)
    for variant in variants:
        _one_of("variant", variant, VARIANTS)
    engines = _distinct(options.engines) or [ENGINES[0]]
    for engine in engines:
        _one_of("engine", engine, ENGINES)
    _one_of("size", options.size, SIZES)
    _one_of("cache", options.cache, CACHES)
    if options.mode is not None:
        _one_of("compile mode", options.mode, MODES)
    if options.max_time_s is not None and not (math.isfinite(options.max_time_s) and options.max_time_s > 0):
        raise BadRequest(f"--max-time must be a number of seconds above 0, not {options.max_time_s:g}")
    repeats = _within("repeats", options.repeats, 3, 1, MAX_REPEATS)
    cases = [
        _case(entry, compilation, _workload(entry, options, batch_size, device))
        for batch_size in _distinct(options.batch_sizes) or [1]
        for variant in variants
        for compilation in _compilations(variant, engines, options, device)
    ]
    return Request(
        cases=cases,
        runs=_interleave(cases, repeats),
        repeats=repeats,
        device=device,
        cache=options.cache,
        keep_cache=options.keep_cache,
        queue=options.queue,
        max_time_s=options.max_time_s,
    )


def _workload(entry: Entry, options: Options, batch_size: int, device: str) -> Workload:
    defaults = entry.defaults(options.size)
    dtype = options.dtype or ("float16" if device.startswith("cuda") else "float32")
    _one_of("dtype", dtype, DTYPES)
    guidance = defaults.guidance if options.guidance is None else options.guidance
    if not (math.isfinite(guidance) and 0 <= guidance <= 100):
        raise BadRequest(f"guidance must be a number from 0 to 100, not {guidance:g}")
    height = _within("height", options.height, defaults.height, entry.multiple, MAX_PIXELS)
    width = _within("width", options.width, defaults.width, entry.multiple, MAX_PIXELS)
    for name, pixels in (("height", height), ("width", width)):
        if pixels % entry.multiple:
            nearest = max(entry.multiple, round(pixels / entry.multiple) * entry.multiple)
            raise BadRequest(
                f"{name} must be a multiple of {entry.multiple} for {entry.name}, not {pixels}: {nearest} would work"
            )
    return Workload(
        pipeline=entry.name,
        size=options.size,
        weights=options.weights,
        batch_size=_within("batch size", batch_size, 1, 1, MAX_BATCH_SIZE),
        height=height,
        width=width,
        steps=_within("steps", options.steps, defaults.steps, 1, MAX_STEPS),
        guidance=guidance,
        dtype=dtype,
        seed=_within("seed", options.seed, 0, 0, MAX_SEED),
        prompt=options.prompt if options.prompt is not None else entry.prompt,
        scenario="steady",
        warmup=_within("warm-up calls", options.warmup, 1, 0, MAX_CALLS),
        calls=_within("calls", options.calls, 5, 1, MAX_CALLS),
    )


def _compilations(variant: str, engines: list[str], options: Options, device: str) -> list[Compilation]:
    if variant == "no-compile":
        return [Compilation(variant=variant)]
    backend = options.backend or "inductor"
    if variant == "compile":
        # As published on CUDA; CUDA graphs don't exist on a CPU.
        mode = "reduce-overhead" if device.startswith("cuda") else "default"
        return [_compilation(variant, None, backend, mode, True, options)]
    # Per-block CUDA graphs overwrite each other's outputs (pytorch#152887), hence "default" on every device; accelerate
    # wraps every leaf module, which hits the recompile limit on UNets: with fullgraph that would raise.
    return [_compilation(variant, engine, backend, "default", engine == "diffusers", options) for engine in engines]


def _compilation(
    variant: str, engine: str | None, backend: str, mode: str, fullgraph: bool, options: Options
) -> Compilation:
    # torch.compile takes a mode with inductor alone.
    resolved: str | None = options.mode or mode
    if backend != "inductor":
        if options.mode is not None:
            raise BadRequest(
                f"--compile-mode works with the inductor backend only, not with {backend!r}: drop one of them"
            )
        resolved = None
    return Compilation(
        variant=variant,
        engine=engine,
        backend=backend,
        mode=resolved,
        fullgraph=fullgraph if options.fullgraph is None else options.fullgraph,
        dynamic=options.dynamic,
    )


def _case(entry: Entry, compilation: Compilation, workload: Workload) -> Case:
    engine = "" if compilation.engine in (None, ENGINES[0]) else f"-{compilation.engine}"
    name = f"{entry.name}-{compilation.variant}{engine}-b{workload.batch_size}"
    return Case(name=name, compilation=compilation, workload=workload)


def _interleave(cases: list[Case], repeats: int) -> list[Run]:
    """A B C, B C A, C A B: drift of the machine must not side with one variant."""
    runs: list[Run] = []
    for repeat in range(repeats):
        shift = repeat % len(cases)
        for case in cases[shift:] + cases[:shift]:
            number = len(runs) + 1
            runs.append(Run(name=f"{number:03d}-{case.name}-r{repeat + 1}", case=case.name, repeat=repeat + 1))
    return runs


def _distinct(items: Sequence[T]) -> list[T]:
    return list(dict.fromkeys(items))


def _one_of(what: str, given: str, allowed: Sequence[str]) -> None:
    if given not in allowed:
        raise BadRequest(f"no {what} is called {given!r}{_hint(given, allowed)} (there are: {', '.join(allowed)})")


def _within(what: str, given: int | None, default: int, low: int, high: int) -> int:
    if given is None:
        return default
    if not low <= given <= high:
        raise BadRequest(f"{what} must be from {low} to {high}, not {given}")
    return given


def _writable(text: str) -> bool:
    """Whether ``text`` can be stored. Bytes of the command line that aren't UTF-8 arrive as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hint(given: str, allowed: Sequence[str]) -> str:
    begun = [name for name in allowed if given and name.startswith(given)]
    close = difflib.get_close_matches(given, allowed, n=1) or begun
    return f", did you mean {close[0]!r}?" if close else ""
