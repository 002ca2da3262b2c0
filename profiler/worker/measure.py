"""Measure calls of a pipeline: hooks on, call, hooks off, everything written to a sink.

``Measurement`` is what a worker uses for its run and what benchmarks and tests use in their own process::

    events: list[Event] = []
    with Measurement(subject, workload, events.append, device="cpu") as measurement:
        measurement.call("measure")            # with every hook of a real run
        measurement.bare_call()                # the same call without any
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from profiler.events import CallEnded, CallStarted, Note, Output
from profiler.request import Workload
from profiler.subject import Subject
from profiler.variants import Unsupported
from profiler.worker import pictures
from profiler.worker.clock import Clock, CudaClock, HostClock
from profiler.worker.cudagraphs import CudaGraphSteps
from profiler.worker.device import device_index
from profiler.worker.hooks import Hooks
from profiler.worker.hostload import HostLoad
from profiler.worker.inputs import call_arguments, images_per_call
from profiler.worker.latents import final_latents, output_event, save_latents
from profiler.worker.live import LiveWriter, Sink
from profiler.worker.memory import CudaMemory, HostMemory, MemoryProbe
from profiler.worker.plan import USUAL_STEPS, expected_steps
from profiler.worker.setting import Setting
from profiler.worker.signature import Arguments
from profiler.worker.stages import StageRecorder, hook_stages
from profiler.worker.steps import LoopRecorder, hook_loops
from profiler.worker.where import HERE


@dataclass
class Capture:
    """What compiled variants need beyond the clocks; empty for no-compile."""

    graphs: Callable[[], int | None] | None = None  # reads the counter of executed compiled graphs
    on_step: Callable[[int | None, int], None] | None = None  # told a step's compiled graphs and denoiser calls
    cuda_graphs: bool = False  # the denoisers replay CUDA graphs


@dataclass
class Measurement:
    """Makes the calls of one run and writes what they show to ``sink`` (any thread may call it).

    A context manager: leaving it ends the thread that writes. Not reusable, not for concurrent calls.
    """

    subject: Subject
    workload: Workload
    sink: Sink
    device: str = "cpu"
    folder: Path | None = None  # where the last call's latents go; None: nowhere
    capture: Capture = field(default_factory=Capture)
    clock: Clock | None = None
    memory: MemoryProbe | None = None
    host: HostLoad = field(default_factory=HostLoad)
    save_images: bool = False  # keep the pictures of the call whose latents are kept
    live: bool = True  # write steps while the call runs; False: when it has ended
    latents: Any = None  # the final latents of the last hooked call
    output: Any = None  # what the pipeline returned

    def __post_init__(self) -> None:
        self.pipe = self.subject.pipe
        self._clock = self.clock or make_clock(self.device)
        self.probe = self.memory or make_memory(self.device)
        self._writer = LiveWriter(self._clock, self.sink)
        self._calls = 0
        self._known_steps: dict[str | None, int] = {}  # by leg
        self._kept: tuple[Output, pictures.Taken] | None = None

    def __enter__(self) -> Measurement:
        if self.live:
            self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.stop()

    def bare_call(self, setting: Setting | None = None) -> Any:
        """One call without hooks or events, arguments as in ``call``; what the pipeline returned."""
        setting = setting or Setting(self.workload)
        arguments = call_arguments(self.subject, setting, self.device)
        with setting.around():
            result = self.subject.call(arguments)
        self._clock.synchronize()
        return result

    def call(self, phase: str, setting: Setting | None = None, *, keep_output: bool = False) -> int:
        """Make one measured call as part of ``phase`` and return its duration in nanoseconds of the host clock.

        ``setting`` says what it does; None: the workload as it is. The device is idle at both ends. ``keep_output``
        writes an Output event with the final latents. What the pipeline raises passes through; steps that were complete
        by then are written. Raises Unsupported where the loops can't be cut into steps.
        """
        setting = setting or Setting(self.workload)
        number, self._calls = self._calls, self._calls + 1
        HERE.phase, HERE.call = phase, number
        arguments = call_arguments(self.subject, setting, self.device)
        steps = self._known_steps.get(setting.leg) or expected_steps(self.subject, setting.workload)
        self._clock.prepare(steps or setting.workload.steps or USUAL_STEPS)
        recorder = self._recorder(number)
        stages = StageRecorder(number, self._clock, lambda: recorder.loops)
        started = CallStarted(call=number, phase=phase, steps=steps, leg=setting.leg)
        try:
            with setting.around():
                ended = self._timed(started, arguments, recorder, stages)
        except BaseException as error:
            self._abandon(error, recorder)
            raise
        finally:
            HERE.call = HERE.stage = HERE.loop = HERE.step = None
        self._write_stages(recorder, stages)
        self._known_steps[setting.leg] = recorder.evaluations
        self.latents = final_latents(recorder.latents)
        ended.images = images_per_call(self.subject, arguments)
        ns = ended.ns  # what the log gets is no longer ours
        self.sink(ended)
        self.sink(self.probe.sample(phase, number))
        if recorder.shortcoming is not None:
            raise Unsupported(f"{type(self.pipe).__name__}: {recorder.shortcoming}")
        if keep_output:
            self._write_output(number)
        return ns

    @property
    def has_pictures(self) -> bool:
        """Whether there is something for ``save_pictures`` to do."""
        return self._kept is not None and self.folder is not None

    def save_pictures(self) -> None:
        """Write the pictures of the call whose output was kept, if they are to be: when no call is to come that counts
        memory or time. Another Output event of that call names them.
        """
        if self._kept is None or self.folder is None:
            return
        (output, taken), self._kept = self._kept, None
        saved = pictures.save(taken, self.folder)
        for problem, level in ((taken.text, "info"), (saved.problem, "warning")):
            if problem is not None:
                self.sink(Note(level=level, code="pictures", text=problem, call=output.call))
        if saved.images:
            named = Output(call=output.call, seed=output.seed, images=saved.images, thumbnails=saved.thumbnails)
            self.sink(named)

    def _recorder(self, number: int) -> LoopRecorder:
        return LoopRecorder(
            number, self._clock, self._writer.put, graphs=self.capture.graphs, on_step=self.capture.on_step
        )

    def _timed(
        self, started: CallStarted, arguments: Arguments, recorder: LoopRecorder, stages: StageRecorder
    ) -> CallEnded:
        """Make the call. The event lacks the number of images."""
        with Hooks() as hooks:
            step_hooks = self._step_hooks if self.capture.cuda_graphs else None
            hook_loops(hooks, self.subject.pieces, recorder, step_hooks)
            hook_stages(hooks, self.subject.pieces, stages)
            retries = self.probe.retries()
            before = self.host.read()
            self._clock.anchor()
            cpu_start = time.process_time_ns()
            start = started.start_ns = time.monotonic_ns()
            self.sink(started)
            self.output = self.subject.call(arguments)
            self._clock.synchronize()
            ns = time.monotonic_ns() - start
            cpu_ns = time.process_time_ns() - cpu_start
            load = self.host.between(before, self.host.read())
        after = self.probe.retries()
        return CallEnded(
            call=started.call,
            ns=ns,
            retries=None if retries is None or after is None else after - retries,
            cpu_ns=cpu_ns,
            waited_ns=load.waited_ns,
            foreign_cpu_ns=load.foreign_cpu_ns,
            collections=load.collections,
        )

    def _step_hooks(self, pipe: Any) -> tuple[Callable[[], None], Callable[[Any], Any]]:
        graph_steps = CudaGraphSteps(pipe, self._note_clone)
        return graph_steps.begin_step, graph_steps.keep

    def _write_stages(self, recorder: LoopRecorder, stages: StageRecorder) -> None:
        recorder.end_loop()  # of a pipeline without a progress bar
        for record in stages.records(recorder.stretches):
            self._writer.put(record)
        self._writer.flush()

    def _abandon(self, error: BaseException, recorder: LoopRecorder) -> None:
        """The call failed: write its steps as far as they can be read. The device may be unusable."""
        recorder.flush()
        try:
            if isinstance(error, Exception):
                # Out of memory leaves the device at work; whoever stops the run doesn't wait for it.
                self._clock.synchronize()
            self._writer.flush()
        except RuntimeError as unreadable:
            # The call's own exception says what happened; this one only says that its steps can't be read.
            self.sink(Note(level="warning", code="steps-lost", text=f"steps could not be read: {unreadable}"))
        self._writer.forget()

    def _write_output(self, number: int) -> None:
        if self.save_images:
            self._kept = Output(call=number, seed=self.workload.seed), pictures.take(self.output)
        if self.latents is None:
            self.sink(Note(level="warning", code="no-latents", text="no latents to compare outputs by", call=number))
            return
        file = None
        if self.folder is not None:
            try:
                file = save_latents(self.latents, self.folder)
            except OSError as error:
                self.sink(
                    Note(level="warning", code="latents-not-saved", text=f"latents not saved: {error}", call=number)
                )
        self.sink(output_event(self.latents, number, self.workload.seed, file))

    def _note_clone(self, scheduler: str) -> None:
        text = f"the denoiser's output is copied every step: {scheduler} keeps it, and CUDA graphs overwrite it"
        self.sink(Note(level="info", code="output-cloned", text=text))


def make_clock(device: str) -> Clock:
    """The clock for a torch device string."""
    return CudaClock(device_index(device)) if device.startswith("cuda") else HostClock()


def make_memory(device: str) -> MemoryProbe:
    """The memory probe for a torch device string."""
    return CudaMemory(device_index(device)) if device.startswith("cuda") else HostMemory()
