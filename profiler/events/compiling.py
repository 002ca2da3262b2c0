"""What a worker writes of torch.compile.

``id`` is torch's compile id ("frame/attempt", as tlparse prints it); ids start again after ``torch._dynamo.reset``, so
(epoch, id) is what is unique. ``call``, ``stage``, ``loop`` and ``step`` say what the event interrupted.

What was told before is left out: what happens within a compile has no place where it is that of the compile's first
event, a ``compile`` not what its ``recompile`` has, and neither has function, file, line, caller and stack where they
are those of the frame's first compile.

Where a run has told much, fewer and shorter records say the same. A ``recompile`` that ``starts`` is its ``compile`` as
well, and has the lines of code that a ``source`` would have, as a ``graph_break`` has; a text told before is referred
to (``like``), and so is the folder of most paths (``below``); one ``dynamic`` has all marks of a compile;
``compile_end`` has its ``lookups`` and what it ``counted``, and neither ``start_ns`` nor ``breaks``.
``profiler.analysis.compiles`` puts all of it back. Where what is referred to was lost, it isn't known.
"""

from __future__ import annotations

import msgspec

from profiler.events.base import Event, Int64


class CompileEvent(Event):
    id: str | None = None
    epoch: Int64 = 0
    call: Int64 | None = None
    stage: str | None = None
    loop: Int64 | None = None
    step: Int64 | None = None
    beside: str | None = None  # id: where this compile's first event was, this one is; in place of the four above


class Folder(CompileEvent, tag="folder"):
    """Paths of events with ``below`` that don't begin with "/" lie in this folder. Its name ends with "/"."""

    path: str = ""


class CompileStarted(CompileEvent, tag="compile"):
    module: str | None = None  # class
    fqn: str | None = None  # qualified name within the pipeline: "unet.down_blocks.0.attentions.0"
    function: str = ""  # the code object: name, file, line
    file: str = ""
    line: Int64 = 0
    caller: str | None = None  # "file:line in function" of the nearest frame outside torch
    stack: list[str] = msgspec.field(default_factory=list)  # frames outside torch, ``caller`` first; [] for just that
    recompile: bool = False
    resume: bool = False  # the rest of a frame after a graph break
    below: bool = False  # ``file`` and ``caller``, unless absolute, are below the run's ``Folder``


class Recompile(CompileEvent, tag="recompile"):
    """Why a frame is compiled again. Comes before its ``compile`` or ``limit`` record."""

    module: str | None = None
    fqn: str | None = None
    function: str = ""
    file: str = ""
    line: Int64 = 0
    reasons: list[str] = msgspec.field(default_factory=list)  # torch's texts in torch's order, one a compiled entry
    total_reasons: Int64 = 0
    matched: Int64 = 0  # which of ``reasons`` is of the entry that should have matched; the rest is about that one
    source: str | None = None  # the guard's expression: args[0]
    argument: str | None = None  # its parameter name: sample; "a, b" for a guard about several
    actual: str | None = None  # the value that failed the guard; of a global setting, what it is now
    at: str | None = None  # "file:line" of the code that the guard is about, as in ``SourceLines``
    starts: bool = False  # there is no ``compile`` unless it has more to tell: the limit's or the compile's end follows
    caller: str | None = None  # of one that ``starts``; the frame's first where left out
    like: str | None = None  # id: the text of ``reasons[matched]`` behind its entry is that of this recompile's
    below: bool = False  # as in ``CompileStarted``, and ``at``
    first: Int64 = 0  # ``lines`` are those around ``at``, else around the caller, as in ``SourceLines``
    lines: list[str] = msgspec.field(default_factory=list)
    indent: Int64 = 0  # how many spaces ``lines`` lack, but empty ones


class CompilePhase(CompileEvent, tag="phase_mark"):
    """A part of a compile begins (``ns`` None) or ended (``ns`` its duration)."""

    phase: str = ""  # total, dynamo, aot, inductor, codegen, kernels, load (from a cache), guards, cudagraph, autotune
    ns: Int64 | None = None


class MarkFound(msgspec.Struct, array_like=True, frozen=True):
    """A ``DynamicMark`` in short."""

    name: str  # "": that of the one before
    dim: Int64 | None = None
    argument: str | None = None
    why: str = ""
    cached: str | None = None
    new: str | None = None


