"""Fill in every default and refuse what can't be run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from profiler.request import checking, compilation, naming, order, pipelines, workload
from profiler.request.model import ENGINES, LOOKS, VARIANTS, BadRequest, Request
from profiler.request.options import Options
from profiler.request.pipelines import Pipeline

CACHES = ("cold", "warm", "shared")
MAX_REPEATS = 100
MAX_CASES = 1000
"""In a session. A matrix grows fast: this is some days of work."""
MAX_RUNS = 9999
RUN_NAME_LENGTH = 96
"""The most characters of a run's name, which is a folder's (``profiler.sessions``)."""
PLAIN = VARIANTS[0]
"""What every other variant is compared with."""
_PROBE = {"repeats": 1, "calls": 1, "warmup": 1, "steps": 2}
"""What a search for the largest batch is made of: whether it fits shows at once."""
T = TypeVar("T")


def resolve(options: Options, device: str) -> Request:
    """Fill in every default for ``device`` and check everything. Raises BadRequest."""
    return resolve_all([options], device)


def resolve_all(asked: Sequence[Options], device: str) -> Request:
    """The session of all cases that were asked for; what concerns the session is the first's.

    Raises BadRequest, whose ``number`` says which of them can't be run.
    """
    session = asked[0]
    checking.one_of("cache", session.cache, CACHES, "cache")
    checking.above_zero("--max-time", session.max_time_s, "seconds", "max_time_s")
    checking.above_zero("--memory-limit", session.memory_limit_gib, "GiB", "memory_limit_gib")
    if session.find_max_batch:
        _check_search(session, device)
        asked = [_probing(options, number) for number, options in enumerate(asked)]
    if session.until_sure:
        _check_looks(session)
    if session.find_syncs and not device.startswith("cuda"):
        raise BadRequest("--find-syncs finds waits for a GPU: it needs --device cuda:N", "find_syncs")
    repeats = checking.within(
        "repeats", asked[0].repeats, LOOKS[0] if session.until_sure else 3, 1, MAX_REPEATS, "repeats"
    )
    pairs = _pairs(asked, device)
    if session.until_sure:
        _check_comparable(pairs)
    most = max(repeats, LOOKS[-1]) if session.until_sure else repeats
    if len(pairs) * most > MAX_RUNS:
        raise BadRequest(
            f"{len(pairs)} cases, {f'up to {most}' if session.until_sure else most} times each, are more than"
            f" {MAX_RUNS} runs: fewer of either would work",
            "repeats",
        )
    # A search for the largest batch adds runs, and digits to the batch size.
    last = MAX_RUNS if session.find_max_batch else len(pairs) * most
    around = len(order.run_name(last, "", most)) + 3 * session.find_max_batch
    cases = naming.name_cases(pairs, RUN_NAME_LENGTH - around)
    return Request(
        cases=cases,
        runs=order.rounds([case.name for case in cases], range(1, repeats + 1)),
        repeats=repeats,
        device=device,
        cache=session.cache,
        keep_cache=session.keep_cache,
        queue=session.queue,
        max_time_s=session.max_time_s,
        memory_limit_gib=session.memory_limit_gib,
        find_max_batch=session.find_max_batch,
        until_sure=session.until_sure,
        find_syncs=session.find_syncs,
        save_images=session.save_images,
    )


def _pairs(asked: Sequence[Options], device: str) -> list[naming.Pair]:
    """Every compilation and workload asked for, each once."""
    found: dict[bytes, naming.Pair] = {}
    names: dict[str, str | None] = {}  # origins of pipelines by their short names
    for number, options in enumerate(asked):
        try:
            pipeline = _distinctly_named(pipelines.find(options.pipeline, options.trust), names)
            for pair in _of_options(pipeline, options, device):
                found.setdefault(msgspec.json.encode(pair), pair)
        except BadRequest as error:
            error.number = number
            raise
        if len(found) > MAX_CASES:
            raise BadRequest(
                f"more than {MAX_CASES} cases in a session: fewer values in a matrix would work", number=number
            )
    return list(found.values())


def _of_options(pipeline: Pipeline, options: Options, device: str) -> list[naming.Pair]:
    variants = _distinct(options.variants) or list(VARIANTS)
    for variant in variants:
        checking.one_of("variant", variant, VARIANTS, "variants")
    engines = _distinct(options.engines) or [ENGINES[0]]
    for engine in engines:
        checking.one_of("engine", engine, ENGINES, "engines")
    return [
        (compiled, work)
        for work in [
            workload.resolve(pipeline, options, batch_size, device)
            for batch_size in _distinct(options.batch_sizes) or [1]
        ]
        for variant in variants
        for compiled in compilation.resolve(variant, engines, options, pipeline.entry, device)
    ]


def _distinctly_named(pipeline: Pipeline, names: dict[str, str | None]) -> Pipeline:
    """``pipeline`` with a number in its name where another one of the session has it."""
    name, number = pipeline.name, 2
    while names.setdefault(name, pipeline.origin) != pipeline.origin:
        name, number = f"{pipeline.name}-{number}", number + 1
    return pipeline if name == pipeline.name else msgspec.structs.replace(pipeline, name=name)


def _check_search(session: Options, device: str) -> None:
    """Refuse a search for the largest batch that would fill the machine, or that isn't one run a batch."""
    if device == "cpu" and session.memory_limit_gib is None:
        raise BadRequest(
            "--find-max-batch on a CPU would fill the machine's own memory: give --memory-limit GIB as well",
            "find_max_batch",
        )
    if session.repeats not in (None, 1):
        raise BadRequest("--find-max-batch makes one run a batch size: drop --repeats", "repeats")


def _check_looks(session: Options) -> None:
    if session.find_max_batch:
        raise BadRequest("--find-max-batch makes one run a batch size: drop --until-sure", "until_sure")
    if session.repeats is not None and session.repeats not in LOOKS:
        looks = ", ".join(map(str, LOOKS))
        raise BadRequest(
            f"--until-sure looks after {looks} repeats: give --repeats one of them to begin with, or none", "repeats"
        )


def _check_comparable(pairs: Sequence[naming.Pair]) -> None:
    """Refuse to go on until verdicts are settled where there can be none: they are against no-compile."""
    # As a baseline is chosen: how often each is measured doesn't matter.
    works = [msgspec.structs.replace(work, calls=0, warmup=0) for _, work in pairs]
    plain = [work for work, (compiled, _) in zip(works, pairs, strict=True) if compiled.variant == PLAIN]
    if not any(compiled.variant != PLAIN and work in plain for work, (compiled, _) in zip(works, pairs, strict=True)):
        variants = " ".join(f"--variant {variant}" for variant in VARIANTS[:2])
        raise BadRequest(
            f"--until-sure settles how {PLAIN} compares with another variant of the same workload: ask for both, as"
            f" with {variants}",
            "variants",
        )


def _probing(options: Options, number: int) -> Options:
    if len(_distinct(options.batch_sizes)) > 1:
        raise BadRequest(
            "--find-max-batch finds the batch sizes itself: give one to start from, or none",
            "batch_sizes",
            number=number,
        )
    if options.legs or options.scenario not in (None, "steady"):
        raise BadRequest(
            "--find-max-batch makes calls that are all alike: drop the scenario", "scenario", number=number
        )
    given = {field: value for field, value in _PROBE.items() if getattr(options, field) is None}
    return msgspec.structs.replace(options, **given)


def _distinct(items: Sequence[T]) -> list[T]:
    return list(dict.fromkeys(items))
