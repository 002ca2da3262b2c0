"""What changed about a Python value, an object or torch's global state, in one sentence."""

from __future__ import annotations

import re

from profiler.analysis.triggers.changes import ARROW, Change
from profiler.analysis.wholes import whole

_STATES = {
    "grad_mode": "grad mode",
    "torch_function": "torch function",
    "deterministic_algorithms": "the use of deterministic algorithms",
    "deterministic_algorithms_warn_only": "the warning about deterministic algorithms",
    "allow_tf32": "TF32 (the float32 matmul precision)",
    "allow_fp16_reduce": "reduced precision of float16 sums",
    "allow_bf16_reduce": "reduced precision of bfloat16 sums",
    "num_threads": "the number of threads",
    "default_dtype": "the default dtype",
}
_AUTOCAST = re.compile(r"autocast\((?P<device>\w+)\)_(?P<what>enabled|dtype)|autocast(?:_(?:enabled|cache_enabled))?")
_SEEN = re.compile(r"(?P<count>\d+)(?:: (?P<names>.+))?")
_LITERAL = re.compile(r"(?:bool|int|float|complex|str) ")


def tensor_type(change: Change) -> str:
    now = change.actual or ""
    told = f"the {now}" if _LITERAL.match(now) else _article(_class(now))
    return f"{change.what} is {told} now (it was a tensor)"


def value(change: Change) -> str:
    if change.actual is None:
        return f"{change.what} is no longer {change.guard.expected}"
    before, now = _number(change.guard.expected), _number(change.actual)
    if before and now and before != now:
        return f"{change.what} is the {now} {change.actual} now (it was the {before} {change.guard.expected})"
    return f"{change.what} {change.guard.expected}{ARROW}{change.actual}"


def _number(text: str | None) -> str | None:
    """Whether ``text`` is an int or a float; None for what is neither."""
    if re.fullmatch(r"-?\d+", text or ""):
        return "int"
    return "float" if re.fullmatch(r"-?\d+(\.\d*)?(e[+-]?\d+)?", text or "") else None


def none(change: Change) -> str:
    return f"{change.what} is None now" if change.guard.negated else f"{change.what} is given now (it was None)"


def length(change: Change) -> str:
    expected = change.guard.expected or ("0" if change.guard.negated else None)
    seen = _SEEN.fullmatch(change.seen or "")
    now = seen["count"] if seen else None
    if _counts_keywords(change):
        return _keywords(change, expected, now)
    if expected is None:
        return f"{change.what} is empty now"
    if now is None:
        return f"{change.what} no longer has {_count(expected, 'item')}"
    names = f": {seen['names']}" if seen and seen["names"] else ""
    return f"{change.what} has {_count(now, 'item')} now (it had {expected}){names}"


def _counts_keywords(change: Change) -> bool:
    plain = change.guard.source or ""
    return plain == "kwargs" or plain.endswith("['kwargs']")


def _keywords(change: Change, expected: str | None, now: str | None) -> str:
    """Which keywords came or went, where the worker could tell, else how many there are."""
    names = [one for one in (change.found.argument or "").split(", ") if one] if change.told else []
    if names and now is not None and expected is not None:
        verb = "are" if len(names) > 1 else "is"
        listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
        before, after = whole(expected), whole(now)
        difference = None if before is None or after is None else after - before
        if difference == len(names):
            return f"{listed} {verb} given now"
        if difference == -len(names):
            return f"{listed} {verb} no longer given"
        return f"{listed} came or went among the keyword arguments"
    return f"the number of keyword arguments {expected}{ARROW}{now}" if now else "other keyword arguments are given now"


def keys(change: Change) -> str:
    seen = _SEEN.fullmatch(change.seen or "")
    now = f", now {seen['names']}" if seen and seen["names"] else ""
    return f"the keys of {change.what} changed: {change.guard.expected} is no longer where it was{now}"


def missing(change: Change) -> str:
    return f"{change.what} is gone"


def contains(change: Change) -> str:
    key = (change.guard.expected or "").strip("'\"")
    return f"{change.what} has {key} now" if change.guard.negated else f"{change.what} no longer has {key}"


def forward(change: Change) -> str:
    return f"the forward of {change.what or change.found.where} was replaced"


def training(change: Change) -> str:
    mode = "eval" if change.guard.expected == "True" else "train"
    return f"{change.what} is in {mode} mode now"


