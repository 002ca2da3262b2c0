"""The wire format: every event that a worker or the conductor writes, typed and versioned.

One event is one JSON object on one line, told apart by ``kind``. Every record carries ``seq`` (1, 2, 3, ... in each
file; a gap is a lost record) and ``t`` (nanoseconds of CLOCK_MONOTONIC, the same clock in every process of a boot).
Times named ``*_ns`` are nanoseconds, points in time on that clock unless the field says it is a duration; sizes named
``*_bytes`` are bytes. ``None`` means "not measured", never zero.

A record never changes its meaning within a major version: fields and kinds are only added. A reader ignores fields it
does not know, counts kinds it does not know, and refuses a higher major version.
"""

from __future__ import annotations

from profiler.events.base import (
    SCHEMA_MAJOR,
    SCHEMA_MINOR,
    Event,
    Header,
    Int64,
)
from profiler.events.compiling import (
    CacheLookup,
    CompileEnded,
    CompileEvent,
    CompileLimit,
    CompilePhase,
    CompileStarted,
    CudaGraph,
    DynamicMark,
    EagerFallback,
    Folder,
    GraphBreak,
    MonitorError,
    Recompile,
    SourceLines,
)
from profiler.events.conducting import (
    Command,
    DeviceSeen,
    GpuField,
    GpuSample,
    RunChanged,
    SessionChanged,
)
from profiler.events.running import (
    CallEnded,
    CallStarted,
    Environment,
    Heartbeat,
    LoadProgress,
    LoopEnded,
    LoopStarted,
    Memory,
    Note,
    OutOfMemory,
    Output,
    PhaseStarted,
    RunEnded,
    Stage,
    Step,
    Sync,
    Waiting,
)

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
    | Sync
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
    | Folder
    | SourceLines
    | MonitorError
)

__all__ = [
    "AnyEvent",
    "CacheLookup",
    "CallEnded",
    "CallStarted",
    "Command",
    "CompileEnded",
    "CompileEvent",
    "CompileLimit",
    "CompilePhase",
    "CompileStarted",
    "CudaGraph",
    "DeviceSeen",
    "DynamicMark",
    "EagerFallback",
    "Environment",
    "Event",
    "Folder",
    "GpuField",
    "GpuSample",
    "GraphBreak",
    "Header",
    "Heartbeat",
    "Int64",
    "LoadProgress",
    "LoopEnded",
    "LoopStarted",
    "Memory",
    "MonitorError",
    "Note",
    "OutOfMemory",
    "Output",
    "PhaseStarted",
    "Recompile",
    "RunChanged",
    "RunEnded",
    "SCHEMA_MAJOR",
    "SCHEMA_MINOR",
    "SessionChanged",
    "SourceLines",
    "Stage",
    "Step",
    "Sync",
    "Waiting",
]
