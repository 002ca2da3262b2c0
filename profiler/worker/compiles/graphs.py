"""How many compiled graphs were executed, and the fall to eager that torch doesn't report.

After a frame has hit the recompile limit, calls that fit no compiled entry run eager and leave no trace record at all.
What gives them away is that fewer compiled graphs run, or none at all in a call of a compiled module.
"""

from __future__ import annotations

import functools
import importlib
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn


class Patch(Protocol):
    def remove(self) -> None: ...


@dataclass(slots=True)
class _Attribute:
    """One attribute of a module or class, replaced until ``remove``."""

    owner: Any
    name: str
    original: Any
    replacement: Any

    def install(self) -> _Attribute:
        setattr(self.owner, self.name, self.replacement)
        return self

    def remove(self) -> None:
        # Somebody may have wrapped it after us: then ours stays beneath, counting for nobody.
        if self.owner.__dict__.get(self.name) is self.replacement:
            setattr(self.owner, self.name, self.original)


@dataclass(slots=True)
class _Followed:
    """A compiled module, which isn't kept alive, and its own ``forward`` that was replaced."""

    module: weakref.ref[nn.Module]
    original: Callable[..., Any]
    replacement: Callable[..., Any]

    def remove(self) -> None:
        module = self.module()
        if module is not None and vars(module).get("forward") is self.replacement:
            vars(module)["forward"] = self.original


class GraphCounter:
    """Counts executed compiled graphs from ``install`` to ``remove``. Meant for the one thread that runs the pipeline.

    Two places can be counted. The code that dynamo generates calls ``record_pregraph_bytecode_enter`` right before each
    graph (torch 2.8+, ``torch._dynamo.config.record_runtime_overhead``): it works for every backend, and under CUDA
    graphs, since a replay is entered the same way. Where torch lacks it, ``CompiledFxGraph.__call__`` is counted, which
    only inductor has. Counting adds nothing that could be measured to a call of compiled code (under 0.1 us in 9 us).

    ``missed`` counts the calls of followed modules in which no graph ran.
    """

    def __init__(self) -> None:
        self.executed = 0
        self.missed = 0
        self._patch: Patch | None = None
        self._followed: list[_Followed] = []

    @property
    def counting(self) -> bool:
        return self._patch is not None

    def install(self) -> None:
        """Start counting. Does nothing where torch has neither place."""
        if self._patch is None:
            self._patch = self._count_bytecode() or self._count_inductor()

    def follow(self, roots: Iterable[nn.Module]) -> None:
        """Count the calls of what ``torch.compile`` returned for any module in ``roots``: of whole denoisers and of
        regions. What is compiled in place isn't told by its class, and not followed.
        """
        kind = getattr(_module("torch._dynamo.eval_frame"), "OptimizedModule", None)
        if not self.counting or kind is None:
            return
        known = {id(one.module()) for one in self._followed}
        # Dynamo's own wrappers around what backends return aren't among a pipeline's modules.
        for module in (module for root in roots for module in root.modules()):
            if isinstance(module, kind) and id(module) not in known and callable(vars(module).get("forward")):
                known.add(id(module))
                self._followed.append(self._follow(module))

    def _follow(self, module: nn.Module) -> _Followed:
        original = vars(module)["forward"]

        @functools.wraps(original)
        def called(*args: Any, **kwargs: Any) -> Any:
            if torch.compiler.is_dynamo_compiling():
                return original(*args, **kwargs)  # within another compiled module: what changes here would be guarded
            before = self.executed
            result = original(*args, **kwargs)
            self.missed += self.executed == before
            return result

        vars(module)["forward"] = called  # as an attribute it might become one of the module inside
        return _Followed(weakref.ref(module), original, called)

    def remove(self) -> None:
        if self._patch is not None:
            self._patch.remove()
            self._patch = None
        for one in self._followed:
            one.remove()
        self._followed.clear()

    def _count_bytecode(self) -> Patch | None:
        config = _module("torch._dynamo.config")
        utils = _module("torch._dynamo.utils")
        original = getattr(utils, "record_pregraph_bytecode_enter", None)
        if original is None or not getattr(config, "record_runtime_overhead", False):
            return None
        # The generated code runs with dynamo watching: both functions must be out of its sight, and once is enough.
        plain = getattr(original, "__wrapped__", original)
        replacement = torch._dynamo.disable(self._counting(plain))
        return _Attribute(utils, "record_pregraph_bytecode_enter", original, replacement).install()

    def _count_inductor(self) -> Patch | None:
        graph = getattr(_module("torch._inductor.output_code"), "CompiledFxGraph", None)
        original = None if graph is None else graph.__dict__.get("__call__")
        if original is None:
            return None
        return _Attribute(graph, "__call__", original, self._counting(original)).install()

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.executed += 1
            return function(*args, **kwargs)

        return counted


def _module(name: str) -> Any:
    """The module, or None where this torch doesn't have it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


@dataclass(frozen=True, slots=True)
class Fallback:
    """``graphs`` compiled graphs ran in a step in which ``expected`` (or more) should have."""

    graphs: int
    expected: int


class FallbackWatch:
    """Notices, from the graphs of each step, that a part of the denoiser fell back to eager.

    Steps are compared with the steps of the same kind: the same loop, with the same number of denoiser calls. Before
    the recompile limit was hit a lower count means nothing. Each drop is told once; a step that runs all the graphs
    again (a shape that has a compiled entry) arms it anew. From then on a call of a compiled module that ran no graph
    has fallen, also where it never ran one: torch names the one frame that hit the limit, and no other of its code.
    """

    def __init__(self) -> None:
        self._most: dict[object, int] = {}
        self._told: dict[object, int] = {}
        self._limit_hit = False
        self._hits = 0  # in the current step

    def limit_hit(self) -> None:
        """The recompile limit was hit in the current step, and the frame went on in eager."""
        self._limit_hit = True
        self._hits += 1

    def on_step(self, graphs: int | None, kind: object = None, missed: int = 0) -> Fallback | None:
        """Take the graphs executed in the step that ended, and how many calls of compiled modules ran none; what is new
        to tell, or None.
        """
        hits, self._hits = self._hits, 0
        if graphs is None:
            return None
        most = self._most.get(kind)
        if hits and (most is None or graphs >= most):
            # No earlier step to compare with: each hit is one frame that ran eager in place of a graph, at least.
            most = graphs + hits
        if self._limit_hit and missed:
            most = max(graphs + missed, most or 0)
        most = max(graphs, most or 0)
        self._most[kind] = most
        if graphs >= most:
            self._told.pop(kind, None)
            return None
        if not self._limit_hit or self._told.get(kind, most) <= graphs:
            return None
        self._told[kind] = graphs
        return Fallback(graphs, most)
