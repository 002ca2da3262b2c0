"""One run from end to end: load, compile, warm-up, measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from profiler import catalog, sessions, toolchain, variants
from profiler.catalog.build import build
from profiler.events import LoadProgress, Note, PhaseStarted
from profiler.request import Case, Request
from profiler.subject import Subject
from profiler.worker import device
from profiler.worker.compiles import CompileMonitor, self_test
from profiler.worker.live import Sink
from profiler.worker.measure import Capture, Measurement, make_memory
from profiler.worker.memory import MemoryProbe
from profiler.worker.pulse import Pulse
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
    when: str = "load"

    def execute(self) -> None:
        """Make the run. Raises what ended it before its time, Unsupported and DeviceUnavailable among it."""
        compiled = self.case.compilation.variant != "no-compile"
        self._check_toolchain()
        self._take_device()
        trace_reason = self_test() if compiled else None
        self.sink(device.describe(self.request.device, trace=trace_reason is None, trace_reason=trace_reason))
        probe = self.pulse.probe = make_memory(self.request.device)
        subject = self._load(probe)
        monitor = self._compile(subject) if compiled else None
        self._measure(subject, probe, monitor)

    def _check_toolchain(self) -> None:
        missing = toolchain.missing_for(self.case.compilation, self.request.device)
        if missing is not None:
            raise variants.Unsupported(missing)

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
        workload = self.case.workload
        subject = build(
            catalog.find(workload.pipeline),
            size=workload.size,
            weights=workload.weights,
            dtype=workload.dtype,
            device=self.request.device,
            seed=workload.seed,
            report=lambda name, done, total: self.sink(LoadProgress(name=name, done=done, total=total)),
        )
        self.sink(probe.sample("load"))
        return subject

    def _compile(self, subject: Subject) -> CompileMonitor:
        components = {denoiser.label: denoiser.module for denoiser in subject.denoisers}
        monitor = CompileMonitor(self.sink, components)
        monitor.attach()
        what = variants.apply(subject, self.case.compilation)
        self.sink(Note(level="info", code="compiled", text="; ".join(what)))
        return monitor

    def _measure(self, subject: Subject, probe: MemoryProbe, monitor: CompileMonitor | None) -> None:
        workload = self.case.workload
        capture = Capture()
        if monitor is not None:
            capture = Capture(
                graphs=monitor.graphs_executed,
                on_step=monitor.on_step,
                cuda_graphs=variants.uses_cuda_graphs(self.case.compilation, self.request.device),
            )
        with Measurement(
            subject,
            workload,
            self.sink,
            device=self.request.device,
            folder=self.folder,
            capture=capture,
            memory=probe,
        ) as measurement:
            if monitor is not None:
                self._begin("compile", 1, probe)
                measurement.call("compile")
            if workload.warmup:
                self._begin("warmup", workload.warmup, probe)
                for _ in range(workload.warmup):
                    measurement.call("warmup")
            self._begin("measure", workload.calls, probe)
            for number in range(1, workload.calls + 1):
                self.when = f"call {number}"
                measurement.call("measure", keep_output=number == workload.calls)
            self.sink(probe.sample("measure"))

    def _begin(self, phase: str, calls: int | None, probe: MemoryProbe) -> None:
        self.when = HERE.phase = phase
        # Peaks begin anew with every phase; of compile and warm-up each has its own.
        probe.reset_peaks()
        self.sink(PhaseStarted(phase=phase, calls=calls))
        self.sink(probe.sample(phase))
