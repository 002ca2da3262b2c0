"""One plain sentence for what changed, by the class of the guard."""

from __future__ import annotations

import re
from collections.abc import Callable

from profiler.analysis.triggers.changes import ARROW, Change
from profiler.analysis.triggers.dimensions import readable, word

_DTYPES = {
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Half": "float16",
    "Float": "float32",
    "Double": "float64",
    "BFloat16": "bfloat16",
    "Bool": "bool",
    "Float8_e4m3fn": "float8_e4m3fn",
    "Float8_e5m2": "float8_e5m2",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}
_STATES = {
    "grad_mode": "grad mode",
    "num_threads": "the number of threads",
    "default_dtype": "the default dtype",
    "deterministic_algorithms": "deterministic algorithms",
    "deterministic_algorithms_warn_only": "warnings of deterministic algorithms",
    "allow_tf32": "TF32 (the float32 matmul precision)",
    "allow_fp16_reduce": "reduced-precision sums in float16",
    "allow_bf16_reduce": "reduced-precision sums in bfloat16",
    "torch_function": "torch function",
    "torch_function_all_disabled": "torch function",
}
_AUTOCAST = re.compile(r"autocast\((\w+)\)_(enabled|dtype)|autocast_(enabled|dtype)|autocast_cache_enabled")


def sentence(change: Change) -> str:
    """What changed. For a text that no rule knows it is the text itself."""
    make = _BY_CAUSE.get(change.guard.cause)
    if make is not None:
        return make(change)
    return change.guard.text


def dtype(name: str | None) -> str:
    """A data type as torch's Python names it."""
    return _DTYPES.get(name or "", name or "?")


def _size(change: Change) -> str:
    dimensions = change.dimensions
    if not dimensions:
        return change.guard.text
    words = " and ".join(one.text for one in dimensions)
    if len(dimensions) > 2:
        words = ", ".join(one.text for one in dimensions[:-1]) + f" and {dimensions[-1].text}"
    text = f"{change.what} {words}"
    if change.guard.parameter:
        return f"a module of another width: {text}"
    if change.batch:
        return f"{text}: {change.batch}"
    if change.pixels:
        return f"{text} ({change.pixels})"
    if change.latent:
        return f"{text} (latent)"
    if change.dimension == "tokens" and change.argument == "encoder_hidden_states":
        return f"{text}: the prompt has another length"
    return text


def _rank(change: Change) -> str:
    return f"{change.what} has {change.actual} dimensions now (it had {change.guard.expected})"


def _stride(change: Change) -> str:
    strides = re.search(r"stride \[([\d, ]*)\]", change.seen or "")
    given = [int(one) for one in strides[1].split(",") if one.strip()] if strides else []
    sizes = change.shape or ()
    guard = change.guard
    if len(given) == 4 and len(sizes) == 4 and sizes[1] > 1:
        if given[1] == 1:
            return f"{change.what} is channels_last now"
        if guard.dim == 1 and guard.expected == "1":
            return f"{change.what} is no longer channels_last"
    where = f" of its {change.dimension}" if change.dimension else ""
    return (
        f"{change.what} lies in memory differently: the stride{where} is {change.actual} now (it was {guard.expected})"
    )


def _dtype(change: Change) -> str:
    guard = change.guard
    text = f"{change.what} is {dtype(guard.actual)} now (it was {dtype(guard.expected)})"
    scheduler = _new_scheduler(change)
    if scheduler and change.argument in ("timestep", "timesteps", "t"):
        return f"{text}: {scheduler} gives {dtype(guard.actual)} timesteps"
    return text


def _new_scheduler(change: Change) -> str | None:
    """The scheduler that took another's place between the entry's call and this one."""
    before = change.before.workload.scheduler if change.before else None
    now = change.now.workload.scheduler
    if change.before is not None and before != now:
        return now or "the pipeline's own scheduler"
    return None


def _device(change: Change) -> str:
    guard = change.guard
    if guard.expected and guard.actual:
        return f"{change.what} is on device {guard.actual} now (it was on {guard.expected})"
    return f"{change.what} is on another device now"


def _grad(change: Change) -> str:
    wanted = change.guard.expected == "1"
    text = f"{change.what} {'no longer wants' if wanted else 'wants'} gradients"
    if wanted and change.before is not None and change.now.changed("lora") and not change.before.changed("lora"):
        return f"{text}: loading a LoRA froze the weights"
    return text


def _dispatch(change: Change) -> str:
    before, now = change.guard.expected or "", change.guard.actual or ""
    inference = "ADInplaceOrView"
    if inference in before and now and inference not in now:
        return f"{change.what} was made in inference mode (before: a normal tensor)"
    if inference in now and inference not in before:
        return f"{change.what} is a normal tensor now (before: made in inference mode)"
    return f"{change.what} is another kind of tensor now ({now or 'unknown'}; it was {before})"


