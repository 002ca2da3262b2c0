"""One run from end to end: load, fit, compile, warm up, measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from profiler import catalog, sessions, toolchain, variants
from profiler.catalog.build import build
from profiler.catalog.errors import BuildError
from profiler.events import LoadProgress, Note, PhaseStarted
from profiler.request import Case, Request, is_factory
from profiler.subject import Subject
from profiler.trust import NOTHING, Trust
from profiler.worker import device, factory, fitting, foreign, memorylimit, pictures, syncs
from profiler.worker.compiles import CompileMonitor, modules_of, self_test, silent_stance
from profiler.worker.inputs import call_arguments
from profiler.worker.live import Sink
from profiler.worker.measure import Capture, Measurement, make_memory
from profiler.worker.memory import MemoryProbe
from profiler.worker.pulse import Pulse
from profiler.worker.schedule import Schedule
from profiler.worker.setting import Setting
from profiler.worker.where import HERE


@dataclass
class CaseRun:
    """Measures one run of ``case``. ``when`` always says what it is at: load, compile, warmup, "call N"."""

    request: Request
    case: Case
    session: str
    folder: Path  # the run's
    sink: Sink
    pulse: Pulse
    trust: Trust = NOTHING  # what else than safetensors may be loaded
    when: str = "load"

    def execute(self) -> None:
        """Make the run. Raises what ended it before its time, Unsupported and DeviceUnavailable among it."""
        self._check_toolchain()
        self._take_device()
        # A function of the user's may compile whatever the variant is.
        traced = self.case.compilation.variant != "no-compile" or self._is_factory
        trace_reason = self_test() if traced else None
        self.sink(device.describe(self.request.device, trace=trace_reason is None, trace_reason=trace_reason))
        probe = self.pulse.probe = make_memory(self.request.device)
        memorylimit.apply(self.request.memory_limit_gib, self.request.device)
        subject = self._load(probe)
        monitor = self._compile(subject) if traced else None
        try:
            last = self._measure(subject, probe, monitor)
        finally:
            if monitor is not None:
                monitor.detach()
        if self.request.find_syncs:
            self._begin(syncs.PHASE, 1, probe)
            # As the last call was: anything else might be compiled first.
            syncs.find_syncs(subject, last, self.request.device, self.sink, cuda_graphs=self._cuda_graphs(monitor))

    @property
    def _is_factory(self) -> bool:
        return is_factory(self.case.workload.origin)

    def _check_toolchain(self) -> None:
        missing = toolchain.missing_for(self.case.compilation, self.request.device)
        if missing is not None:
            raise variants.Unsupported(missing)
        variants.check(self.case.compilation)

    def _take_device(self) -> None:
        name = self.request.device
        if name.startswith("cuda"):
            name = device.nvml_uuid(device.cuda_properties(name)) or name.replace(":", "")
        # Kept for life: the lock goes with the process.
        self._lock = device.DeviceLock(sessions.runtime_folder(), name, self.session)
        self._lock.take(self.sink, queue=self.request.queue)
        device.select(self.request.device)

    def _load(self, probe: MemoryProbe) -> Subject:
        self._begin("load", None, probe)
        subject = self._subject()
        notes = subject.notes + fitting.apply(subject, self.case.workload, self.request.device, self.trust)
        for code, text in [*self._trusted(), *notes]:
            self.sink(Note(code=code, text=text))
        self.sink(probe.sample("load"))
        return subject

    def _trusted(self) -> list[tuple[str, str]]:
        """What was allowed, for whoever reads the figures elsewhere."""
        notes = []
        if self.trust.pickle:
            notes.append(("allow-pickle", "pickled weights were allowed where there are no safetensors"))
        if self.trust.remote_code:
            notes.append(("trust-remote-code", "code that comes with the pipeline was allowed to run"))
        return notes

    def _subject(self) -> Subject:
        workload, where = self.case.workload, self.request.device
        if workload.origin is None:
            return build(
                catalog.find(workload.pipeline),
                size=workload.size,
                weights=workload.weights,
                dtype=workload.dtype,
                # Offloading brings to the device what it needs there.
                device=where if workload.offload is None else "cpu",
                seed=workload.seed,
                text_encoders=workload.text_encoders,
                report=self._report,
                trust=self.trust,
            )
        if self._is_factory:
            subject = factory.load(workload, where, self._report)
        else:
            subject = foreign.load(workload, where, self._report, self.trust)
        if subject.turns and workload.scenario != "steady":
            raise BuildError(
                f"{workload.pipeline} gives its calls' arguments itself: run it with the scenario steady,"
                f" not {workload.scenario}"
            )
        return subject

    def _report(self, name: str, done: int, total: int) -> None:
        self.sink(LoadProgress(name=name, done=done, total=total))

    def _compile(self, subject: Subject) -> CompileMonitor:
        what = variants.apply(subject, self.case.compilation)
        if what:
            self.sink(Note(level="info", code="compiled", text="; ".join(what)))
        # The modules that are compiled now may be others than before. Nothing is compiled until the first call.
        monitor = CompileMonitor(self.sink, modules_of(subject))
        monitor.attach()
        silent = silent_stance()
        if silent is not None:
            self.sink(Note(level="warning", code="stance", text=silent))
        return monitor

    def _cuda_graphs(self, monitor: CompileMonitor | None) -> bool:
        return monitor is not None and variants.uses_cuda_graphs(self.case.compilation, self.request.device)

    def _measure(self, subject: Subject, probe: MemoryProbe, monitor: CompileMonitor | None) -> Setting:
        """Make the calls and keep what they made; the setting of the last one."""
        workload = self.case.workload
        capture = Capture()
        if monitor is not None:
            capture = Capture(
                graphs=monitor.graphs_executed,
                on_step=monitor.on_step,
                cuda_graphs=self._cuda_graphs(monitor),
            )
        schedule = Schedule(subject, workload, self.request.device)
        first = schedule.first()
        # What nobody takes is refused while the run still is at loading.
        call_arguments(subject, first, self.request.device)
        compiles = self.case.compilation.variant != "no-compile" or factory.already_compiled(subject.pipe)
        with Measurement(
            subject,
            workload,
            self.sink,
            device=self.request.device,
            folder=self.folder,
            capture=capture,
            memory=probe,
            save_images=self.request.save_images,
        ) as measurement:
            if compiles:
                self._begin("compile", 1, probe)
                measurement.call("compile", first)
            if workload.warmup:
                self._begin("warmup", workload.warmup, probe)
                for _ in range(workload.warmup):
                    measurement.call("warmup", first)
            self._begin("measure", schedule.calls, probe)
            for turn in schedule.turns():
                self.when = f"call {turn.number}"
                measurement.call("measure", turn.setting, keep_output=turn.keep_output)
            self.sink(probe.sample("measure"))
            if measurement.has_pictures:
                # A phase of its own: encoding takes seconds, which are not the measured phase's.
                self._begin(pictures.PHASE, None, probe)
                measurement.save_pictures()
        return schedule.last or first

    def _begin(self, phase: str, calls: int | None, probe: MemoryProbe) -> None:
        self.when = HERE.phase = phase
        # Peaks begin anew with every phase; of compile and warm-up each has its own.
        probe.reset_peaks()
        self.sink(PhaseStarted(phase=phase, calls=calls))
        self.sink(probe.sample(phase))
