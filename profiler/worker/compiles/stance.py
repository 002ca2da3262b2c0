"""torch.compiler.set_stance: under some stances torch compiles less, or nothing, and no record says so."""

from __future__ import annotations

import importlib

_SILENT = {
    "force_eager": "nothing is compiled and compiled code isn't used",
    "eager_on_recompile": "what fits no compiled entry runs eager, and no record tells of it",
    "fail_on_recompile": "a recompile is an error that ends the call, and no record tells of it",
    "eager_then_compile": "the first call of each compiled function runs eager",
    "aot_eager_then_compile": "the first call of each compiled function runs without inductor",
}


def silent_stance() -> str | None:
    """What the present stance keeps from being told, as a sentence; None for the default, or where it isn't known."""
    stance = getattr(importlib.import_module("torch._dynamo.eval_frame"), "_stance", None)
    name = getattr(stance, "stance", "default")
    if name == "default":
        return None
    return f"torch.compiler.set_stance({name!r}) is in force: {_SILENT.get(name, 'compiles may not be told')}"
