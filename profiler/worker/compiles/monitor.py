"""The compile monitor: torch's structured trace, as it happens, turned into the events of ``profiler.events``."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

from torch import nn

from profiler.events import EagerFallback, Event, MonitorError
from profiler.worker.compiles import taps, usercontext
from profiler.worker.compiles.graphs import FallbackWatch, GraphCounter
from profiler.worker.compiles.names import ModuleNames
from profiler.worker.compiles.payloads import compile_id, text
from profiler.worker.compiles.records import Recorder
from profiler.worker.where import HERE, Where

TRACE_LOGGER = "torch.__trace"
_ERRORS_TOLD = 20  # a record that can't be read is likely to come once for every compile


class CompileMonitor(logging.Handler):
    """Writes what torch.compile does, and never disturbs it.

    ``attach`` before the first compile, ``detach`` when done. Events are written from the thread that compiles (and,
    rarely, from inductor's pool): ``write`` must be thread-safe. Steps that compile nothing cause no work at all.
    """

    def __init__(
        self,
        write: Callable[[Event], None],
        roots: Mapping[str, nn.Module] | None = None,
        here: Where = HERE,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """``roots`` are the pipeline's components by name; ``clock`` gives nanoseconds on the log's clock."""
        super().__init__()
        self.spent_ns = 0  # time spent in this handler, part of the compiles' time
        self.errors = 0  # records that couldn't be read; the first are told as MonitorError
        self._write = write
        self._here = here
        self._names = ModuleNames(roots or {})
        self._counter = GraphCounter()
        self._watch = FallbackWatch()
        self._missed = self._missed_before = 0  # by the latest reading of the counter, and by the one before
        self._began_ns: int | None = None  # of the record being taken
        self._recorder = Recorder(write, self._names, here, clock, self._spent, self._watch.limit_hit)
        self._mutex = threading.RLock()
        self._process = 0
        self._taps: list[tuple[logging.Logger, taps.Tap]] = []

    def name_modules(self, components: Mapping[str, nn.Module]) -> None:
        """Tell the modules of ``components`` by their qualified names from now on, and count calls of compiled ones.

        They aren't kept alive.
        """
        self._names.name(components)
        self._counter.follow(components.values())

    def attach(self) -> None:
        """Start listening, and counting graphs. Imports ``torch._dynamo`` (1.5 s) where nothing has yet."""
        self._process = os.getpid()
        trace = logging.getLogger(TRACE_LOGGER)
        if self not in trace.handlers:
            # First in line: torch's own handler removes itself when TORCH_TRACE isn't set, on the first record and in
            # the middle of the loop over the handlers, so that the one behind it misses that record.
            trace.handlers.insert(0, self)
            self._tap(taps.LIMIT_LOGGER, self._on_limit_warning)
            for name in taps.CUDAGRAPH_LOGGERS:
                self._tap(name, self._on_cudagraph_message)
        self._counter.install()
        self._counter.follow(self._names.roots())
        usercontext.register(self._here)

    def detach(self) -> None:
        """Stop listening and counting; a compile under way is forgotten."""
        logging.getLogger(TRACE_LOGGER).removeHandler(self)
        for logger, tap in self._taps:
            logger.removeFilter(tap)
        self._taps.clear()
        self._counter.remove()
        usercontext.forget(self._here)

    def graphs_executed(self) -> int | None:
        """Compiled graphs executed so far; None where this torch can't tell. Read it at a step's begin and end."""
        self._missed_before, self._missed = self._missed, self._counter.missed
        return self._counter.executed if self._counter.counting else None

    def on_step(self, graphs: int | None, calls: int | None = None) -> None:
        """Take the compiled graphs that ran in the step that ends now, to notice a silent fall to eager.

        ``calls`` is the number of denoiser calls in the step, where known: steps are compared with their like.
        Call it before the place in ``here`` moves on. Never raises.
        """
        try:
            with self._mutex:
                missed = self._missed - self._missed_before
                found = self._watch.on_step(graphs, (self._here.loop, calls), missed)
                if found is not None:
                    self._recorder.tell(EagerFallback(graphs=found.graphs, expected=found.expected))
        except Exception as error:
            # As in handle: the pipeline's loop stands right above.
            self._tell_error(error)

    def handle(self, record: logging.LogRecord) -> bool:
        """Take one trace record. Never raises: an exception here would surface as the model's own error."""
        if os.getpid() != self._process:
            return False  # a forked compile worker: its parent tells the story
        began = time.perf_counter_ns()
        try:
            metadata = record.metadata  # type: ignore[attr-defined]
            kind = next(iter(metadata))
            if kind in self._recorder.wanted or kind.endswith("compilation_metrics_runtime"):
                with self._mutex:
                    self._began_ns = began
                    self._recorder.take(kind, compile_id(metadata), metadata, getattr(record, "payload", None))
        except Exception as error:
            # The one place where everything is caught: the compiler stands right above.
            self._tell_error(error)
        finally:
            self.spent_ns += time.perf_counter_ns() - began
        return True

    def _spent(self) -> int:
        """``spent_ns`` with the record that is being taken."""
        began = self._began_ns
        return self.spent_ns if began is None else self.spent_ns + time.perf_counter_ns() - began

    def _tell_error(self, error: Exception) -> None:
        self.errors += 1
        if self.errors > _ERRORS_TOLD:
            return
        try:
            self._recorder.tell(MonitorError(error=text(f"{type(error).__name__}: {error}", 512)))
        except Exception:
            # Writing is what fails: there is nowhere left to say so, and the compiler mustn't pay for it.
            self.errors += 1

    def _tap(self, name: str, take: Callable[[str], bool]) -> None:
        def taken(message: str) -> bool:
            try:
                with self._mutex:
                    return os.getpid() == self._process and take(message)
            except Exception as error:
                # As in handle: torch is warning in the middle of a compile or of a step.
                self._tell_error(error)
                return False

        logger = logging.getLogger(name)
        tap = taps.Tap(taken)
        logger.addFilter(tap)
        self._taps.append((logger, tap))

    def _on_limit_warning(self, message: str) -> bool:
        limit = taps.limit(message)
        return limit is not None and self._recorder.limit_warned(*limit)

    def _on_cudagraph_message(self, message: str) -> bool:
        moved = taps.moved_cudagraph(message)
        if moved is not None:
            self._recorder.cudagraph_moved(*moved)
            return True
        if taps.skips_cudagraph(message):
            self._recorder.cudagraph_skipped(message)
            return True
        return False
