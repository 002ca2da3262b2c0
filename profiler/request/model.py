"""The request as plain data: what ``session.json`` stores and the conductor and the workers obey."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

VARIANTS = ("no-compile", "compile", "regional-compile")
ENGINES = ("diffusers", "accelerate")
LOOKS = (3, 5, 8, 12)
"""After how many repeats a session that goes on until it is sure looks at its verdicts."""


class BadRequest(Exception):
    """What was asked for can't be run; the message is one line that says what would work.

    ``field`` is the field of ``Options`` that is wrong, None where it is several together, and ``within`` where in it:
    numbers of items and names. ``number`` says which of the options that were asked for together. All count from 0.
    """

    def __init__(
        self, message: str, field: str | None = None, *, within: tuple[int | str, ...] = (), number: int = 0
    ) -> None:
        super().__init__(message)
        self.field = field
        self.within = within
        self.number = number


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a scenario: measured calls that are all alike.

    ``changes`` says in which workload fields and other settings (``profiler.scenarios.SETTINGS``) its calls differ from
    the workload; empty: in none.
    """

    name: str  # for people: "768x512", "guidance off"
    changes: dict[str, Any] = msgspec.field(default_factory=dict)
    calls: int | None = None  # None: as many as the workload says


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What every call of a case does. Sizes are of the picture, in pixels.

    None stands for the pipeline's own default; in a workload of the catalogue it is resolved wherever there is one.
    """

    pipeline: str  # the catalogue's name; for others a short name that is safe in files and tables
    origin: str | None = None  # None: the catalogue; else a hub id, a folder, or FILE.py:FUNCTION, paths absolute
    size: str
    weights: str  # random, hub or a folder
    batch_size: int
    height: int | None
    width: int | None
    frames: int | None = None  # of a video
    steps: int | None  # num_inference_steps; of the first loop, where an entry has several
    guidance: float | None
    strength: float | None = None  # how much of the input picture is painted anew
    dtype: str
    scheduler: str | None = None  # class name; None: the pipeline's own
    attention: str | None = None  # sdpa, vanilla or a backend of diffusers' dispatcher; None: the pipeline's own
    memory_format: str = "contiguous"  # or channels_last: of the denoisers
    attention_slicing: bool = False
    vae_slicing: bool = False
    vae_tiling: bool = False
    vae: str | None = None  # tiny (an AutoencoderTiny), a hub id or a folder; None: the pipeline's own
    offload: str | None = None  # model or group
    layerwise_casting: str | None = None  # the type that weights are stored in: float8_e4m3fn, float8_e5m2
    text_encoders: str = "light"  # light: all but those of the T5-XXL class; all; none: embeddings alone
    seed: int
    prompt: str
    call: dict[str, Any] = msgspec.field(default_factory=dict)  # further arguments of every call
    scenario: str
    legs: tuple[Leg, ...] = ()  # of the scenario, in order; () for steady
    warmup: int  # calls before the measured ones; a compiled variant's compiling call comes before them
    calls: int  # measured calls; of each leg in a scenario


def is_factory(origin: str | None) -> bool:
    """Whether a workload's origin names a function in a file, and not a hub id or a folder."""
    path, _, function = (origin or "").rpartition(":")
    return path.endswith(".py") and function.isidentifier()


def code_of(workload: Workload) -> str | None:
    """What a workload runs that is neither ours nor an installed package's: a function, or kernels of the hub."""
    if is_factory(workload.origin):
        return workload.origin
    attention = workload.attention or ""
    return f"the kernels of {attention}" if attention.endswith("_hub") else None


class Compilation(msgspec.Struct, frozen=True, kw_only=True):
    """How the denoisers are compiled: the arguments of torch.compile. All None for ``no-compile``."""

    variant: str
    engine: str | None = None
    backend: str | None = None
    mode: str | None = None
    fullgraph: bool | None = None
    dynamic: bool | None = None
    recompile_limit: int | None = None  # None: torch's own
    options: dict[str, Any] = msgspec.field(default_factory=dict)  # of inductor, on top of the mode's


class Case(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    compilation: Compilation
    workload: Workload


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One repeat of a case, in a process of its own. ``repeat`` counts from 1."""

    name: str
    case: str
    repeat: int


class Request(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    cases: list[Case]
    runs: list[Run]  # in the order in which they are made
    repeats: int
    device: str  # cpu or cuda:N
    cache: str = "cold"
    keep_cache: bool = False
    queue: bool = True  # wait for a device that another session uses; False: fail
    max_time_s: float | None = None
    memory_limit_gib: float | None = None  # what a worker may allocate: of the device on CUDA, else of main memory
    until_sure: bool = False  # the conductor adds repeats, up to each of LOOKS, until every verdict is settled
    find_syncs: bool = False  # one more call, untimed, that finds what makes Python wait for the device
    save_images: bool = False  # keep the pictures of the call whose latents are kept
    find_max_batch: bool = False  # the conductor adds cases until the largest batch that fits is known

    def case(self, name: str) -> Case:
        """The case called ``name``. Raises KeyError."""
        return self._cases[name]

    @cached_property
    def _cases(self) -> dict[str, Case]:
        """By their names: a session may have thousands."""
        return {case.name: case for case in self.cases}

    def run(self, name: str) -> Run:
        """The run called ``name``. Raises KeyError."""
        for run in self.runs:
            if run.name == name:
                return run
        raise KeyError(name)
