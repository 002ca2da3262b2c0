"""How many compiled graphs were executed, and the fall to eager that torch doesn't report.

After a frame has hit the recompile limit, calls that fit no compiled entry run eager and leave no trace record at all.
What gives them away is that fewer compiled graphs run.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch


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


class GraphCounter:
    """Counts executed compiled graphs from ``install`` to ``remove``. Meant for the one thread that runs the pipeline.

    Two places can be counted. The code that dynamo generates calls ``record_pregraph_bytecode_enter`` right before each
    graph (torch 2.8+, ``torch._dynamo.config.record_runtime_overhead``): it works for every backend, and under CUDA
    graphs, since a replay is entered the same way. Where torch lacks it, ``CompiledFxGraph.__call__`` is counted, which
    only inductor has. Counting adds nothing that could be measured to a call of compiled code (under 0.1 us in 9 us).
    """

    def __init__(self) -> None:
        self.executed = 0
        self._patch: Patch | None = None

    @property
    def counting(self) -> bool:
        return self._patch is not None

    def install(self) -> None:
        """Start counting. Does nothing where torch has neither place."""
        if self._patch is None:
            self._patch = self._count_bytecode() or self._count_inductor()

    def remove(self) -> None:
        if self._patch is not None:
            self._patch.remove()
            self._patch = None

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
    again (a shape that has a compiled entry) arms it anew.
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

    def on_step(self, graphs: int | None, kind: object = None) -> Fallback | None:
        """Take the graphs executed in the step that ended; what is new to tell, or None."""
        hits, self._hits = self._hits, 0
        if graphs is None:
            return None
        most = self._most.get(kind)
        if hits and (most is None or graphs >= most):
            # No earlier step to compare with: each hit is one frame that ran eager in place of a graph, at least.
            most = graphs + hits
        most = max(graphs, most or 0)
        self._most[kind] = most
        if graphs >= most:
            self._told.pop(kind, None)
            return None
        if not self._limit_hit or self._told.get(kind, most) <= graphs:
            return None
        self._told[kind] = graphs
        return Fallback(graphs, most)
