"""The measured loops of a call: hooks on the denoisers, on ``scheduler.step`` and on the progress bars.

A loop runs from the first denoiser call's entry to the last ``scheduler.step``'s return, and is cut at every
``scheduler.step``'s return: step k lies between boundaries k and k+1, so the steps add up to the loop. A
``scheduler.step`` without a denoiser call before it belongs to the step that it follows (LTX-2 makes one for the
pictures and one for the sound). Everything in ``LoopRecorder`` runs inside the loop that is being measured: it takes
marks, adds integers and appends to a deque.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic_ns
from typing import Any, NamedTuple

from profiler.subject import Piece, pipelines_inside
from profiler.worker.clock import Clock, Mark
from profiler.worker.hooks import Function, Hooks
from profiler.worker.live import LoopClosed, LoopOpened, LoopTime, Record, StepTaken
from profiler.worker.where import HERE

Now = Callable[[], int]
CALLS_OF_A_STEP = 2  # of one denoiser, with guidance; more of them without a scheduler.step are a loop of their own


class Owner(NamedTuple):
    """The pipeline that a loop belongs to. ``denoisers`` are the labels of its denoisers.

    ``before_step`` is called ahead of the first denoiser call of a step, ``on_output`` gets what a denoiser returned
    and gives what the pipeline shall see.
    """

    name: str  # of its loops
    denoisers: list[str]
    before_step: Callable[[], None] | None = None
    on_output: Callable[[Any], Any] | None = None


class LoopRecorder:
    """Records the loops of one call.

    ``graphs`` reads a counter of the compiled graphs executed so far (None: nothing is compiled), ``on_step`` is told
    at a step's end how many of them ran in it and how often a denoiser was called. Only one progress bar at a time:
    opening another closes the loop before it.
    """

    def __init__(
        self,
        call: int,
        clock: Clock,
        put: Callable[[Record], None],
        *,
        graphs: Callable[[], int | None] | None = None,
        on_step: Callable[[int | None, int], None] | None = None,
        now: Now = monotonic_ns,
    ) -> None:
        self.evaluations = 0  # of the whole call
        self.latents: Any = None  # what the scheduler.step of the last step returned
        self.stretches: list[tuple[Mark, Mark]] = []  # of the loops that have ended
        self._call = call
        self._clock = clock
        self._mark = clock.mark
        self._put = put
        self._graphs = graphs
        self._on_step = on_step
        self._now = now
        self._names: list[str] = []  # of the loops so far
        self._open = False
        self._told = False  # LoopOpened has been written
        self._owner = Owner("", [])
        self._bars = 0
        self._bar_owner: Owner | None = None
        self._total: int | None = None
        self._first = self._start = self._last = Mark(0)
        self._returned: Mark | None = None
        self._enqueue_ns = 0
        self._graphs_before: int | None = None
        self._denoised = 0  # denoiser calls since the last scheduler.step
        self._stepping = False
        self._step: StepTaken | None = None  # the last one, as long as another scheduler.step can extend it
        self._evaluations = 0
        self._iterations = 0
        self._time = LoopTime()
        self._unstepped = False  # denoisers were called where no scheduler.step followed
        self._shortcoming: str | None = None

    @property
    def loops(self) -> int:
        """How many loops have begun."""
        return len(self._names)

    @property
    def shortcoming(self) -> str | None:
        """Why the loops of the call, which has ended, can't be cut into steps; None where they were."""
        if self._shortcoming is not None or self._names:
            return self._shortcoming
        if self._unstepped:
            return _unstepped(self._owner)
        return "no denoiser was called: there are no steps to measure"

    # --- the denoisers ------------------------------------------------------------------------------------------------

    def around_denoiser(self, owner: Owner) -> Callable[[Function], Function]:
        """A wrapper for a denoiser of ``owner``."""

        def around(function: Function) -> Function:
            def denoiser(*args: Any, **kwargs: Any) -> Any:
                if not self._denoised or not self._open:
                    self._begin_step(owner)
                self._denoised += 1
                entered_ns = self._now()
                output = function(*args, **kwargs)
                on_output = self._owner.on_output
                if on_output is not None:
                    output = on_output(output)
                self._returned = returned = self._mark()
                self._enqueue_ns += returned.host_ns - entered_ns
                return output

            return denoiser

        return around

    def _begin_step(self, owner: Owner) -> None:
        if not self._open:
            self._begin_loop(self._bar_owner or owner)
        elif self._step is not None:
            self._write_step()
        if self._owner.before_step is not None:
            self._owner.before_step()

    def _begin_loop(self, owner: Owner) -> None:
        self._open, self._told = True, False
        self._owner = owner
        self._evaluations = self._iterations = self._enqueue_ns = self._denoised = 0
        self._returned = None
        self._time = LoopTime()
        self._graphs_before = self._graphs() if self._graphs is not None else None
        HERE.stage, HERE.loop, HERE.step = "denoise", len(self._names), 0
        self._first = self._start = self._last = self._mark()
        # Without a bar this may be a loop or a denoiser's call ahead of one: the first scheduler.step tells.
        if self._bar_owner is not None:
            self._tell()

    def _tell(self) -> None:
        owner, number = self._owner, len(self._names)
        same = sum(name == owner.name or name.startswith(f"{owner.name} ") for name in self._names)
        name = f"{owner.name} {same + 1}" if same else owner.name
        self._names.append(name)
        self._told = True
        self._put(LoopOpened(self._call, number, name, owner.denoisers, self._total, self._time, self._first))

    # --- the scheduler ------------------------------------------------------------------------------------------------

    def around_scheduler(self, function: Function) -> Function:
        """A wrapper for a ``step``. One call may pass through several of them: they count it once."""

        def step(*args: Any, **kwargs: Any) -> Any:
            if not self._open or self._stepping:
                return function(*args, **kwargs)
            # Before anything in the scheduler can wait for the device.
            host_bound = self._clock.drained(self._returned) if self._returned is not None else None
            entered_ns = self._now()
            self._stepping = True
            try:
                result = function(*args, **kwargs)
            finally:
                self._stepping = False
            if self._denoised:
                self.latents = result
                self._end_step(self._mark(), entered_ns, host_bound)
            else:
                self._extend_step(self._mark(), entered_ns)
            return result

        return step

    def _end_step(self, end: Mark, entered_ns: int, host_bound: bool | None) -> None:
        if not self._told:
            self._tell()
        graphs = self._graphs_in_step() if self._graphs is not None else None
        self._step = StepTaken(
            self._call,
            len(self._names) - 1,
            self._evaluations,
            self._time,
            self._start,
            end,
            self._enqueue_ns,
            end.host_ns - entered_ns,
            host_bound,
            graphs,
        )
        if self._on_step is not None:
            self._on_step(graphs, self._denoised)
        self._start = self._last = end
        self._returned = None
        self._enqueue_ns = self._denoised = 0
        self._evaluations += 1
        self.evaluations += 1
        HERE.step = self._evaluations

    def _extend_step(self, end: Mark, entered_ns: int) -> None:
        if self._step is None:
            return
        scheduler_ns = self._step.scheduler_ns + end.host_ns - entered_ns
        self._step = self._step._replace(end=end, scheduler_ns=scheduler_ns)
        self._start = self._last = end

    def _write_step(self) -> None:
        assert self._step is not None
        self._put(self._step)
        self._step = None

    def _graphs_in_step(self) -> int | None:
        assert self._graphs is not None
        before, after = self._graphs_before, self._graphs()
        self._graphs_before = after
        return None if before is None or after is None else after - before

    # --- the progress bar ---------------------------------------------------------------------------------------------

    def around_progress_bar(self, owner: Owner) -> Callable[[Function], Function]:
        """A wrapper for the ``progress_bar`` of the pipeline ``owner``, which counts the updates of the bars it makes.

        They print and behave as before.
        """

        def around(function: Function) -> Function:
            def progress_bar(iterable: Any = None, total: int | None = None, **options: Any) -> Any:
                number = self._open_bar(owner)
                if iterable is not None:
                    counted = _Counted(iterable, self._updated, lambda: self._close_bar(number))
                    self._total = counted.length
                    return function(counted, **options)
                self._total = total
                bar = function(total=total, **options)
                update, close = bar.update, bar.close

                def counting_update(n: float | None = 1) -> Any:
                    self._updated()
                    return update(n)

                def closing() -> Any:
                    self._close_bar(number)
                    return close()

                bar.update, bar.close = counting_update, closing
                return bar

            return progress_bar

        return around

    def _open_bar(self, owner: Owner) -> int:
        self.end_loop()
        self._bars += 1
        self._bar_owner = owner
        return self._bars

    def _close_bar(self, number: int) -> None:
        # A bar closes again when it is collected, which may be in the middle of the next one's loop.
        if number == self._bars:
            self.end_loop()
            self._bar_owner = self._total = None

    def _updated(self) -> None:
        self._iterations += 1

    def end_loop(self) -> None:
        """Close the loop under way, if there is one. Its last ``scheduler.step`` has returned."""
        if not self._open:
            return
        self._open = False
        HERE.stage = HERE.loop = HERE.step = None
        if not self._evaluations:
            self._unstepped = True
            if self._told or self._denoised > CALLS_OF_A_STEP:
                self._shortcoming = _unstepped(self._owner)
        if not self._told:
            return
        self.flush()
        self.stretches.append((self._first, self._last))
        loop = len(self._names) - 1
        # Where no bar counts (AnyFlow draws its own) a step is an iteration.
        iterations = self._iterations or self._evaluations
        self._put(LoopClosed(self._call, loop, self._evaluations, iterations, self._time, self._last))

    def flush(self) -> None:
        """Write the last step: no further ``scheduler.step`` can belong to it."""
        if self._step is not None:
            self._write_step()


