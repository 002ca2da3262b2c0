"""The wire format: every event that a worker or the conductor writes, typed and versioned.

One event is one JSON object on one line, told apart by ``kind``. Every record carries ``seq`` (1, 2, 3, ... in each
file; a gap is a lost record) and ``t`` (nanoseconds of CLOCK_MONOTONIC, the same clock in every process of a boot).
Times named ``*_ns`` are nanoseconds, points in time on that clock unless the field says it is a duration; sizes named
``*_bytes`` are bytes. ``None`` means "not measured", never zero.

A record never changes its meaning within a major version: fields and kinds are only added. A reader ignores fields it
does not know, counts kinds it does not know, and refuses a higher major version.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

SCHEMA_MAJOR = 1
SCHEMA_MINOR = 1

# A damaged line may hold a number of any length; what is kept in columns has 64 bits.
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class Event(msgspec.Struct, tag_field="kind", omit_defaults=True, gc=False):
    """What every record has. ``seq`` and ``t`` are filled in by the log that writes the record."""

    seq: Int64 = 0
    t: Int64 = 0


class Header(Event, tag="header"):
    """First record of every log: who writes it and how its clock maps to the wall clock."""

    schema: Int64 = SCHEMA_MAJOR
    minor: Int64 = SCHEMA_MINOR
    writer: str = ""  # "worker" or "conductor"
    session: str = ""
    run: str | None = None
    stepscope: str = ""
    host: str = ""
    boot_id: str = ""
    pid: Int64 = 0
    pid_started: float | None = None  # the process's start time, to tell it from a later one with the same pid
    wall_ns: Int64 = 0  # time.time_ns() at ``t``


# --- conductor ------------------------------------------------------------------------------------------------------


class SessionChanged(Event, tag="session"):
    """The session's state: ``running``, then once ``done``, ``stopped`` or ``failed``."""

    state: str = ""
    reason: str | None = None


class RunChanged(Event, tag="run"):
    """A run's state as the conductor sees it: ``queued``, ``running``, ``ended``."""

    run: str = ""
    state: str = ""
    pid: Int64 | None = None
    outcome: str | None = None  # with ``ended``: ok, oom, failed, unsupported, stopped, died
    reason: str | None = None
    exit_code: Int64 | None = None
    signal: Int64 | None = None
    cold: bool | None = None  # with ``running``: the case's compile-cache folder was empty


class DeviceSeen(Event, tag="device"):
    """What NVML says about the device under measurement, once its UUID is known; or why NVML has nothing to say."""

    uuid: str | None = None
    name: str | None = None
    total_bytes: Int64 | None = None
    driver: str | None = None
    reason: str | None = None  # why there are no GPU samples


class GpuSample(Event, tag="gpu"):
    """NVML's view of the device. A field that could not be read is None; ``GpuField`` says why."""

    used_bytes: Int64 | None = None  # the whole device, all processes
    process_bytes: Int64 | None = None  # best effort: this run's processes
    utilization: Int64 | None = None  # percent of the driver's sample period with a kernel running
    power_mw: Int64 | None = None
    energy_mj: Int64 | None = None  # a counter since the driver was loaded
    temperature_c: Int64 | None = None
    sm_mhz: Int64 | None = None
    memory_mhz: Int64 | None = None
    reasons: Int64 | None = None  # clock event reasons, NVML's bit mask
    others: Int64 | None = None  # processes on the device that aren't this run's; None where pids can't be matched


class GpuField(Event, tag="gpu_field"):
    """One field of ``GpuSample`` became unreadable (``reason``) or readable again (``reason`` None)."""

    field: str = ""
    reason: str | None = None


class Command(Event, tag="command"):
    """A command from ``control/`` was taken."""

    command: str = ""  # stop, skip
    run: str | None = None
    pid: Int64 | None = None


# --- worker: the frame of a run ---------------------------------------------------------------------------------------


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
    """``load``, ``compile``, ``warmup`` or ``measure`` begins; the one before it ends."""

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
    """The final latents of a call, for comparison between variants."""

    call: Int64 = 0
    seed: Int64 = 0
    shape: list[Int64] = msgspec.field(default_factory=list)
    digest: str = ""  # SHA-256 of the bytes, in the type that the pipeline computed in
    finite: bool = True
    file: str | None = None  # the latents as float32, a safetensors file in the run's folder


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


# --- worker: torch.compile -------------------------------------------------------------------------------------------
# ``id`` is torch's compile id ("frame/attempt", as tlparse prints it); ids start again after torch._dynamo.reset, so
# (epoch, id) is what is unique. ``call``, ``stage``, ``loop`` and ``step`` say what the event interrupted.


