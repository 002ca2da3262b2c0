"""What the catalogue says of a pipeline."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One component of a pipeline: its class and the configuration values that differ from the class's defaults."""

    library: str  # diffusers or transformers
    cls: str
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    config_cls: str | None = None  # transformers models take a configuration object
    parameters: int | None = None  # published or counted on the meta device; a test compares
    model_id: str | None = None  # on the hub, where it isn't part of the pipeline's repository


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """A call argument that is a tensor, made from the workload's seed.

    ``shape`` has numbers and the names ``batch``, ``tokens``, ``height`` and ``width`` (of the picture in pixels), the
    latter two also divided: "height/4".
    """

    shape: tuple[int | str, ...]
    fill: Literal["normal", "picture", "mask", "ones"]
    """``normal``: N(0, 1); ``picture``: values from 0 to 1; ``mask``: 1 in the left half, 0 in the right one, 1 is
    painted anew; ``ones``: of type int64 (attention masks)."""
    listed: bool = False  # a list with a tensor an image, without the batch dimension


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """A part at one size: ``full`` (the real architecture) or ``tiny`` (a call in well under a second on a CPU).

    ``height`` and ``width`` are of the picture in pixels, ``steps`` is num_inference_steps, ``tokens`` the length of
    the prompt embeddings where they stand in for prompts, ``frames`` a video's.
    """

    components: dict[str, Component]
    steps: int
    guidance: float
    height: int
    width: int
    tokens: int = 77
    frames: int | None = None
    embeddings: dict[str, Tensor] = msgspec.field(default_factory=dict)  # call arguments in place of prompts
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)  # further call arguments, at this size alone
    pictures: tuple[tuple[int, int], ...] = ()  # the only pictures (height, width) that it makes; (): any


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One diffusers pipeline of an entry. All entries but DeepFloyd IF have a single part."""

    loop: str = "denoise"  # what its denoising loops are called
    pipeline_cls: str
    options: dict[str, Any] = msgspec.field(default_factory=dict)  # further constructor arguments
    model_id: str | None = None  # on the hub, for --weights hub
    denoisers: tuple[str, ...]
    # Which engines of regional-compile work on which denoiser: {"unet": ("diffusers", "accelerate")}.
    regional_engines: dict[str, tuple[str, ...]]
    # Of those, engines with which a denoiser hits torch's recompile limit of 8, so that the rest of it runs in eager.
    regional_limited: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    # Classes that regional-compile by diffusers compiles in denoisers that have no _repeated_blocks of their own.
    found_blocks: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    # Denoisers whose graph breaks: compile must leave fullgraph off for them.
    breaks: tuple[str, ...] = ()
    sizes: dict[str, Size]
    source: str = ""  # where the architecture comes from
    inferred: str | None = None  # what of the architecture is inferred, not published

    # --- what a call takes ---
    prompts: bool = True  # prompt strings, for text encoders that are built and run
    # Components of the T5-XXL class (text encoders of more than two billion parameters, and their tokenizers): left
    # out unless --text-encoders all. Then a size's ``embeddings`` stand in for the prompts ...
    heavy: tuple[str, ...] = ()
    # ... unless the pipeline itself does without the heavy encoders and runs the others on the prompts.
    heavy_optional: bool = False
    inputs: dict[str, Tensor] = msgspec.field(default_factory=dict)  # further tensors: image, mask_image
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)  # further call arguments, fixed
    # Given with the prompts, where the pipeline leaves classifier-free guidance out without one.
    negative_prompt: str | None = None
    guidance_argument: str = "guidance_scale"
    guidance_kind: Literal["batch", "calls", "embedded", "none"] = "batch"
    """What guidance does: doubles the denoiser's batch (above 1, classifier-free guidance), takes a second denoiser
    call, is a number that the model was trained to take, or nothing: the pipeline takes one and the model doesn't."""
    guidance_threshold: float = 1.0  # guidance above it is classifier-free guidance
    sized: bool = True  # takes height and width; False: they are the input picture's
    strength: float | None = None  # the default of the argument ``strength``; None: there is none
    step_callback: bool = True  # takes callback_on_step_end
    lora: bool = True  # load_lora_weights
    batched: bool = True  # makes as many pictures as the workload's batch size; False: always one
    # In a chain: the loops whose picture it can take. Of several, each makes one of the size's ``pictures``.
    takes: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline of the catalogue."""

    name: str
    title: str  # for people: "Stable Diffusion 1.5, text to image"
    parts: tuple[Part, ...]
    prompt: str
    multiple: int = 8  # height and width must be multiples of this
    schedulers: tuple[str, ...] = ()  # classes that can take the place of its scheduler: of scheduler.compatibles

    @property
    def part(self) -> Part:
        """The first part, for most entries the only one."""
        return self.parts[0]

    def defaults(self, size: str) -> Size:
        """The first part at ``size``, with the pictures that the last one makes."""
        first, last = self.parts[0].sizes[size], self.parts[-1].sizes[size]
        return msgspec.structs.replace(first, height=last.height, width=last.width, pictures=last.pictures)

    @property
    def pictures(self) -> tuple[tuple[int, int], ...]:
        """The only pictures that it makes at any size; (): any. A size's own are in ``defaults(size).pictures``."""
        return tuple(picture for size in self.parts[-1].sizes.values() for picture in size.pictures)

    @property
    def denoisers(self) -> dict[str, Part]:
        """All denoisers by their labels, with the part that each belongs to."""
        return {denoiser_label(self, part, name): part for part in self.parts for name in part.denoisers}


def denoiser_label(entry: Entry, part: Part, name: str) -> str:
    """What a denoiser is called: ``unet``; with several parts ``IF-I unet``."""
    return name if len(entry.parts) == 1 else f"{part.loop} {name}"
