"""A request that was read from a session's folder: whoever wrote that file, it is data until it has been checked.

``check_readable`` is for viewers: with what it lets pass they can count, plan and draw. ``check_runnable`` is for those
who obey it: it lets pass what the command line would. ``asked_of`` says what a case would have run or opened here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from profiler import attention, catalog
from profiler.request import checking, compilation, values
from profiler.request.model import (
    ENGINES,
    VARIANTS,
    BadRequest,
    Case,
    Compilation,
    Leg,
    Request,
    Workload,
    code_of,
    is_factory,
)
from profiler.request.pipelines import is_hub_id
from profiler.request.resolve import CACHES, MAX_REPEATS, RUN_NAME_LENGTH
from profiler.scenarios.settings import SETTINGS

MOST_RUNS = 20_000
"""Of cases and of runs in a session: twice what a request may ask for, since a session adds to them."""
MOST_CALLS = 1_000_000
"""Calls of a run, and steps of a call: plans of them are lists."""
MOST_LEGS = 10_000
_LONGEST_S = 1e9  # some 30 years
_MOST_GIB = 1e6
_LARGEST = 2**63 - 1
_CASE = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_RUN = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{RUN_NAME_LENGTH - 1}}}")
_DEVICE = re.compile(r"cpu|cuda:\d{1,3}")
_WEIGHTS = ("random", "hub", "factory")


# --- for viewers ------------------------------------------------------------------------------------------------------


def check_readable(request: Request) -> None:
    """Raises BadRequest, in one line, where names are not unique or could leave a folder, or a number is one that
    nobody can count to.
    """
    _check_names(request)
    _check_distinct("cases", [case.name for case in request.cases])
    _check_distinct("runs", [run.name for run in request.runs])
    _within("repeats", request.repeats, 0, MOST_RUNS)
    for run in request.runs:
        _within("the repeat of a run", run.repeat, 0, MOST_RUNS)
    _positive("max_time_s", request.max_time_s, _LONGEST_S)
    _positive("memory_limit_gib", request.memory_limit_gib, _MOST_GIB)
    for case in request.cases:
        try:
            _check_counts(case.workload)
            _check_whole(case.workload)
            _check_whole(case.compilation)
            checking.arguments("a call argument", case.workload.call, "call")
            checking.arguments("an inductor option", case.compilation.options, "inductor_options")
        except BadRequest as error:
            raise BadRequest(f"case {case.name}: {error}", error.field) from None


def _check_distinct(what: str, names: list[str]) -> None:
    if len(names) > MOST_RUNS:
        raise BadRequest(f"{len(names)} {what} are more than {MOST_RUNS}", what)
    if len(set(names)) < len(names):
        raise BadRequest(f"two of its {what} have the same name", what)


def _check_names(request: Request) -> None:
    """Names of cases and runs become those of folders."""
    cases = {case.name for case in request.cases}
    if not cases:
        raise BadRequest("it asks for nothing")
    for name in cases:
        if not _CASE.fullmatch(name) or name in (".", ".."):
            raise BadRequest(f"{_brief(name)} is no name of a case")
    for run in request.runs:
        if not _RUN.fullmatch(run.name) or run.case not in cases:
            raise BadRequest(f"{_brief(run.name)} is no run of it")


def _check_counts(workload: Workload) -> None:
    for name in ("warmup", "calls"):
        _within(name, getattr(workload, name), 0, MOST_CALLS)
    _within("batch_size", workload.batch_size, 1, MOST_CALLS)
    if workload.steps is not None:
        _within("steps", workload.steps, 0, MOST_CALLS)
    if len(workload.legs) > MOST_LEGS:
        raise BadRequest(f"{len(workload.legs)} legs are more than {MOST_LEGS}", "legs")
    calls = workload.warmup if workload.legs else workload.warmup + workload.calls
    for leg in workload.legs:
        _check_changes(leg)
        if leg.calls is not None:
            _within("the calls of a leg", leg.calls, 0, MOST_CALLS)
        calls += workload.calls if leg.calls is None else leg.calls
    _within("all calls of a run", calls, 0, MOST_CALLS)


def _check_changes(leg: Leg) -> None:
    """Of settings that a later version knows, and this one doesn't, nothing is said here."""
    for name, value in leg.changes.items():
        if name in SETTINGS and not SETTINGS[name].fits(value):
            raise BadRequest(f"the {name} of a leg must be {SETTINGS[name].wants}, not {_brief(value)}", "legs")
    checking.arguments("a setting of a leg", leg.changes, "legs")


def _check_whole(of: Workload | Compilation) -> None:
    """JSON's whole numbers have no end: they are to fit 64 bits."""
    for name in of.__struct_fields__:
        value = getattr(of, name)
        if type(value) is int and not -_LARGEST <= value <= _LARGEST:
            raise BadRequest(f"{name} must fit 64 bits", name)


def _within(what: str, given: int, low: int, high: int) -> None:
    if not low <= given <= high:
        raise BadRequest(f"{what} must be from {low} to {high}, not {_brief(given)}", what)


def _positive(what: str, given: float | None, most: float) -> None:
    if given is not None and not 0 < given <= most:
        raise BadRequest(f"{what} must be above 0 and up to {most:g}", what)


def _brief(value: object) -> str:
    """``value`` as it can stand in a line; of a whole number of thousands of digits Python makes no text."""
    if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
        return "a number of more than 64 bits"
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


