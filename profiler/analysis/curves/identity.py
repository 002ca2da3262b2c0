"""What the lots of a comparison are called, what tells each from the others, and which of its runs stands for it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import msgspec

from profiler.analysis.curves.model import Identity, Shown
from profiler.analysis.figures import run_figures
from profiler.analysis.lots import Lot, choose_baseline
from profiler.analysis.state import RunState
from profiler.events import Environment
from profiler.request import Workload

LONGEST_WORD = 40
_NOT_TOLD = ("warmup", "calls", "legs")
"""Fields of a workload that labels leave out: how often it was measured, and the legs, which the scenario names."""
_FIRST = ("pipeline", "batch_size", "height", "width", "steps", "dtype", "scheduler")
"""What readers look for first: of fields that differ together these are told."""
_SETTINGS = ("backend", "mode", "fullgraph", "dynamic", "recompile_limit", "options")


def identities(lots: Sequence[Lot], baseline: Lot | None = None) -> list[Identity]:
    """One for each of ``lots``, in their order."""
    labels = _labels(lots)
    seen: dict[tuple[str, str | None], int] = {}
    found: list[Identity] = []
    for lot, base, label in zip(lots, baselines(lots, baseline), labels, strict=True):
        compilation = lot.case.compilation
        kind = (compilation.variant, compilation.engine)
        nth = seen[kind] = seen.get(kind, -1) + 1
        found.append(
            Identity(
                key=lot.key,
                label=label,
                variant=compilation.variant,
                engine=compilation.engine,
                nth=nth,
                baseline=base == lot,
            )
        )
    return found


def baselines(lots: Sequence[Lot], baseline: Lot | None = None) -> list[Lot | None]:
    """What each of ``lots`` is compared with: ``baseline``, or what choose_baseline chooses among them."""
    chosen: dict[tuple[int, str], Lot | None] = {}  # it depends on the case alone, and each choice looks at all lots
    found: list[Lot | None] = []
    for lot in lots:
        key = id(lot.session), lot.case.name
        if key not in chosen:
            chosen[key] = choose_baseline(lots, lot, baseline)
        found.append(chosen[key])
    return found


def shown_run(lot: Lot) -> RunState | None:
    """The run that stands for a lot where only one can: the middle one by its denoising time, the faster of two.

    Where no run has measured calls it is the first that has begun; None where none has.
    """
    runs = lot.usable or [run for run in lot.runs if run.header is not None]
    if not runs:
        return None
    times = [run_figures(lot.session, run).denoise_s for run in runs]
    order = sorted(range(len(runs)), key=lambda place: (times[place] is None, times[place] or 0.0, place))
    measured = sum(time is not None for time in times)
    return runs[order[(measured - 1) // 2 if measured else 0]]


def shown(who: Identity, lot: Lot, run: RunState) -> Shown:
    return Shown(who, run.name, len(lot.usable) or 1)


def _labels(lots: Sequence[Lot]) -> list[str]:
    """What differs of the workload, as little of it as tells the workloads apart, and the variant; where that is not
    enough, the settings of the compilation, then where it was measured. The variant comes last of what all have.
    """
    fields = _telling([lot.case.workload for lot in lots])
    words = [[*_workload_words(lot.case.workload, fields), *_variant_words(lot)] for lot in lots]
    for tell in (*map(_compiled, _SETTINGS), *_ORIGINS, _session(lots)):
        # Among those that are still called the same, and of those only where it differs.
        for places in _clashes(words):
            told = [tell(lots[place]) for place in places]
            if len(set(told)) > 1:
                for place, word in zip(places, told, strict=True):
                    if word:
                        words[place].append(_cut(word))
    for places in _clashes(words):
        for number, place in enumerate(places, start=1):
            words[place].append(f"({number})")
    return [" ".join(each) for each in words]


def _telling(workloads: Sequence[Workload]) -> list[str]:
    """The fields that tell ``workloads`` apart; one that differs only where those before it do tells nothing more."""
    found: list[str] = []
    parts = 1
    for field in (*_FIRST, *(name for name in Workload.__struct_fields__ if name not in _FIRST)):
        if field in _NOT_TOLD:
            continue
        split = len({msgspec.json.encode([getattr(one, name) for name in (*found, field)]) for one in workloads})
        if split > parts:
            found.append(field)
            parts = split
    return found


def _clashes(words: Sequence[Sequence[str]]) -> list[list[int]]:
    """The places of those that are called the same, group by group."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, each in enumerate(words):
        groups.setdefault(tuple(each), []).append(place)
    return [places for places in groups.values() if len(places) > 1]


