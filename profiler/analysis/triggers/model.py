"""What the explanation of compile events says: plain values, which screens, JSON and exports share.

Durations ending in ``_ms`` are milliseconds, points in time ``*_ns`` nanoseconds on the log's clock. None means that it
was not measured or is not known.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["compile", "recompile", "failure", "limit", "break", "eager", "cudagraph"]
"""``compile``: a frame's first; ``recompile``: again; ``failure``: a compile that failed; ``limit``: refused, since the
recompile limit was reached; ``break``: a graph break; ``eager``: the silent fall after a limit; ``cudagraph``: a CUDA
graph that was skipped or recorded again."""

Blame = Literal["user", "expected", "artefact", "unknown"]
"""``user``: something that the caller changed; ``expected``: the model's or the variant's nature, once; ``artefact``:
frames that share a code object are counted as recompiles of each other; ``unknown``: the text says too little."""


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do: ``remedy`` names the exact call or option, ``link`` is a page of torch's or diffusers' docs."""

    remedy: str
    link: str | None = None


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a compile event interrupted."""

    phase: str | None  # of the run: compile, warmup, measure
    call: int | None  # over all phases, from 0
    measured: int | None  # the number of the measured call, from 1; None in other phases
    leg: str | None  # of the scenario
    stage: str | None
    loop: int | None
    step: int | None  # from 0
    step_ms: float | None = None  # how long that step took
    usual_ms: float | None = None  # how long the steps of that loop take: the median of those without a compile
    lost_ms: float | None = None  # ``step_ms`` - ``usual_ms``: what the step lost to all that happened in it


class Part(msgspec.Struct, frozen=True):
    """A phase of a compile, without those inside it: the parts of a compile add up to its wall time."""

    phase: str  # dynamo, aot, inductor, codegen, kernels, autotune, guards, other
    ms: float


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one compile took and what it made."""

    ms: float  # wall time
    net_ms: float  # without torch's structured logging, which the profiler switches on
    parts: list[Part]
    operators: int | None
    guards: int | None
    guard_ms: float | None  # evaluating this entry's guards once: what each later call pays
    overhead_ms: float | None  # torch's structured logging
    handler_ms: float | None  # this program's own part of that
    restarts: int
    caches: list[str]  # "fx hit, saved 24.4 s", "aot miss", in the order of the lookups


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """Code around a place, as the worker told it."""

    file: str
    line: int  # the one that is meant
    first: int  # the number of the first of ``lines``
    lines: list[str]
    what: str  # "the guard's code" or "called from"


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One compile event, explained."""

    key: str  # unique within the session: "RUN epoch id", or "RUN t kind" for one outside a compile
    run: str
    case: str
    variant: str
    repeat: int
    kind: Kind
    cause: str  # a class of ``causes.CAUSES``: tensor.size, global.state, ...; ``other`` for a text that no rule knows
    blame: Blame
    sentence: str  # what happened, in one plain sentence: "sample height 8 → 12 (64 → 96 px)"
    why: str  # what that means, in one or two
    advice: Advice | None
    module: str | None  # class; None where no module is compiled
    fqn: str | None  # qualified name within the pipeline
    function: str
    file: str
    line: int
    argument: str | None = None  # parameter name
    dimension: str | None = None  # in pipeline words: batch, channels, height, width, tokens, frames
    expected: str | None = None
    actual: str | None = None
    id: str | None = None  # torch's compile id, as tlparse prints it
    epoch: int = 0
    entry: str | None = None  # the compile id of the entry that should have matched
    guard: str | None = None  # torch's text of the guard that failed
    others: list[str] = msgspec.field(default_factory=list)  # why the other entries did not match
    code: Lines | None = None
    caller: str | None = None  # "file:line in function"
    stack: list[str] = msgspec.field(default_factory=list)
    dynamic: list[str] = msgspec.field(default_factory=list)  # "sample dim 2 (height): 8, then 12"
    t: int = 0  # when it was told
    start_ns: int = 0  # when it began
    running: bool = False  # still compiling
    phase: str = ""  # what it is at, while it runs
    place: Place
    cost: Cost | None = None  # None while it runs, and for what is no compile


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The same trigger however often it came: same case, kind, cause, blame, module class, argument and dimension, and
    of a graph break, a failure or a CUDA graph the same sentence.
    """

    key: str
    case: str
    variant: str
    kind: Kind
    cause: str
    blame: Blame
    sentence: str  # one occurrence's, or of several: "sample height changed 3 times: 8 → 12, 12 → 16, ..."
    why: str
    advice: Advice | None
    module: str | None
    fqn: str | None  # None where the occurrences are of several modules
    count: int
    runs: int  # in how many runs
    total_ms: float  # of the compiles; 0 for what is no compile
    worst_ms: float
    lost_ms: float | None  # of the steps that were held up, each step once
    measured: int  # occurrences within measured calls
    running: bool
    occurrences: list[Occurrence]
