"""Values of every type of the wire format and of ``session.json``, made from the types themselves.

Nobody lists fields here: they are read from the structs, so that a field that is added is tried from then on.

* ``events()``, ``requests()``, ``manifests()``: hypothesis strategies for values that a reader takes.
* ``filled(kind, "text")``: one value of a type with "text" in every field and key that holds text.
* ``reworded(value, change)``: a copy of a value, with ``change(path, text)`` in the place of every text in it.
* ``texts(value)``: every text in a value, with its path.
* ``HOSTILE``: what must be shown and never obeyed.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from profiler import events as ev
from profiler.request import Case, Request, Run
from profiler.request.stored import check_readable
from profiler.sessions import Manifest
from tests.tui.hostile import HOSTILE

__all__ = [
    "HOSTILE",
    "KINDS",
    "WORDS",
    "events",
    "fields_of",
    "filled",
    "manifests",
    "requests",
    "reworded",
    "texts",
    "values",
]

KINDS: tuple[type[ev.Event], ...] = get_args(ev.AnyEvent)
"""Every type of event."""

LARGEST = 2**63 - 1
SMALLEST = -(2**63)
NUMBERS = (0, 1, 2, 3, 7, -1, 10**6, 10**9, 10**12, 10**15, LARGEST, LARGEST - 1, SMALLEST, SMALLEST + 1)

WORDS = (
    "",
    "0/0",
    "0/1",
    "1/0",
    "load",
    "compile",
    "warmup",
    "measure",
    "syncs",
    "queued",
    "running",
    "ended",
    "done",
    "stopped",
    "failed",
    "ok",
    "oom",
    "died",
    "unsupported",
    "total",
    "dynamo",
    "inductor",
    "record",
    "skip",
    "hit",
    "miss",
    "fx miss",
    "denoise",
    "decode",
    "float32",
    "unet",
    "UNet2DConditionModel",
    "model.py:12 in forward",
    "model.py:12",
    "model.py:" + "9" * 5000,
    "9" * 5000,
    "²",
    "0/0: tensor 'x' size mismatch at index 2. expected 64, actual 96",
    "tensor 'args[0]' size mismatch at index " + "9" * 5000 + ". expected 64, actual 96",
    "L['x'].size()[2] == " + "9" * 5000,
)
"""Texts that the readers look for, and some that are nearly such."""


def words(*more: str) -> st.SearchStrategy[str]:
    """Text: what readers look for, hostile text, or any other."""
    return st.sampled_from((*WORDS, *HOSTILE_UTF8, *more)) | st.text(max_size=12)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


HOSTILE_UTF8 = tuple(text for text in HOSTILE if _is_utf8(text))
"""Those that JSON can hold as they are."""


@cache
def fields_of(kind: type) -> dict[str, Any]:
    """The types of a struct's fields, by name."""
    return {name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if name in _fields(kind)}


def _fields(kind: type) -> tuple[str, ...]:
    return tuple(getattr(kind, "__struct_fields__", ()))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def values(hint: Any, text: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Any]:
    """Anything that is a ``hint``: numbers and lengths at their edges, and ``text`` where there is text."""
    text = words() if text is None else text
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values(inner[0], text)
    if origin in (Union, types.UnionType):
        return st.one_of([values(one, text) for one in inner])
    if origin in (list, set, frozenset):
        return st.lists(values(inner[0], text), max_size=3)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return st.lists(values(inner[0], text), max_size=3).map(tuple)
        return st.tuples(*(values(one, text) for one in inner))
    if origin is dict:
        return st.dictionaries(values(inner[0], text), values(inner[1], text), max_size=3)
    if hint is Any:
        return st.none() | st.booleans() | st.integers(-5, 5) | text | st.lists(text, max_size=2)
    if hint is type(None) or hint is None:
        return st.none()
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.sampled_from(NUMBERS) | st.integers(0, 9) | st.integers(SMALLEST, LARGEST)
    if hint is float:
        return st.sampled_from((0.0, -1.0, 0.5, 1e-308, 1e308, -1e308)) | st.floats(0, 100)
    if hint is str:
        return text
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return st.fixed_dictionaries({name: values(one, text) for name, one in fields_of(hint).items()}).map(
            lambda given: hint(**given)
        )
    raise TypeError(f"no values are known of {hint!r}: teach tests/support/anything.py")


