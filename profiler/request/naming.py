"""Names of cases: short, unique in their session, safe in paths."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from profiler.request.model import ENGINES, Case, Compilation, Workload

LENGTH = 90
"""The most characters of a case's name."""
CUSTOM = "custom"
"""The name of a scenario of one's own: a list of calls."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")
T = TypeVar("T")
Pair = tuple[Compilation, Workload]


def name_cases(pairs: Sequence[Pair], length: int = LENGTH) -> list[Case]:
    """The cases of a session in names of up to ``length`` characters.

    ``<pipeline>-<variant>[-<engine>]-b<batch>`` and, after that, every further field in which those with the same
    pipeline (of a compilation: the same variant and engine) differ.
    """
    taken: set[str] = set()
    cases: list[Case] = []
    workloads = _groups(pairs, lambda pair: pair[1].pipeline)
    compilations = _groups(pairs, lambda pair: _base(*pair))
    for pair in pairs:
        compilation, workload = pair
        alike = [other for _, other in workloads[workload.pipeline]]
        same_way = [other for other, _ in compilations[_base(*pair)]]
        suffixes = [
            *_differences(_WORKLOAD, workload, alike),
            *_differences(_COMPILATION, compilation, same_way),
        ]
        name = _free("-".join([f"{_base(*pair)}-b{workload.batch_size}", *suffixes]), taken, min(length, LENGTH))
        taken.add(name)
        cases.append(Case(name=name, compilation=compilation, workload=workload))
    return cases


def _base(compilation: Compilation, workload: Workload) -> str:
    engine = "" if compilation.engine in (None, ENGINES[0]) else f"-{compilation.engine}"
    return f"{workload.pipeline}-{compilation.variant}{engine}"


def _groups(pairs: Sequence[Pair], key: Callable[[Pair], str]) -> dict[str, list[Pair]]:
    found: dict[str, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(key(pair), []).append(pair)
    return found


def _free(name: str, taken: set[str], length: int) -> str:
    """``name``, cut to ``length``, with a number where it is taken."""
    name = _UNSAFE.sub("-", name)
    if len(name) <= length and name not in taken:
        return name
    number = 2
    while (numbered := f"{name[: length - len(str(number)) - 1].rstrip('-._')}-{number}") in taken:
        number += 1
    return numbered


def _flag(word: str) -> Callable[[Any], str]:
    return lambda value: word if value else ""


def _marked(mark: str) -> Callable[[Any], str]:
    """``s20``; floats as short as they go; "" for None."""
    return lambda value: "" if value is None else f"{mark}{value:g}" if isinstance(value, float) else f"{mark}{value}"


def _word(value: Any) -> str:
    return "" if value is None else str(value).lower()


def _either(yes: str, no: str) -> Callable[[Any], str]:
    return lambda value: "" if value is None else yes if value else no


def _file_name(value: Any) -> str:
    """The last part of a folder or a hub id."""
    return "" if value is None else str(value).rstrip("/").rpartition("/")[2]


# How a field is said; None: as the number of its value among all, "prompt2".
_WORKLOAD: dict[str, Callable[[Any], str] | None] = {
    "size": _word,
    "weights": lambda value: f"{_file_name(value)}-weights",
    "picture": lambda value: "" if value == (None, None) else "x".join(str(side or "own") for side in reversed(value)),
    "frames": _marked("f"),
    "steps": _marked("s"),
    "guidance": _marked("g"),
    "strength": _marked("strength"),
    "dtype": _word,
    "scheduler": lambda value: _word(value).removesuffix("scheduler"),
    "attention": _word,
    "memory_format": lambda value: _word(value).replace("_", "-"),
    "attention_slicing": _flag("sliced"),
    "vae_slicing": _flag("vae-slicing"),
    "vae_tiling": _flag("vae-tiling"),
    "vae": lambda value: f"{_file_name(value)}-vae" if value else "",
    "offload": lambda value: f"{value}-offload" if value else "",
    "layerwise_casting": _word,
    "text_encoders": lambda value: f"{value}-encoders",
    "seed": _marked("seed"),
    "prompt": None,
    "call": None,
    "scenario": lambda value: "" if value == "steady" else _word(value),
    "legs": None,
    "warmup": _marked("w"),
    "calls": _marked("n"),
}
_COMPILATION: dict[str, Callable[[Any], str] | None] = {
    "backend": _word,
    "mode": _word,
    "fullgraph": _either("fullgraph", "breaks"),
    "dynamic": _either("dynamic", "static"),
    "recompile_limit": _marked("limit"),
    "options": None,
}


def _differences(fields: dict[str, Callable[[Any], str] | None], own: T, others: Sequence[T]) -> list[str]:
    """What tells ``own`` from ``others``, itself among them, a suffix for each field that isn't the same in all."""
    found: list[str] = []
    for field, say in fields.items():
        # Scenarios that have a name say their legs by it.
        alike = [other for other in others if field != "legs" or _value(other, "scenario") == CUSTOM]
        values = _distinct([_value(other, field) for other in alike])
        value = _value(own, field)
        if len(values) > 1 and value in values:
            found.append(say(value) if say is not None else f"{field.rstrip('s')}{values.index(value) + 1}")
    return [suffix for suffix in found if suffix]


def _value(of: Any, field: str) -> Any:
    if field == "picture":
        return (of.height, of.width)
    value = getattr(of, field)
    return msgspec.json.encode(value) if isinstance(value, dict | tuple) else value


def _distinct(values: list[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