class DynamicMark(CompileEvent, tag="dynamic"):
    """torch made a dimension dynamic after it had changed."""

    name: str = ""
    dim: Int64 | None = None
    argument: str | None = None  # the parameter that ``name`` belongs to
    why: str = ""
    cached: str | None = None
    new: str | None = None
    more: list[MarkFound] = msgspec.field(default_factory=list)  # the compile's next ones


class GraphBreak(CompileEvent, tag="graph_break"):
    file: str = ""
    line: Int64 = 0
    break_id: str | None = None  # "gb0059": the page of the graph-break site
    reason: str = ""
    skipped_frame: bool = False
    below: bool = False  # as in ``CompileStarted``
    first: Int64 = 0  # ``lines`` are those around ``file``:``line``, as in ``SourceLines``
    lines: list[str] = msgspec.field(default_factory=list)
    indent: Int64 = 0  # as in ``Recompile``


class CacheLookup(CompileEvent, tag="cache"):
    layer: str = ""  # fx, aot
    state: str = ""  # hit, miss, bypass
    saved_ns: Int64 | None = None
    why: str | None = None


class CacheFound(msgspec.Struct, array_like=True, frozen=True):
    """A ``CacheLookup`` in short."""

    layer: str
    state: str
    saved_ns: Int64 | None = None
    why: str | None = None


class Counted(msgspec.Struct, array_like=True, frozen=True):
    """Figures of a ``CompileEnded`` in short."""

    operators: Int64 | None = None
    guards: Int64 | None = None
    guard_ns: Int64 | None = None
    overhead_ns: Int64 | None = None
    handler_ns: Int64 | None = None
    phases: list[Int64] = msgspec.field(default_factory=list)  # those of ``PHASES``; 0: it didn't happen


PHASES = ("dynamo", "aot", "inductor", "codegen", "kernels", "autotune")
"""The phases of ``CompileEnded.phases``, outermost first: each holds the next."""


class CompileEnded(CompileEvent, tag="compile_end"):
    ok: bool = True
    failure: str | None = None  # class of the failure
    why: str | None = None
    start_ns: Int64 = 0  # 0: ``t`` - ``ns``
    ns: Int64 = 0  # wall time of the compile on the host clock
    phases: dict[str, Int64] = msgspec.field(default_factory=dict)  # duration in ns; nested, each holds the next
    operators: Int64 | None = None
    guards: Int64 | None = None
    guard_ns: Int64 | None = None  # evaluating this entry's guards once
    overhead_ns: Int64 | None = None  # torch's structured logging, part of ``ns``
    handler_ns: Int64 | None = None  # this program's own handler of it, part of ``ns``
    breaks: Int64 | None = None  # None: as many as there are ``graph_break`` records
    restarts: Int64 = 0
    restart_reasons: list[str] = msgspec.field(default_factory=list)
    cudagraph_skip: str | None = None
    caches: list[CacheFound] = msgspec.field(default_factory=list)  # where a run has told much, in place of ``cache``
    lookups: list[str] = msgspec.field(default_factory=list)  # "fx miss": one of ``caches`` that saved nothing
    counted: Counted | None = None  # where a run has told much, in place of the fields of these names


class CompileLimit(CompileEvent, tag="limit"):
    """The recompile limit was reached: from now on the frame runs eager where no compiled entry fits."""

    module: str | None = None  # this and the next two: those of its ``recompile`` if that ``starts``
    fqn: str | None = None
    function: str = ""
    limit: Int64 | None = None
    setting: str | None = None  # recompile_limit, accumulated_recompile_limit
    why: str = ""
    like: str | None = None  # id: ``why`` is that of this one's
    fatal: bool = False  # fullgraph=True: the call raises


class CudaGraph(CompileEvent, tag="cudagraph"):
    action: str = ""  # record, skip, rerecord
    reason: str | None = None
    ns: Int64 | None = None


class EagerFallback(CompileEvent, tag="eager"):
    """From this step on ``graphs`` compiled graphs run in a step where ``expected`` should: torch says nothing."""

    graphs: Int64 = 0
    expected: Int64 = 0


class SourceLines(CompileEvent, tag="source"):
    """A few lines of the code around a place that a compile event names; each place is told once in a run.

    The session may be read where these files aren't, and a reader never opens a file that a log names.
    """

    file: str = ""
    line: Int64 = 0  # the one that is meant
    first: Int64 = 0  # the number of the first of ``lines``
    lines: list[str] = msgspec.field(default_factory=list)


class MonitorError(CompileEvent, tag="monitor_error"):
    """The capture itself failed on a record; the measured code was not disturbed."""

    error: str = ""
