"""What a worker writes of its run: the frame, the calls, the steps, the memory."""

from __future__ import annotations

import msgspec

from profiler.events.base import Event, Int64


class Environment(Event, tag="environment"):
    """Where the run happens. ``device`` is a torch device string, ``uuid`` NVML's UUID of it."""

    device: str = ""
    device_name: str = ""
    uuid: str | None = None
    pci_bus_id: str | None = None
    total_bytes: Int64 | None = None  # device memory; main memory on a CPU
    versions: dict[str, str] = msgspec.field(default_factory=dict)  # python, torch, cuda, diffusers, ...
    cpu: str = ""
    cores: Int64 = 0
    threads: Int64 = 0  # torch.get_num_threads()
    trace: bool = True  # the structured trace answered its self-test: compile events are complete
    trace_reason: str | None = None


class Waiting(Event, tag="waiting"):
    """The device is locked by another session; ``behind`` names it. Ends with the next phase."""

    behind: str = ""


class PhaseStarted(Event, tag="phase"):
    """``load``, ``compile``, ``warmup``, ``measure`` or ``syncs`` begins; the one before it ends. The call of ``syncs``
    isn't logged: it is slower than others.
    """

    phase: str = ""
    calls: Int64 | None = None  # how many calls the phase will make


class LoadProgress(Event, tag="load"):
    """Component ``name`` of the pipeline is being built or read: ``done`` of ``total`` components are ready."""

    name: str = ""
    done: Int64 = 0
    total: Int64 = 0


class Memory(Event, tag="memory"):
    """Memory of the worker at a moment. Peaks are since the start of ``phase``."""

    phase: str = ""
    call: Int64 | None = None
    allocated_bytes: Int64 | None = None
    reserved_bytes: Int64 | None = None
    allocated_peak_bytes: Int64 | None = None
    reserved_peak_bytes: Int64 | None = None
    rss_bytes: Int64 | None = None
    rss_peak_bytes: Int64 | None = None
    retries: Int64 | None = None  # cudaMalloc retries since the start of the run (cache flushed and tried again)


class CallStarted(Event, tag="call"):
    """One ``pipe(...)`` begins. Calls of a run are numbered from 0, over all phases."""

    call: Int64 = 0
    phase: str = ""
    steps: Int64 | None = None  # scheduler steps expected over all loops, where known
    start_ns: Int64 = 0
    leg: str | None = None  # of the scenario; None in a steady one


class CallEnded(Event, tag="call_end"):
    call: Int64 = 0
    ns: Int64 = 0  # duration, host clock, device synchronised at both ends
    images: Int64 = 0
    retries: Int64 | None = None  # allocation retries during the call
    cpu_ns: Int64 | None = None  # CPU time of the worker's process during the call
    waited_ns: Int64 | None = None  # how long the calling thread was ready during the call and no core was free
    foreign_cpu_ns: Int64 | None = None  # CPU time of everything else on the cores that the worker may use
    collections: Int64 | None = None  # Python's garbage collector ran over all objects: how often during the call


class LoopStarted(Event, tag="loop"):
    call: Int64 = 0
    loop: Int64 = 0  # 0, 1, ... within the call
    name: str = ""
    denoisers: list[str] = msgspec.field(default_factory=list)
    iterations: Int64 | None = None  # the progress bar's total
    start_ns: Int64 = 0


class Step(Event, tag="step"):
    """One ``scheduler.step``: from the boundary before it to its return. The steps of a loop add up to the loop."""

    call: Int64 = 0
    loop: Int64 = 0
    step: Int64 = 0  # 0, 1, ... within the loop
    start_ns: Int64 = 0  # device time placed on the log's clock on CUDA, else host time
    ns: Int64 = 0  # duration: device events on CUDA, else host clock
    host_ns: Int64 = 0  # duration on the host clock between the same boundaries
    enqueue_ns: Int64 = 0  # host time inside the denoisers' calls
    scheduler_ns: Int64 = 0  # host time inside scheduler.step, its waits for the device included
    host_bound: bool | None = None  # the device had finished the denoiser when scheduler.step was entered
    graphs: Int64 | None = None  # compiled graphs executed in this step; None where nothing is compiled


class LoopEnded(Event, tag="loop_end"):
    call: Int64 = 0
    loop: Int64 = 0
    ns: Int64 = 0  # duration = sum of the steps' ``ns``
    evaluations: Int64 = 0  # scheduler steps made
    iterations: Int64 = 0  # progress-bar updates made; evaluations where no bar of the pipeline counts


class Stage(Event, tag="stage"):
    """A part of a call: ``text_encode``, ``image_encode``, ``denoise``, ``decode``."""

    call: Int64 = 0
    name: str = ""
    start_ns: Int64 = 0
    ns: Int64 = 0


class Output(Event, tag="output"):
    """The final latents of a call, for comparison between variants. Where pictures are kept another one of the call
    names them, without latents.
    """

    call: Int64 = 0
    seed: Int64 = 0
    shape: list[Int64] = msgspec.field(default_factory=list)
    digest: str = ""  # SHA-256 of the bytes, in the type that the pipeline computed in
    finite: bool = True
    dtype: str = ""  # that type: "float32", "bfloat16", ...
    file: str | None = None  # the latents as float32, a safetensors file in the run's folder
    images: list[str] = msgspec.field(default_factory=list)  # PNG files of the pictures, in the run's folder
    thumbnails: list[str] = msgspec.field(default_factory=list)  # the same small, as PPM files: terminals show them


class Sync(Event, tag="sync"):
    """A place that made Python wait for the device in the call that looks for them (``--find-syncs``)."""

    file: str = ""
    line: Int64 = 0
    function: str = ""
    code: str = ""  # the line itself
    count: Int64 = 0  # how often in that call
    stack: list[str] = msgspec.field(default_factory=list)  # "file:line in function" of the frames around, inner first
    stage: str | None = None  # where it happened first
    loop: Int64 | None = None
    step: Int64 | None = None


class Heartbeat(Event, tag="heartbeat"):
    """The worker's process is alive, whatever its main thread does."""

    rss_bytes: Int64 | None = None


class Note(Event, tag="note"):
    """Something the reader of the figures must know. ``code`` is stable, ``text`` is for people."""

    level: str = "info"  # info, warning, error
    code: str = ""
    text: str = ""
    call: Int64 | None = None


class OutOfMemory(Event, tag="oom"):
    """An allocation failed; ``when`` is load, compile, warmup or "call N" (measured calls count from 1)."""

    when: str = ""
    asked_bytes: Int64 | None = None
    allocated_bytes: Int64 | None = None
    reserved_bytes: Int64 | None = None
    free_bytes: Int64 | None = None
    total_bytes: Int64 | None = None


class RunEnded(Event, tag="end"):
    """The worker's own last word; a log without it died."""

    outcome: str = ""  # ok, oom, failed, unsupported, stopped
    reason: str | None = None  # one line
    error: str | None = None  # the exception's class