def _tensor_type(change: Change) -> str:
    return f"{change.what} is {_article(_class(change.actual))} now (it was a tensor)"


def _value(change: Change) -> str:
    name = change.what
    if change.actual is None:
        return f"{name} is no longer {change.guard.expected}"
    return f"{name} {change.guard.expected}{ARROW}{change.actual}"


def _none(change: Change) -> str:
    return f"{change.what} is None now" if change.guard.negated else f"{change.what} is given now (it was None)"


def _len(change: Change) -> str:
    expected = change.guard.expected or ("0" if change.guard.negated else None)
    now = change.actual
    plain = change.guard.source or ""
    if plain == "kwargs" or plain.endswith("['kwargs']"):
        counts = f"{expected}{ARROW}{now}" if now and expected else f"no longer {expected}"
        return f"the number of keyword arguments {counts}"
    if expected is None:
        return f"{change.what} is empty now"
    if now is None or not now.isdigit():
        return f"{change.what} no longer has {_count(int(expected), 'item')}"
    return f"{change.what} has {_count(int(now), 'item')} now (it had {expected})"


def _keys(change: Change) -> str:
    return f"the keys of {change.what} changed: {change.guard.expected} is no longer where it was"


def _missing(change: Change) -> str:
    return f"{change.what} is gone"


def _contains(change: Change) -> str:
    key = (change.guard.expected or "").strip("'\"")
    return f"{change.what} has {key} now" if change.guard.negated else f"{change.what} no longer has {key}"


def _forward(change: Change) -> str:
    return f"the forward of {change.what.removesuffix('.__dict__')} was replaced"


def _training(change: Change) -> str:
    mode = "eval" if change.guard.expected == "True" else "train"
    return f"{change.what} is in {mode} mode now"


def _hasattr(change: Change) -> str:
    verb = "has" if change.guard.negated else "no longer has"
    return f"{change.what} {verb} the attribute {change.guard.expected}" + (" now" if change.guard.negated else "")


def _type(change: Change) -> str:
    before = _class(change.guard.expected)
    now = _class((change.seen or "").partition(" ")[0])
    if change.found.argument is None and change.seen and before[:1].isupper():
        now = _class(change.seen)
    if not now or now == before:
        return f"{change.what} is no longer {_article(before)}"
    if now.endswith("]"):
        now = "tensor"
    return f"{change.what} is {_article(now)} now (it was {_article(before)})"


def _identity(change: Change) -> str:
    kind = _class(change.guard.expected) or (change.seen or "")
    return f"{change.what} is another {kind} now" if kind else f"{change.what} is another object now"


def _code(change: Change) -> str:
    return f"{change.what} is another function now"


def _processor(change: Change) -> str:
    owner = change.what.rpartition(".")[0]
    before, now = _class(change.guard.expected), _class(change.seen)
    of = f" of {owner}" if owner else ""
    if now and before and now != before:
        return f"the attention processor{of} is {_article(now)} now (it was {_article(before)})"
    return f"the attention processor{of} was set anew"


def _lora(change: Change) -> str:
    now, before = change.now.leg.changes, change.before.leg.changes if change.before is not None else {}
    if change.before is not None and now != before:
        adapter, was = now.get("lora"), before.get("lora")
        scale, old = now.get("lora_scale", 1.0), before.get("lora_scale", 1.0)
        if adapter and was is None:
            return f"LoRA {adapter} was loaded"
        if was and adapter is None:
            return f"LoRA {was} was taken off"
        if adapter != was:
            return f"LoRA {was}{ARROW}{adapter}" + (f" at {scale:g}" if scale != old else "")
        if scale != old:
            return f"the scale of LoRA {adapter} {old:g}{ARROW}{scale:g}"
    return f"LoRA: {_BASE.get(change.guard.text.partition('(')[0], _plainly)(change)}"


def _plainly(change: Change) -> str:
    guard = change.guard
    text = guard.text
    if text.startswith("tensor ") and "requires_grad" in text:
        return _grad(change)
    if text.startswith("tensor ") and "size mismatch" in text:
        return f"{change.what} {(change.dimension or 'size')} {guard.expected}{ARROW}{change.actual}"
    if " == " in text and not text.startswith("list("):
        return _value(change)
    return f"{change.what} changed"


_BASE: dict[str, Callable[[Change], str]] = {
    "len": _len,
    "not len": _len,
    "hasattr": _hasattr,
    "not hasattr": _hasattr,
    "___check_type_id": _type,
    "___check_obj_id": _identity,
    "___dict_contains": _contains,
    "not ___dict_contains": _contains,
    "set.__contains__": _contains,
    "not set.__contains__": _contains,
}


def _state(change: Change) -> str:
    names = (change.guard.actual or "").split()
    if names == ["grad_mode"] and change.seen in ("True", "False"):
        now, before = ("on", "off") if change.seen == "True" else ("off", "on")
        return f"grad mode is {now} (it was {before} when it was compiled)"
    words = list(dict.fromkeys(_state_word(name) for name in names))
    if not words:
        return "torch's global state changed"
    text = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    return f"{text} changed"


