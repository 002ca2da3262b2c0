"""The frame that dynamo is compiling, found by walking the stack from a trace record's handler.

torch's own records name a code object, and for most diffusers models that is one shared decorator (``wrapper`` in
peft_utils.py, ``inner`` in external_utils.py). The frame's locals have the module itself and the call's real arguments.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import nn

from profiler.worker.compiles.payloads import text, whole_number

# Frames that are nobody's caller: torch, this program, and the wrappers around a forward that libraries put in between.
_NOT_CALLERS = (
    "torch.",
    "profiler.",
    "contextlib.",
    "functools.",
    "logging.",
    "threading.",
    "runpy.",
    "accelerate.hooks.",
    "accelerate.utils.",
    "diffusers.hooks.",
    "diffusers.utils.",
)
# By their files, as the entry runs as __main__. What stands beside them may be all of site-packages.
_HOME = Path(__file__).parents[3]
_OURS = tuple(str(_HOME / name) for name in (f"profiler{os.sep}", f"tui{os.sep}", "stepscope.py"))
_PATH = 512
_STACK_KEPT = 6
_LEAF_WRAPPER = "external_utils.py"
_FORWARDS = ("forward", "new_forward")
RESUME = "torch_dynamo_resume_in"


@dataclass(frozen=True, slots=True)
class Target:
    """What is being compiled. ``locals`` are the frame's, alive only while the compile's stack is."""

    code: CodeType
    locals: dict[str, Any]
    globals: dict[str, Any]

    @property
    def module(self) -> nn.Module | None:
        """The module whose forward this is."""
        found = self.locals.get(self.receiver)
        if found is None and self.code.co_filename.endswith(_LEAF_WRAPPER):
            found = self.locals.get("fn")  # a leaf module of torch.nn, which dynamo wraps in a function of its own
            found = getattr(found, "__self__", found)
        return found if isinstance(found, nn.Module) else None

    @property
    def receiver(self) -> str:
        """What the frame calls the module.

        "self" nearly always; the forward that hooks put in front of a module's (accelerate, diffusers) has "module".
        """
        if "self" in self.locals:
            return "self"
        if self.resume and "module" in self.locals:
            return "module"
        return self.code.co_varnames[0] if self.code.co_argcount and self.code.co_name in _FORWARDS else "self"

    @property
    def resume(self) -> bool:
        """Whether this is the rest of a function after a graph break."""
        return self.code.co_name.startswith(RESUME)

    @property
    def positions(self) -> list[str]:
        """The names of the positional parameters of the call, self left out."""
        module = self.module
        if module is None:
            return list(self.code.co_varnames[: self.code.co_argcount])
        try:
            parameters = list(inspect.signature(type(module).forward).parameters.values())[1:]
        except (TypeError, ValueError):
            return []  # a forward that isn't written in Python
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return [parameter.name for parameter in parameters if parameter.kind in positional]


def compiling() -> Target | None:
    """The frame that dynamo is compiling on this thread, or None outside a compile."""
    for frame in _stack():
        if not _module(frame).startswith("torch._dynamo"):
            continue
        found = frame.f_locals.get("frame")
        code = getattr(found, "f_code", None)
        if found is not None and isinstance(code, CodeType):
            return Target(code, dict(getattr(found, "f_locals", {})), getattr(found, "f_globals", {}))
    return None


def callers(limit: int = _STACK_KEPT) -> list[str]:
    """The nearest frames outside torch and this program, nearest first: "file:line in function"."""
    found: list[str] = []
    for frame in _stack():
        if len(found) == limit:
            break
        code = frame.f_code
        if not f"{_module(frame)}.".startswith(_NOT_CALLERS) and not code.co_filename.startswith(("<", *_OURS)):
            found.append(f"{code.co_filename}:{frame.f_lineno} in {code.co_name}")
    return found


def innermost(stack: list[dict[str, Any]]) -> tuple[str, str, int]:
    """The code object at the end of a ``dynamo_start`` stack, whose file names are numbers."""
    table = getattr(getattr(torch._logging, "structured", None), "INTERN_TABLE", {})
    last = stack[-1]
    names = {number: name for name, number in table.items()}
    file = names.get(last.get("filename"), "")
    return text(last.get("name"), _PATH), text(file, _PATH), whole_number(last.get("line")) or 0


def compile_id() -> str | None:
    """The id of the compile under way on this thread, or None."""
    context = getattr(torch._guards, "CompileContext", None)
    found = None if context is None else context.current_compile_id()
    return None if found is None else str(found)


def replayed_id() -> str | None:
    """The id of the compile whose CUDA graph this thread is about to record, replay or leave out; None where it isn't.

    Inductor's manager of CUDA graphs knows it and, after the compile, nobody else does.
    """
    for frame in _stack():
        if _module(frame) == "torch._inductor.cudagraph_trees":
            found = getattr(frame.f_locals.get("self"), "compile_id", None)
            if found is not None:
                return str(found)
    return None


def _stack() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    name = frame.f_globals.get("__name__")
    return name if isinstance(name, str) else ""