def events(
    kinds: Sequence[type[ev.Event]] = KINDS, text: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[ev.Event]:
    """Any event of one of ``kinds``."""
    return st.one_of([values(kind, text) for kind in kinds])


@st.composite
def requests(draw: st.DrawFn, text: st.SearchStrategy[str] | None = None) -> Request:
    """A request that viewers take: its names are names, its counts have bounds; all else in it is any value."""
    given = draw(values(Request, text))
    cases = [_readable(draw, draw(values(Case, text)), f"case-{number}") for number in range(draw(st.integers(1, 2)))]
    runs = [
        Run(name=f"{number:02d}-{case.name}-r1", case=case.name, repeat=draw(COUNTS))
        for number, case in enumerate(cases, 1)
    ]
    numbers = {"repeats": draw(COUNTS), "max_time_s": draw(LIMITS), "memory_limit_gib": draw(LIMITS)}
    request = msgspec.structs.replace(given, cases=cases, runs=runs, **numbers)
    check_readable(request)
    return request


COUNTS = st.sampled_from((0, 1, 2, 5, 10_000))
LIMITS = st.sampled_from((None, 1e-300, 0.5, 60.0, 1e6))


def _readable(draw: st.DrawFn, case: Case, name: str) -> Case:
    legs = tuple(msgspec.structs.replace(leg, calls=draw(COUNTS), changes={}) for leg in case.workload.legs)
    counts = {"warmup": draw(COUNTS), "calls": draw(COUNTS), "batch_size": 1 + draw(COUNTS), "steps": draw(COUNTS)}
    workload = msgspec.structs.replace(case.workload, legs=legs, call={"prompt": case.workload.prompt}, **counts)
    compilation = msgspec.structs.replace(case.compilation, options={})
    return _within_64_bits(msgspec.structs.replace(case, name=name, workload=workload, compilation=compilation))


def _within_64_bits(case: Case) -> Case:
    """The smallest number has no positive counterpart, and isn't taken."""
    parts = {}
    for part in ("workload", "compilation"):
        of = getattr(case, part)
        odd = {name: 1 for name in _fields(type(of)) if getattr(of, name) == SMALLEST}
        parts[part] = msgspec.structs.replace(of, **odd)
    return msgspec.structs.replace(case, **parts)


@st.composite
def manifests(draw: st.DrawFn, text: st.SearchStrategy[str] | None = None) -> Manifest:
    """A ``session.json`` of this format."""
    given: Manifest = draw(values(Manifest, text))
    return msgspec.structs.replace(given, schema=1, session="anything", request=draw(requests(text)))


def filled(hint: Any, text: str, number: int = 1) -> Any:
    """A value of type ``hint`` with ``text`` wherever it can hold text, and nothing left out; else ``number``."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return filled(inner[0], text, number)
    if origin in (Union, types.UnionType):
        chosen = next((one for one in inner if one is str), None)
        return filled(chosen or next(one for one in inner if one is not type(None)), text, number)
    if origin is list:
        return [filled(inner[0], text, number)]
    if origin is tuple:
        return tuple(filled(one, text, number) for one in inner if one is not Ellipsis)
    if origin is dict:
        return {filled(inner[0], text, number): filled(inner[1], text, number)}
    if hint is Any or hint is str:
        return text
    if hint is bool:
        return True
    if hint is float:
        return float(number)
    if hint is int:
        return number
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{name: filled(one, text, number) for name, one in fields_of(hint).items()})
    raise TypeError(f"no value is known of {hint!r}: teach tests/support/anything.py")


def reworded(value: Any, change: Callable[[str, str], str], path: str = "") -> Any:
    """A copy of ``value`` with ``change(path, text)`` in the place of every text in it, the keys of tables included.

    A path is as "cases[0].workload.prompt"; of a key it ends in ".?".
    """
    if isinstance(value, str):
        return change(path, value)
    if isinstance(value, msgspec.Struct):
        inner = {name: reworded(getattr(value, name), change, _within(path, name)) for name in _fields(type(value))}
        return type(value)(**inner)
    if isinstance(value, dict):
        return {
            reworded(key, change, _within(path, "?")): reworded(one, change, _within(path, str(key)))
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(reworded(one, change, f"{path}[{number}]") for number, one in enumerate(value))
    return value


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in ``value`` with its path."""
    found: list[tuple[str, str]] = []

    def note(path: str, text: str) -> str:
        found.append((path, text))
        return text

    reworded(value, note)
    yield from found


def _within(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