class CompileEvent(Event):
    id: str | None = None
    epoch: Int64 = 0
    call: Int64 | None = None
    stage: str | None = None
    loop: Int64 | None = None
    step: Int64 | None = None


class CompileStarted(CompileEvent, tag="compile"):
    module: str | None = None  # class
    fqn: str | None = None  # qualified name within the pipeline: "unet.down_blocks.0.attentions.0"
    function: str = ""  # the code object: name, file, line
    file: str = ""
    line: Int64 = 0
    caller: str | None = None  # "file:line in function" of the nearest frame outside torch
    recompile: bool = False
    resume: bool = False  # the rest of a frame after a graph break


class Recompile(CompileEvent, tag="recompile"):
    """Why a frame is compiled again. Comes before its ``compile`` or ``limit`` record."""

    module: str | None = None
    fqn: str | None = None
    function: str = ""
    file: str = ""
    line: Int64 = 0
    reasons: list[str] = msgspec.field(default_factory=list)  # torch's texts; the first is the entry that should match
    total_reasons: Int64 = 0
    source: str | None = None  # the guard's expression: args[0]
    argument: str | None = None  # its parameter name: sample
    actual: str | None = None  # the value that failed the guard


class CompilePhase(CompileEvent, tag="phase_mark"):
    """A part of a compile begins (``ns`` None) or ended (``ns`` its duration)."""

    phase: str = ""  # total, dynamo, aot, inductor, codegen, kernels, guards, cudagraph, autotune
    ns: Int64 | None = None


class DynamicMark(CompileEvent, tag="dynamic"):
    """torch made a dimension dynamic after it had changed."""

    name: str = ""
    dim: Int64 | None = None
    why: str = ""
    cached: str | None = None
    new: str | None = None


class GraphBreak(CompileEvent, tag="graph_break"):
    file: str = ""
    line: Int64 = 0
    break_id: str | None = None  # "gb0059": the page of the graph-break site
    reason: str = ""
    skipped_frame: bool = False


class CacheLookup(CompileEvent, tag="cache"):
    layer: str = ""  # fx, aot
    state: str = ""  # hit, miss, bypass
    saved_ns: Int64 | None = None
    why: str | None = None


class CompileEnded(CompileEvent, tag="compile_end"):
    ok: bool = True
    failure: str | None = None  # class of the failure
    why: str | None = None
    start_ns: Int64 = 0
    ns: Int64 = 0  # wall time of the compile on the host clock
    phases: dict[str, Int64] = msgspec.field(default_factory=dict)  # duration in ns; nested, each holds the next
    operators: Int64 | None = None
    guards: Int64 | None = None
    guard_ns: Int64 | None = None  # evaluating this entry's guards once
    overhead_ns: Int64 | None = None  # torch's structured logging, part of ``ns``
    breaks: Int64 | None = None
    restarts: Int64 = 0
    cudagraph_skip: str | None = None


class CompileLimit(CompileEvent, tag="limit"):
    """The recompile limit was reached: from now on the frame runs eager where no compiled entry fits."""

    module: str | None = None
    fqn: str | None = None
    function: str = ""
    limit: Int64 | None = None
    why: str = ""
    fatal: bool = False  # fullgraph=True: the call raises


class CudaGraph(CompileEvent, tag="cudagraph"):
    action: str = ""  # record, skip, rerecord
    reason: str | None = None
    ns: Int64 | None = None


class EagerFallback(CompileEvent, tag="eager"):
    """From this step on ``graphs`` compiled graphs run in a step where ``expected`` did: torch itself says nothing."""

    graphs: Int64 = 0
    expected: Int64 = 0


class MonitorError(CompileEvent, tag="monitor_error"):
    """The capture itself failed on a record; the measured code was not disturbed."""

    error: str = ""


AnyEvent = (
    Header
    | SessionChanged
    | RunChanged
    | DeviceSeen
    | GpuSample
    | GpuField
    | Command
    | Environment
    | Waiting
    | PhaseStarted
    | LoadProgress
    | Memory
    | CallStarted
    | CallEnded
    | LoopStarted
    | Step
    | LoopEnded
    | Stage
    | Output
    | Heartbeat
    | Note
    | OutOfMemory
    | RunEnded
    | CompileStarted
    | Recompile
    | CompilePhase
    | DynamicMark
    | GraphBreak
    | CacheLookup
    | CompileEnded
    | CompileLimit
    | CudaGraph
    | EagerFallback
    | MonitorError
)