def _workload_words(workload: Workload, differing: Sequence[str]) -> list[str]:
    found: list[str] = []
    for field in differing:
        value = getattr(workload, field)
        match field:
            case "pipeline" | "size" | "dtype" | "scenario":
                found.append(_cut(str(value)))
            case "batch_size":
                found.append(f"b{value}")
            case "height" | "width":
                if field == "height" or "height" not in differing:  # once for both
                    known = workload.width is not None or workload.height is not None
                    found.append(f"{workload.width or '?'}x{workload.height or '?'}" if known else "own picture size")
            case "steps":
                found.append("own steps" if value is None else f"{value} steps")
            case "prompt" | "call":
                found.append(f"{field} {fingerprint(value)}")
            case "origin":
                found.append(_cut(value.rpartition("/")[2] if value else "catalogue"))
            case _:
                found.append(setting(field, value))
    return found


def _variant_words(lot: Lot) -> list[str]:
    own = lot.case.compilation
    found = [_cut(own.variant)]
    if own.engine not in (None, "diffusers"):
        found.append(_cut(str(own.engine)))
    if lot.run is not None:
        found.append(f"#{lot.session.runs[lot.run].run.repeat}")
    return found


def _compiled(field: str) -> Callable[[Lot], str]:
    return lambda lot: setting(field, getattr(lot.case.compilation, field))


def setting(field: str, value: object) -> str:
    """A field of a workload or a compilation in as few words as will do; None is the pipeline's or torch's own."""
    name = field.replace("_", " ")
    if value is None:
        return f"own {name}"
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if field in ("mode", "backend"):
        return _cut(str(value))
    return _cut(f"{name} {fingerprint(value) if isinstance(value, dict) else value}")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_WORD else f"{text[: LONGEST_WORD - 1]}…"


def fingerprint(value: object) -> str:
    """Four characters that differ where ``value`` does."""
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()[:4]


def environment_of(lot: Lot) -> Environment | None:
    """Where the lot was measured, by the first of its runs that says so."""
    return next((run.environment for run in lot.runs if run.environment is not None), None)


def _device(lot: Lot) -> str:
    seen = environment_of(lot)
    return (seen.device_name or seen.cpu or seen.device) if seen is not None else lot.session.request.device


def _version(package: str) -> Callable[[Lot], str]:
    def told(lot: Lot) -> str:
        seen = environment_of(lot)
        version = seen.versions.get(package) if seen is not None else None
        return f"{package} {version}" if version else ""

    return told


def _host(lot: Lot) -> str:
    headers = [run.header for run in lot.runs if run.header is not None]
    return headers[0].host if headers else ""


def _session(lots: Sequence[Lot]) -> Callable[[Lot], str]:
    """The beginning of the session's id, up to a dash, that no other session of ``lots`` begins with."""
    every = {lot.session.session for lot in lots}

    def told(lot: Lot) -> str:
        name = lot.session.session
        ends = [place for place, letter in enumerate(name) if letter == "-" and place]
        beginnings = (name[:end] for end in ends)
        return next((one for one in beginnings if not any(o.startswith(one) for o in every - {name})), name)

    return told


_ORIGINS: tuple[Callable[[Lot], str], ...] = (_device, _version("torch"), _version("diffusers"), _host)
"""What tells lots of the same name apart, from what readers compare to what only tells apart; last the session."""