# --- for those who obey it --------------------------------------------------------------------------------------------


def check_runnable(request: Request) -> None:
    """Raises BadRequest, in one line, unless ``request`` could have come from this stepscope's command line."""
    check_readable(request)
    if not _DEVICE.fullmatch(request.device):
        raise BadRequest(f"device must be cpu or cuda:N, not {_brief(request.device)}", "device")
    checking.one_of("cache", request.cache, CACHES, "cache")
    checking.within("repeats", request.repeats, 1, 1, MAX_REPEATS, "repeats")
    for case in request.cases:
        try:
            _check_compilation(case.compilation)
            _check_workload(case.workload)
        except BadRequest as error:
            raise BadRequest(f"case {case.name}: {error}", error.field) from None


def _check_compilation(given: Compilation) -> None:
    checking.one_of("variant", given.variant, VARIANTS, "variants")
    for what, value, allowed in (
        ("engine", given.engine, ENGINES),
        ("compile mode", given.mode, compilation.MODES),
        ("backend", given.backend, compilation.backends()),
    ):
        if value is not None:
            checking.one_of(what, value, allowed, what)
    checking.within("recompile limit", given.recompile_limit, 1, 1, compilation.MAX_RECOMPILE_LIMIT, "recompile_limit")


def _check_workload(given: Workload) -> None:
    _check_origin(given)
    for what, value, allowed in (
        ("size", given.size, values.SIZES),
        ("dtype", given.dtype, values.DTYPES),
        ("attention", given.attention, attention.NAMES),
        ("memory format", given.memory_format, values.MEMORY_FORMATS),
        ("offload", given.offload, values.OFFLOADS),
        ("type for layerwise casting", given.layerwise_casting, values.STORAGE_TYPES),
        ("choice of text encoders", given.text_encoders, values.TEXT_ENCODERS),
    ):
        if value is not None:
            checking.one_of(what, value, allowed, what)
    for what, number, low, high in (
        ("batch size", given.batch_size, 1, values.MAX_BATCH_SIZE),
        ("height", given.height, 1, values.MAX_PIXELS),
        ("width", given.width, 1, values.MAX_PIXELS),
        ("frames", given.frames, 1, values.MAX_FRAMES),
        ("steps", given.steps, 1, values.MAX_STEPS),
        ("seed", given.seed, 0, values.MAX_SEED),
        ("warm-up calls", given.warmup, 0, values.MAX_CALLS),
        ("calls", given.calls, 1, values.MAX_CALLS),
    ):
        checking.within(what, number, low, low, high, what)
    if given.guidance is not None:
        values.guidance(given.guidance)
    if given.strength is not None:
        values.strength(given.strength)
    values.scheduler(given.scheduler)
    for leg in given.legs:
        checking.within("the calls of a leg", leg.calls, 1, 1, values.MAX_CALLS, "legs")
        unknown = next((name for name in leg.changes if name not in SETTINGS), None)
        if unknown is not None:
            raise BadRequest(f"a call can't change {_brief(unknown)} (it can change: {', '.join(SETTINGS)})", "legs")
        values.scheduler(leg.changes.get("scheduler"))


def _check_origin(given: Workload) -> None:
    """Whether the pipeline, its weights and its VAE are of the kinds that there are."""
    if given.origin is None:
        checking.one_of("pipeline", given.pipeline, catalog.names(), "pipeline")
    elif not (os.path.isabs(given.origin) or is_hub_id(given.origin)):
        raise BadRequest(f"a pipeline must be ORG/NAME on the hub or an absolute path, not {_brief(given.origin)}")
    if given.weights not in _WEIGHTS and not os.path.isabs(given.weights):
        raise BadRequest(f"weights must be {', '.join(_WEIGHTS)} or an absolute path, not {_brief(given.weights)}")
    if given.vae not in (None, "tiny") and not (os.path.isabs(given.vae or "") or is_hub_id(given.vae or "")):
        raise BadRequest(f"vae must be tiny, ORG/NAME on the hub or an absolute path, not {_brief(given.vae)}", "vae")


# --- for the user, who is asked about a stranger's --------------------------------------------------------------------


def asked_of(case: Case) -> list[str]:
    """What ``case`` would have run or opened that is neither ours, nor an installed package's, nor a model of the hub.

    A stranger's session gets none of it without the user's word: a function in a file, kernels of the hub, folders,
    pictures, and inductor options that hold text, since some of those name programs.
    """
    workload = case.workload
    found = [code_of(workload), *_paths(workload)]
    found += [f"the inductor option {name}" for name, value in case.compilation.options.items() if _has_text(value)]
    return list(dict.fromkeys(one for one in found if one is not None))


def _paths(workload: Workload) -> Iterator[str]:
    if not is_factory(workload.origin):
        yield from (path for path in (workload.origin, workload.weights) if path is not None and os.path.isabs(path))
    if workload.vae is not None and os.path.isabs(workload.vae):
        yield workload.vae
    calls = [workload.call, *(leg.changes.get("call", {}) for leg in workload.legs)]
    for call in calls:
        yield from (value[1:] for value in call.values() if isinstance(value, str) and value.startswith("@"))


def _has_text(value: Any) -> bool:
    return not (value is None or isinstance(value, bool | int | float))
