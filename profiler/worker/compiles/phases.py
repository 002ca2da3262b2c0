"""The phases of compiles as they happen, for whoever watches one that takes long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from profiler.events import CompilePhase
from profiler.worker.compiles.allowance import Allowance

# The names of torch's chromium events, the same in the sources of torch 2.8 to 2.15.
_PHASES = {
    "dynamo": "total",
    "entire_frame_compile": "dynamo",
    "backend_compile": "aot",
    "inductor_compile": "inductor",
    "code_gen": "codegen",
    "async_compile.wait": "kernels",
    "AOTAutogradCache.inductor_load": "load",
    "build_guards": "guards",
    "CUDAGraphNode.record": "cudagraph",
    "CachingAutotuner.benchmark_all_configs": "autotune",
    "CachingAutotuner.coordinate_descent_tuning": "autotune",
    "CachingAutotuner.combo_sequential_autotune": "autotune",
    "benchmark_fused_nodes": "autotune",
}
_TEMPLATES = ("_template_precompiling", "_template_autotuning")  # after the operator's name


def phase(event: str) -> str | None:
    """The phase that a chromium event of this name is; None for what isn't told."""
    return _PHASES.get(event) or ("autotune" if event.endswith(_TEMPLATES) else None)


@dataclass(frozen=True, slots=True)
class _Opened:
    began_ns: int
    told: bool


class Phases:
    """Matches ends with begins, and marks both where the run's allowance lets it. Kernels that are tuned one after
    the other are one mark: there may be hundreds.
    """

    def __init__(self, tell: Callable[[CompilePhase], None], clock: Callable[[], int], allowance: Allowance) -> None:
        self._tell = tell
        self._clock = clock
        self._allowance = allowance
        self._open: dict[tuple[str | int, str], list[_Opened]] = {}
        self._tuning: str | None = None

    def begins(self, identifier: str | None, name: str) -> None:
        now = self._clock()
        if name == "autotune" and identifier is not None:
            told = self._tuning != identifier and self._allowance.mark(now, name)
            self._tuning = identifier
        else:
            told = self._allowance.mark(now, name)
        self._open.setdefault(_key(identifier, name), []).append(_Opened(now, told))
        if told:
            self._tell(CompilePhase(id=identifier, phase=name))

    def ends(self, identifier: str | None, name: str) -> int | None:
        """The duration in nanoseconds, None for what never began."""
        opened = self._open.get(_key(identifier, name))
        if not opened:
            return None
        begin = opened.pop()
        ns = self._clock() - begin.began_ns
        if begin.told and name != "autotune":
            self._tell(CompilePhase(id=identifier, phase=name, ns=ns))
        return ns

    def tuned(self, identifier: str | None, ns: int) -> None:
        """All tuning of a compiled graph at run time took ``ns``."""
        self._tuning = None
        self._tell(CompilePhase(id=identifier, phase="autotune", ns=ns))

    def forget(self) -> None:
        self._open.clear()
        self._tuning = None


def _key(identifier: str | None, name: str) -> tuple[str | int, str]:
    return identifier or threading.get_ident(), name
