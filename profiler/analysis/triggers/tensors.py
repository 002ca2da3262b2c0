"""What changed about a tensor, in one sentence: its sizes, its layout, its type."""

from __future__ import annotations

import re

from profiler.analysis.triggers.changes import ARROW, Change, dtype
from profiler.analysis.triggers.dimensions import readable, word
from profiler.analysis.wholes import whole

TIMESTEPS = ("timestep", "timesteps", "t")
_SIZE = re.compile(r"(?P<source>[A-Za-z_][\w.\[\]'\"]*)\.(?P<what>size|stride)\(\)\[(?P<dim>\d+)\]")
_INFERENCE = "ADInplaceOrView"  # the dispatch key that tensors of inference mode lack


def size(change: Change) -> str:
    texts = [one.text for one in change.dimensions]
    if not texts:
        return change.guard.text
    words = " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    text = f"{change.what} {words}"
    if change.guard.parameter:
        side = "input channels" if change.guard.dim == 1 else "channels"
        ends = f"{change.guard.expected}{ARROW}{change.actual}"
        return f"a module of another width: {change.what}, {side} {ends}"
    if change.batch:
        return f"{text}: {change.batch}"
    if change.pixels:
        return f"{text} ({change.pixels})"
    if change.latent:
        return f"{text} (latent)"
    if change.dimension == "tokens" and change.argument == "encoder_hidden_states":
        return f"{text}: the prompt's length"
    return text


def rank(change: Change) -> str:
    many = "" if change.actual == "1" else "s"
    return f"{change.what} has {change.actual} dimension{many} now (it had {change.guard.expected})"


def stride(change: Change) -> str:
    strides = re.search(r"stride \[([\d, ]*)\]", change.seen or "")
    given = [whole(one) for one in strides[1].split(",") if one.strip()] if strides else []
    sizes, guard = change.shape or (), change.guard
    if len(given) == 4 and len(sizes) == 4 and sizes[1] > 1:
        if given[1] == 1:
            return f"{change.what} is channels_last now"
        if guard.dim == 1 and guard.expected == "1":
            return f"{change.what} is no longer channels_last"
    of = f" of its {change.dimension}" if change.dimension else ""
    return f"{change.what} lies in memory differently: stride{of} {guard.expected}{ARROW}{guard.actual}"


def data_type(change: Change) -> str:
    guard = change.guard
    text = f"{change.what} is {dtype(guard.actual)} now (it was {dtype(guard.expected)})"
    scheduler = _new_scheduler(change)
    if scheduler and change.argument in TIMESTEPS:
        return f"{text}: {scheduler} gives {dtype(guard.actual)} timesteps"
    return text


def _new_scheduler(change: Change) -> str | None:
    """The scheduler that took another's place between the entry's call and this one."""
    if change.before is None or change.before.workload.scheduler == change.now.workload.scheduler:
        return None
    return change.now.workload.scheduler or "the pipeline's own scheduler"


def device(change: Change) -> str:
    guard = change.guard
    if guard.expected and guard.actual:
        return f"{change.what} is on device {guard.actual} now (it was on {guard.expected})"
    return f"{change.what} is on another device now"


def gradients(change: Change) -> str:
    wanted = change.guard.expected == "1"
    text = f"{change.what} {'no longer wants' if wanted else 'wants'} gradients"
    return f"{text}: loading LoRA {change.now.changed('lora')} froze the weights" if change.lora_loaded else text


def dispatch(change: Change) -> str:
    before, now = change.guard.expected or "", change.guard.actual or ""
    if _INFERENCE in before and now and _INFERENCE not in now:
        return f"{change.what} was made in inference mode (before: outside of it)"
    if _INFERENCE in now and _INFERENCE not in before:
        return f"{change.what} was made outside of inference mode (before: inside)"
    return f"{change.what} is another kind of tensor now ({now or 'not told'}; it was {before})"


def zero_one(change: Change) -> str:
    now, named = size_now(change), change.dimension or "size"
    if now == "1":
        off = change.guidance("off") if named == "batch" else None
        return f"{change.what} {named} is 1 now: {off or 'torch compiles a size of 1 by itself'}"
    return f"{change.what} {named} is {now or 'outside of the range'} now; it was compiled for {_range(change)}"


def size_now(change: Change) -> str | None:
    """The size that failed the guard."""
    if change.seen and change.seen.isdecimal():
        return change.seen
    sizes, dim = change.shape, change.guard.dim
    return str(sizes[dim]) if sizes is not None and dim is not None and dim < len(sizes) else None


def _range(change: Change) -> str:
    found = re.fullmatch(r"(\d+) <= .+?(?: <= (\d+))?", change.guard.expected or "")
    if found is None:
        return change.guard.expected or "other sizes"
    return f"{found[1]} to {found[2]}" if found[2] else f"{found[1]} and more"


def symbolic(change: Change) -> str:
    now, named = size_now(change), change.dimension
    if named and change.guard.of_stride:
        named += " stride"
    of = f"{change.what} {named} {now}" if named and now else change.what
    return f"{of} doesn't fit the dynamic code, which holds for {_condition(change)}"


def _condition(change: Change) -> str:
    """What the dynamic code holds for, with dimensions in words: "(batch % 2) == 0"."""
    rank_ = len(change.shape) if change.shape is not None else None

    def named(match: re.Match[str]) -> str:
        whose = None if match["source"] == change.guard.source else readable(match["source"])
        argument = whose or change.argument
        text = word(argument, match["source"], whole(match["dim"]), None if whose else rank_, change.found.module) or ""
        stride_ = " stride" if match["what"] == "stride" else ""
        return f"{whose + ' ' if whose else ''}{text}{stride_}"

    between = _range(change)
    return _SIZE.sub(named, between)


def duck(change: Change) -> str:
    named = f" {change.dimension}" if change.dimension else ""
    equal = change.guard.expected or ""
    if "._base" in f"{change.guard.source} {equal}":
        # The tensor that a view was taken of: its dimensions are no caller's.
        return f"two sizes of {change.argument or 'an input'} that were equal no longer are"
    other = re.fullmatch(r"(?P<source>.+)\.size\(\)\[(?P<dim>\d+)\]", equal)
    if other is not None and other["source"] == change.guard.source:
        rank_ = len(change.shape) if change.shape is not None else None
        second = word(change.argument, other["source"], whole(other["dim"]), rank_, change.found.module) or "another"
        return f"{change.what}{named} and {second} are no longer equal"
    return f"{change.what}{named} is no longer equal to {readable(equal)}"


def alias(change: Change) -> str:
    names = [readable(one.strip(" \"'")) for one in (change.guard.source or "").split(",") if one.strip(" \"'")]
    return f"{' and '.join(names)} are the same tensor now" if len(names) > 1 else "two inputs are the same tensor now"


def no_alias(change: Change) -> str:
    return f"{change.what} and {readable(change.guard.expected)} are no longer the same tensor"