def _unstepped(owner: Owner) -> str:
    return f"the loop {owner.name!r} never calls scheduler.step: its steps can't be told apart"


class _Counted:
    """An iterable that tells when each of its items has been dealt with, and when there are no more."""

    def __init__(self, items: Iterable[Any], done: Callable[[], None], ended: Callable[[], None]) -> None:
        self._items = items
        self._done = done
        self._ended = ended
        try:
            self.length: int | None = len(items)  # type: ignore[arg-type]
        except TypeError:
            self.length = None

    def __len__(self) -> int:
        if self.length is None:
            raise TypeError("the items have no length")
        return self.length

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._items:
                yield item
                self._done()
        finally:
            self._ended()


StepHooks = Callable[[Any], tuple[Callable[[], None], Callable[[Any], Any]]]
"""Gives a pipeline's ``before_step`` and ``on_output``."""


def hook_loops(
    hooks: Hooks, pieces: Sequence[Piece], recorder: LoopRecorder, step_hooks: StepHooks | None = None
) -> None:
    """Put the recorder's hooks on the pipelines: at call time, because the user may have swapped their schedulers."""
    for piece in pieces:
        inside = [(_loop_name(name), pipe) for name, pipe in pipelines_inside(piece.pipe)]
        # Those inside first: what they share with the pipeline around them is theirs.
        for name, pipe in [*reversed(inside), (piece.loop, piece.pipe)]:
            members = list(vars(pipe).values())
            own = [d for d in piece.denoisers if any(member is d.module for member in members)]
            owner = Owner(name, [d.label for d in own], *(step_hooks(pipe) if step_hooks else ()))
            for denoiser in own:
                hooks.wrap_call(denoiser.module, recorder.around_denoiser(owner))
            for member in members:
                if callable(getattr(member, "step", None)) and callable(getattr(member, "set_timesteps", None)):
                    hooks.wrap_method(member, "step", recorder.around_scheduler)
            hooks.wrap(pipe, "progress_bar", recorder.around_progress_bar(owner))


def _loop_name(attribute: str) -> str:
    """What the loops of the pipeline inside another one, in its ``attribute``, are called: prior_pipe's are "prior"."""
    return attribute.removesuffix("line").removesuffix("_pipe") or attribute
