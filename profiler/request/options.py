"""The options of ``stepscope run`` as they were given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from profiler.request.model import Leg
from profiler.trust import Trust

UNREMEMBERED = ("allow_pickle", "trust_remote_code")
"""Fields of what the command line alone can say: no file, no form, and no request remembers them."""


class Options(msgspec.Struct, kw_only=True):
    """What was asked for; None and empty mean "the default"."""

    pipeline: str
    variants: Sequence[str] = ()
    batch_sizes: Sequence[int] = ()
    steps: int | None = None
    calls: int | None = None
    warmup: int | None = None
    height: int | None = None
    width: int | None = None
    frames: int | None = None
    guidance: float | None = None
    strength: float | None = None
    dtype: str | None = None
    scheduler: str | None = None
    attention: str | None = None
    memory_format: str | None = None
    attention_slicing: bool = False
    vae_slicing: bool = False
    vae_tiling: bool = False
    vae: str | None = None
    offload: str | None = None
    layerwise_casting: str | None = None
    text_encoders: str = "light"
    seed: int | None = None
    prompt: str | None = None
    call: dict[str, Any] = msgspec.field(default_factory=dict)
    scenario: str | None = None
    legs: Sequence[Leg] = ()  # of a scenario of one's own
    engines: Sequence[str] = ()
    mode: str | None = None
    fullgraph: bool | None = None
    dynamic: bool | None = None
    backend: str | None = None
    recompile_limit: int | None = None
    inductor_options: dict[str, Any] = msgspec.field(default_factory=dict)
    weights: str = "random"
    size: str = "full"
    # --- of the session ---
    repeats: int | None = None
    cache: str = "cold"
    keep_cache: bool = False
    queue: bool = True
    max_time_s: float | None = None
    memory_limit_gib: float | None = None
    find_max_batch: bool = False
    until_sure: bool = False
    find_syncs: bool = False
    save_images: bool = False
    # --- UNREMEMBERED ---
    allow_pickle: bool = False
    trust_remote_code: bool = False

    @property
    def trust(self) -> Trust:
        """What else than safetensors may be loaded."""
        return Trust(self.allow_pickle, self.trust_remote_code)