def attribute(change: Change) -> str:
    name = change.guard.expected
    return f"{change.what} has {name} now" if change.guard.negated else f"{change.what} no longer has {name}"


def kind(change: Change) -> str:
    before, now = _class(change.guard.expected), _type_seen(change)
    if now and now == before and "." in (change.seen or ""):
        return f"{change.what} is {change.seen} now (it was {change.guard.expected})"
    if not now or now == before:
        return f"{change.what} is no longer {_article(before)}" if before else f"{change.what} is of another type now"
    return f"{change.what} is {_article(now)} now" + (f" (it was {_article(before)})" if before else "")


def _type_seen(change: Change) -> str | None:
    """The type of what came: the worker tells "float 0.5", "float32[2, 4]", "AttnProcessor2_0", "None"."""
    seen = change.seen
    if seen is None:
        return None
    literal = _LITERAL.match(seen)
    if literal:
        return literal[0].strip()
    if re.match(r"\w+\[[\d, ]*\]", seen):
        return "tensor"
    return _class(seen.partition(" ")[0]) if not seen.startswith("class ") else "class"


def identity(change: Change) -> str:
    named = _class(change.guard.expected)
    if named == "function" or (change.seen or "").startswith("function "):
        now = (change.seen or "").removeprefix("function ")
        return f"{change.what} is another function now" + (f": {now}" if now else "")
    return f"{change.what} is another {named} now" if named else f"{change.what} is another object now"


def code(change: Change) -> str:
    return f"{change.what} is another function now"


def processor(change: Change) -> str:
    owner = change.what.rpartition(".")[0]
    before, now = _class(change.guard.expected), _type_seen(change)
    of = f" of {owner}" if owner else ""
    if now and before and now != before:
        return f"the attention processor{of} is {now} now (it was {before})"
    return f"the attention processor{of} was set anew"


def rounds(change: Change) -> str:
    now = f"{ARROW}{change.actual}" if change.actual else ""
    return f"the rounds of a loop over {change.what}: {change.guard.expected}{now}"


# --- torch's state ----------------------------------------------------------------------------------------------------


def state(change: Change) -> str:
    names = (change.guard.actual or "").split()
    present = dict(one.rsplit(" ", 1) for one in (change.seen or "").split(", ") if " " in one)
    if not names:
        return "torch's global state changed"
    return "; ".join(dict.fromkeys(_state(name, present.get(name)) for name in names))


def _state(name: str, now: str | None) -> str:
    word = _state_word(name)
    if now in ("on", "off"):
        return f"{word} is {now} (it was {'off' if now == 'on' else 'on'} when it was compiled)"
    return f"{word} is {now} now" if now is not None else f"{word} changed"


def _state_word(name: str) -> str:
    found = _AUTOCAST.fullmatch(name)
    if found is None:
        return _STATES.get(name, name)
    device = f" on {found['device']}" if found["device"] else ""
    return f"the dtype of autocast{device}" if found["what"] == "dtype" else f"autocast{device}"


def mode(change: Change) -> str:
    now = change.seen
    if now == "none active":
        return "a torch function mode is no longer active (a default device, say)"
    return f"a torch function mode is active now: {now}" if now else "a torch function mode came or went"


def backend(change: Change) -> str:
    names = re.findall(r"backend: \w*\(?compiler='(\w+)'", change.text)
    if len(names) == 2 and names[0] != names[1]:
        return f"{change.found.where} was compiled before with another backend: {names[0]}{ARROW}{names[1]}"
    return f"{change.found.where} was compiled before with another backend, or with other options"


def deleted(change: Change) -> str:
    return f"{change.what} was deleted, and with it the code that was compiled for it"


def raised(change: Change) -> str:
    if change.told and change.found.argument and "'NoneType'" in change.guard.text:
        return f"{change.found.argument} is None now"
    if "'NoneType'" in change.guard.text:
        return "an input became None"
    return f"a guard could not be checked: {change.guard.text}"


def unexpected(change: Change) -> str:
    return "torch compiled again and can't say why"


# --- words ------------------------------------------------------------------------------------------------------------


def _class(name: str | None) -> str:
    """A class without its module."""
    return (name or "").rpartition(".")[2].removesuffix("'>")


def _article(name: str) -> str:
    if name in ("NoneType", "None"):
        return "None"
    if not name or name[:1].isupper():
        return name or "what it was"
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _count(number: str, word: str) -> str:
    return f"{number} {word}{'s' * (number != '1')}"