def _state_word(name: str) -> str:
    found = _AUTOCAST.fullmatch(name)
    if found:
        device = f" on {found[1]}" if found[1] else ""
        what = found[2] or found[3]
        return f"autocast{device}" if what != "dtype" else f"the dtype of autocast{device}"
    return _STATES.get(name, name)


def _alias(change: Change) -> str:
    names = [readable(one.strip(" \"'")) for one in (change.guard.source or "").split(",") if one.strip(" \"'")]
    return f"{' and '.join(names)} are the same tensor now" if len(names) > 1 else "two inputs are the same tensor now"


def _no_alias(change: Change) -> str:
    return f"{change.what} and {readable(change.guard.expected)} are no longer the same tensor"


def _zero_one(change: Change) -> str:
    sizes = _size_now(change)
    named = change.dimension or "size"
    if sizes == "1":
        off = change.guidance("off") if named == "batch" else None
        return f"{change.what} {named} is 1 now: {off or 'torch compiles a size of 1 by itself'}"
    return f"{change.what} {named} is {sizes or 'outside of the range'} now; it was compiled for {_range(change)}"


def _size_now(change: Change) -> str | None:
    if change.actual and change.actual.isdigit():
        return change.actual
    sizes = change.shape
    dim = change.guard.dim
    return str(sizes[dim]) if sizes is not None and dim is not None and dim < len(sizes) else None


def _range(change: Change) -> str:
    found = re.fullmatch(r"(\d+) <= .+?(?: <= (\d+))?", change.guard.expected or "")
    if found is None:
        return change.guard.expected or "other sizes"
    return f"{found[1]} to {found[2]}" if found[2] else f"{found[1]} and more"


def _symbolic(change: Change) -> str:
    now = _size_now(change)
    of = f"{change.what} {change.dimension} {now}" if change.dimension and now else change.what
    condition = readable(change.guard.expected, None)
    return f"{of} does not fit the dynamic code, which holds for {condition}"


def _duck(change: Change) -> str:
    named = f" {change.dimension}" if change.dimension else ""
    whole = change.guard.expected or ""
    other = re.fullmatch(r"(?P<source>.+)\.size\(\)\[(?P<dim>\d+)\]", whole)
    if other is not None and other["source"] == change.guard.source:
        rank = len(change.shape) if change.shape is not None else None
        second = word(change.argument, other["source"], int(other["dim"]), rank, change.found.module)
        return f"{change.what}{named} and {second} are no longer equal"
    return f"{change.what}{named} is no longer equal to {readable(whole)}"


def _range_changed(change: Change) -> str:
    now = f"{ARROW}{change.actual}" if change.actual else ""
    return f"the rounds of {change.what}: {change.guard.expected}{now}"


def _backend(change: Change) -> str:
    return "it was compiled before with another backend"


def _deleted(change: Change) -> str:
    return f"{change.what} was deleted, and the code compiled for it with it"


def _exception(change: Change) -> str:
    none = re.search(r"'NoneType' object has no attribute '(\w+)'", change.guard.text)
    if none:
        return "an input became None"
    return f"a guard could not be evaluated: {change.guard.text}"


def _mode(change: Change) -> str:
    return "a torch function mode came or went (a default device?)"


def _unexpected(change: Change) -> str:
    return "torch compiled again and can't say why"


def _class(name: str | None) -> str:
    return (name or "").rpartition(".")[2].removesuffix("'>")


def _article(name: str) -> str:
    if not name:
        return "what it was"
    if name == "NoneType":
        return "None"
    if name[:1].isupper():
        return name
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


_BY_CAUSE: dict[str, Callable[[Change], str]] = {
    "tensor.size": _size,
    "tensor.rank": _rank,
    "tensor.stride": _stride,
    "tensor.dtype": _dtype,
    "tensor.device": _device,
    "tensor.grad": _grad,
    "tensor.dispatch": _dispatch,
    "tensor.type": _tensor_type,
    "value": _value,
    "global.value": _value,
    "none": _none,
    "len": _len,
    "dict.keys": _keys,
    "dict.missing": _missing,
    "dict.contains": _contains,
    "module.forward": _forward,
    "module.training": _training,
    "hasattr": _hasattr,
    "obj.type": _type,
    "obj.id": _identity,
    "obj.code_id": _code,
    "processor": _processor,
    "lora": _lora,
    "global.state": _state,
    "torchfn.mode": _mode,
    "alias.new": _alias,
    "alias.lost": _no_alias,
    "sym.zero_one": _zero_one,
    "sym.shape": _symbolic,
    "dup.size": _duck,
    "iter.range": _range_changed,
    "backend": _backend,
    "deleted": _deleted,
    "guard.exception": _exception,
    "unexpected": _unexpected,
}
