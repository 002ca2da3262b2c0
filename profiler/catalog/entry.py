"""What the catalogue says of a pipeline."""

from __future__ import annotations

from typing import Any

import msgspec


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One component of a pipeline: its class and the configuration values that differ from the class's defaults."""

    library: str  # diffusers or transformers
    cls: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    config_cls: str | None = None  # transformers models take a configuration object
    parameters: int | None = None  # published or counted on the meta device; a test compares


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline at one size: ``full`` (the real architecture) or ``tiny`` (a call in well under a second on a CPU).

    ``height`` and ``width`` are of the picture in pixels, ``steps`` is num_inference_steps.
    """

    components: dict[str, Component]
    steps: int
    guidance: float
    height: int
    width: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str  # for people: "Stable Diffusion 1.5, text to image"
    pipeline_cls: str
    pipeline_options: dict[str, Any] = msgspec.field(default_factory=dict)  # further constructor arguments
    model_id: str | None = None  # on the hub, for --weights hub
    denoisers: tuple[str, ...]
    # Which engines of regional-compile work on which denoiser: {"unet": ("diffusers", "accelerate")}.
    regional_engines: dict[str, tuple[str, ...]]
    multiple: int = 8  # height and width must be multiples of this
    prompt: str
    sizes: dict[str, Size]
    source: str = ""  # where the architecture comes from
