"""The measured loops of a call: hooks on the denoisers, on ``scheduler.step`` and on the progress bar.

A loop runs from the first denoiser call's entry to the last ``scheduler.step``'s return, and is cut at every
``scheduler.step``'s return: step k lies between boundaries k and k+1, so the steps add up to the loop. Everything in
``LoopRecorder`` runs inside the loop that is being measured: it takes marks, adds integers and appends to a deque.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic_ns
from typing import Any

from profiler.worker.clock import Clock, Mark
from profiler.worker.hooks import Function, Hooks
from profiler.worker.live import LoopClosed, LoopOpened, LoopTime, Record, StepTaken
from profiler.worker.where import HERE

Now = Callable[[], int]


class LoopRecorder:
    """Records the loops of one call.

    ``graphs`` reads a counter of the compiled graphs executed so far (None: nothing is compiled), ``on_step`` is told
    at a step's end how many of them ran in it and how often a denoiser was called. ``before_step`` is called ahead of
    the first denoiser call after a ``scheduler.step``, ``on_output`` gets what a denoiser returned and gives what the
    pipeline shall see. Only one progress bar at a time: opening another closes the loop before it.
    """

    def __init__(
        self,
        call: int,
        denoisers: Sequence[str],
        clock: Clock,
        put: Callable[[Record], None],
        *,
        graphs: Callable[[], int | None] | None = None,
        on_step: Callable[[int | None, int], None] | None = None,
        before_step: Callable[[], None] | None = None,
        on_output: Callable[[Any], Any] | None = None,
        now: Now = monotonic_ns,
    ) -> None:
        self.evaluations = 0  # of the whole call
        self.iterations = 0
        self.latents: Any = None  # what the last scheduler.step returned
        self.first: Mark | None = None  # the first loop's first boundary
        self.last: Mark | None = None  # the last boundary so far
        self._call = call
        self._denoisers = list(denoisers)
        self._clock = clock
        self._mark = clock.mark
        self._put = put
        self._graphs = graphs
        self._on_step = on_step
        self._before_step = before_step
        self._on_output = on_output
        self._now = now
        self._loop = -1
        self._open = False
        self._bars = 0
        self._total: int | None = None
        self._start = Mark(0)
        self._returned: Mark | None = None
        self._entered_ns = 0
        self._enqueue_ns = 0
        self._graphs_before: int | None = None
        self._denoised = 0  # denoiser calls since the last scheduler.step
        self._evaluations = 0
        self._iterations = 0
        self._time = LoopTime()

    # --- the denoisers ------------------------------------------------------------------------------------------------

    def around_denoiser(self, function: Function) -> Function:
        def denoiser(*args: Any, **kwargs: Any) -> Any:
            if not self._open:
                self._begin_loop()
            if not self._denoised and self._before_step is not None:
                self._before_step()
            self._denoised += 1
            entered_ns = self._now()
            output = function(*args, **kwargs)
            if self._on_output is not None:
                output = self._on_output(output)
            self._returned = returned = self._mark()
            self._enqueue_ns += returned.host_ns - entered_ns
            return output

        return denoiser

    def _begin_loop(self) -> None:
        self._open = True
        self._loop += 1
        self._evaluations = self._iterations = self._enqueue_ns = self._denoised = 0
        self._returned = None
        self._time = LoopTime()
        self._graphs_before = self._graphs() if self._graphs is not None else None
        HERE.stage, HERE.loop, HERE.step = "denoise", self._loop, 0
        self._start = start = self._mark()
        self.first = self.first or start
        self.last = start
        self._put(LoopOpened(self._call, self._loop, "denoise", self._denoisers, self._total, self._time, start))

    # --- the scheduler ------------------------------------------------------------------------------------------------

    def around_scheduler(self, function: Function) -> Function:
        def step(*args: Any, **kwargs: Any) -> Any:
            if not self._open:
                return function(*args, **kwargs)
            # Before anything in the scheduler can wait for the device.
            host_bound = self._clock.drained(self._returned) if self._returned is not None else None
            entered_ns = self._now()
            self.latents = result = function(*args, **kwargs)
            self._end_step(self._mark(), entered_ns, host_bound)
            return result

        return step

    def _end_step(self, end: Mark, entered_ns: int, host_bound: bool | None) -> None:
        graphs = self._graphs_in_step() if self._graphs is not None else None
        self._put(
            StepTaken(
                self._call,
                self._loop,
                self._evaluations,
                self._time,
                self._start,
                end,
                self._enqueue_ns,
                end.host_ns - entered_ns,
                host_bound,
                graphs,
            )
        )
        if self._on_step is not None:
            self._on_step(graphs, self._denoised)
        self._start = self.last = end
        self._returned = None
        self._enqueue_ns = self._denoised = 0
        self._evaluations += 1
        self.evaluations += 1
        HERE.step = self._evaluations

    def _graphs_in_step(self) -> int | None:
        assert self._graphs is not None
        before, after = self._graphs_before, self._graphs()
        self._graphs_before = after
        return None if before is None or after is None else after - before

    # --- the progress bar ---------------------------------------------------------------------------------------------

    def around_progress_bar(self, function: Function) -> Function:
        """Count the updates of the bars that ``pipe.progress_bar`` makes; they print and behave as before."""

        def progress_bar(iterable: Any = None, total: int | None = None) -> Any:
            self.end_loop()
            self._bars += 1
            number = self._bars
            if iterable is not None:
                counted = _Counted(iterable, self._updated)
                self._total = len(counted)
                return function(counted)
            self._total = total
            bar = function(total=total)
            update, close = bar.update, bar.close

            def counting_update(n: float | None = 1) -> Any:
                self._updated()
                return update(n)

            def closing() -> Any:
                # A bar closes again when it is collected, which may be in the middle of the next one's loop.
                if number == self._bars:
                    self.end_loop()
                return close()

            bar.update, bar.close = counting_update, closing
            return bar

        return progress_bar

    def _updated(self) -> None:
        self._iterations += 1
        self.iterations += 1

    def end_loop(self) -> None:
        """Close the loop under way, if there is one. Its last ``scheduler.step`` has returned."""
        if not self._open:
            return
        self._open = False
        HERE.stage = HERE.loop = HERE.step = None
        assert self.last is not None
        self._put(LoopClosed(self._call, self._loop, self._evaluations, self._iterations, self._time, self.last))


class _Counted:
    """An iterable with a length that tells when each of its items has been dealt with."""

    def __init__(self, items: Iterable[Any], done: Callable[[], None]) -> None:
        self._items = items
        self._done = done

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        for item in self._items:
            yield item
            self._done()


def hook_loops(hooks: Hooks, pipe: Any, denoisers: Sequence[str], recorder: LoopRecorder) -> None:
    """Put the recorder's hooks on ``pipe``: at call time, because the user may have swapped its scheduler."""
    for name in denoisers:
        hooks.wrap_call(getattr(pipe, name), recorder.around_denoiser)
    hooks.wrap(pipe.scheduler, "step", recorder.around_scheduler)
    hooks.wrap(pipe, "progress_bar", recorder.around_progress_bar)
