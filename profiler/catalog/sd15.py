"""Stable Diffusion 1.5 and what was made from it: image to image, inpainting, ControlNet."""

from __future__ import annotations

from typing import Any

import msgspec

from profiler.catalog.components import (
    CLIP_L,
    CLIP_TOKENIZER,
    KARRAS,
    PNDM,
    SD_VAE,
    TINY_CLIP,
    TINY_CLIP_TOKENIZER,
    TINY_SD_VAE,
    changed,
    prompts,
    tensor,
)
from profiler.catalog.entry import Component, Entry, Part, Size

_BASE = "stable-diffusion-v1-5/stable-diffusion-v1-5"
_SOURCE = "the published model's configuration files; parameter counts as published"
_PROMPT = "ghibli style, a fantasy landscape with castles"
_UNCHECKED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}

_UNET = Component(
    library="diffusers",
    cls="UNet2DConditionModel",
    config={"sample_size": 64, "cross_attention_dim": 768},
    parameters=859_520_964,
)
_CONTROLNET = Component(
    library="diffusers",
    cls="ControlNetModel",
    config={"cross_attention_dim": 768},
    parameters=361_279_120,
    model_id="lllyasviel/sd-controlnet-canny",
)
_TINY_UNET = Component(
    library="diffusers",
    cls="UNet2DConditionModel",
    config={
        "sample_size": 16,
        "block_out_channels": [16, 32],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
    },
    parameters=203_204,
)
_TINY_CONTROLNET = Component(
    library="diffusers",
    cls="ControlNetModel",
    config={
        "block_out_channels": [16, 32],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "cross_attention_dim": 32,
        "attention_head_dim": 4,
        "norm_num_groups": 8,
        "conditioning_embedding_out_channels": [8, 8, 16, 16],
    },
    parameters=114_632,
)

_FULL = Size(
    components={
        "unet": _UNET,
        "vae": SD_VAE,
        "text_encoder": CLIP_L,
        "tokenizer": CLIP_TOKENIZER,
        "scheduler": PNDM,
    },
    steps=50,
    guidance=7.5,
    height=512,
    width=512,
    embeddings=prompts(768),
)
_TINY = Size(
    components={
        "unet": _TINY_UNET,
        "vae": TINY_SD_VAE,
        "text_encoder": TINY_CLIP,
        "tokenizer": TINY_CLIP_TOKENIZER,
        "scheduler": PNDM,
    },
    steps=20,
    guidance=7.5,
    height=128,
    width=128,
    embeddings=prompts(32),
)


def _sizes(full: dict[str, Component] | None = None, tiny: dict[str, Component] | None = None) -> dict[str, Size]:
    """Both sizes with some components replaced or added."""
    return {
        name: msgspec.structs.replace(size, components={**size.components, **(other or {})})
        for name, size, other in (("full", _FULL, full), ("tiny", _TINY, tiny))
    }


def _part(pipeline_cls: str, **other: Any) -> Part:
    return Part(
        **{
            "pipeline_cls": pipeline_cls,
            "options": _UNCHECKED,
            "model_id": _BASE,
            "denoisers": ("unet",),
            "regional_engines": {"unet": ("diffusers", "accelerate")},
            "regional_limited": {"unet": ("accelerate",)},
            "sizes": _sizes(),
            "source": _SOURCE,
            **other,
        }
    )


_IMAGE = tensor("batch", 3, "height", "width", fill="picture")

SD15_TXT2IMG = Entry(
    name="sd15-txt2img",
    title="Stable Diffusion 1.5, text to image",
    parts=(_part("StableDiffusionPipeline"),),
    prompt=_PROMPT,
    schedulers=KARRAS,
)

SD15_IMG2IMG = Entry(
    name="sd15-img2img",
    title="Stable Diffusion 1.5, image to image",
    parts=(
        _part(
            "StableDiffusionImg2ImgPipeline",
            inputs={"image": _IMAGE},
            strength=0.8,  # of 50 steps it makes 40
            sized=False,
        ),
    ),
    prompt=_PROMPT,
    schedulers=KARRAS,
)

SD15_INPAINT = Entry(
    name="sd15-inpaint",
    title="Stable Diffusion 1.5, inpainting",
    parts=(
        _part(
            "StableDiffusionInpaintPipeline",
            model_id="stable-diffusion-v1-5/stable-diffusion-inpainting",
            # Latents, mask and masked picture: 9 channels. Its first revisions came with DDIM, later ones with PNDM.
            sizes=_sizes(
                {"unet": changed(_UNET, 859_535_364, in_channels=9)},
                {"unet": changed(_TINY_UNET, 203_924, in_channels=9)},
            ),
            inputs={"image": _IMAGE, "mask_image": tensor("batch", 1, "height", "width", fill="mask")},
            strength=1.0,
        ),
    ),
    prompt=_PROMPT,
    schedulers=KARRAS,
)

SD15_CONTROLNET = Entry(
    name="sd15-controlnet",
    title="Stable Diffusion 1.5 with ControlNet (canny edges)",
    parts=(
        _part(
            "StableDiffusionControlNetPipeline",
            denoisers=("unet", "controlnet"),
            regional_engines={"unet": ("diffusers", "accelerate"), "controlnet": ("diffusers", "accelerate")},
            regional_limited={"unet": ("accelerate",), "controlnet": ("accelerate",)},
            # It has no _repeated_blocks of its own.
            found_blocks={"controlnet": ("BasicTransformerBlock",)},
            sizes=_sizes({"controlnet": _CONTROLNET}, {"controlnet": _TINY_CONTROLNET}),
            inputs={"image": _IMAGE},
        ),
    ),
    prompt=_PROMPT,
    schedulers=KARRAS,
)
