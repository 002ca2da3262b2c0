"""The form that asks for what another session was asked for."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from typing import Any

from profiler.request import BadRequest, Request
from profiler.request.commandline import typed
from tui.pictures.new.fields import BY_NAME, FLAGS_ON, OFF, ON, Field
from tui.pictures.new.form import Form

Resolve = Callable[[Form], Request]
"""Makes the request of a form. Raises BadRequest."""

_OF_WORKLOAD = (
    *("weights", "height", "width", "frames", "steps", "guidance", "strength", "dtype", "scheduler", "attention"),
    *("memory_format", "attention_slicing", "vae_slicing", "vae_tiling", "vae", "offload", "layerwise_casting"),
    *("text_encoders", "seed", "prompt", "call", "scenario", "warmup", "calls"),
)
_OF_COMPILATION = {
    **{name: name for name in ("mode", "fullgraph", "dynamic", "backend", "recompile_limit")},
    "inductor_options": "options",
}
_OF_SESSION = (
    *("repeats", "cache", "keep_cache", "queue", "max_time_s", "memory_limit_gib", "until_sure", "find_syncs"),
    *("save_images", "find_max_batch"),
)


def like(request: Request, resolve: Resolve) -> Form:
    """The shortest form for ``request``, as far as a form can say it: a list of calls of one's own it can't.

    Where its cases differ in more than variant, engine and batch size the first one's other settings hold.
    """
    form = _beginning(request)
    try:
        plain = resolve(form)
    except BadRequest:
        form = form.given("device", "")  # this machine may lack it
        try:
            plain = resolve(form)
        except BadRequest:
            return form
    ours, theirs = plain.cases[0].workload, request.cases[0].workload
    for name in _OF_WORKLOAD:
        form = _differing(form, name, getattr(ours, name), getattr(theirs, name))
    for name in _OF_SESSION:
        form = _differing(form, name, getattr(plain, name), getattr(request, name))
    for name, own in _OF_COMPILATION.items():
        pairs = [
            (getattr(one.compilation, own), getattr(other.compilation, own))
            for one, other in zip(plain.cases, request.cases, strict=False)
        ]
        usual, wanted = next((pair for pair in pairs if pair[0] != pair[1]), (None, None))
        form = _differing(form, name, usual, wanted)
    return form


def _beginning(request: Request) -> Form:
    """What the defaults of all else depend on."""
    first = request.cases[0].workload
    found: dict[str, Any] = {
        "pipeline": first.origin or first.pipeline,
        "size": first.size if first.origin is None or first.weights == "factory" else None,
        "variants": _distinct(case.compilation.variant for case in request.cases),
        "engines": _distinct(case.compilation.engine for case in request.cases if case.compilation.engine),
        "batch_sizes": _distinct(case.workload.batch_size for case in request.cases),
        "device": request.device,
    }
    usual = {"size": "full", "engines": ("diffusers",), "batch_sizes": (1,)}
    form = Form()
    for name, value in found.items():
        form = _differing(form, name, usual.get(name), value)
    every = form.choices(BY_NAME["variants"])
    return form.given("variants", "") if found["variants"] == every else form


def _differing(form: Form, name: str, usual: Any, wanted: Any) -> Form:
    if wanted == usual or (name == "scenario" and wanted == "custom"):
        return form
    return form.given(name, _said(BY_NAME[name], wanted))


def _said(of: Field, value: Any) -> str:
    """A value as it is typed; "" for what can't be: that nothing is given where the default is something."""
    if value is None or value == () or value == {}:
        return ""
    if of.kind == "flag":
        return "" if value == (of.name in FLAGS_ON) else ON if value else OFF
    if isinstance(value, bool):
        return ON if value else OFF
    if isinstance(value, tuple):
        return " ".join(str(each) for each in value)
    if isinstance(value, dict):
        return shlex.join([f"{name}={typed(each)}" for name, each in value.items()])
    # Six digits are what people write; a number that has more keeps them.
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))
