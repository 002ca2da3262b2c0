"""DeepFloyd IF as the published benchmark ran it: two pixel stages, then the Stable Diffusion x4 upscaler.

The published script gives the upscaler the picture of stage I (64 pixels), not that of stage II, so its figures are of
256-pixel pictures; that is the default here. The whole chain, 64 to 256 to 1024 pixels, is the other picture size.
"""

from __future__ import annotations

from typing import Any

import msgspec

from profiler.catalog.components import KARRAS, T5_TOKENIZER, T5_XXL, TINY_T5, TINY_T5_TOKENIZER, prompts, scheduler
from profiler.catalog.entry import Component, Entry, Part, Size
from profiler.catalog.upscaler import UPSCALER

_STRUCTURE = "diffusers scripts/convert_if.py and IF-I-XL's published config.yml"
_OPTIONS = {"safety_checker": None, "feature_extractor": None, "watermarker": None, "requires_safety_checker": False}

_ARGUMENTS = {"clean_caption": False}  # else prompts depend on which packages are installed

_DDPM: dict[str, Any] = {
    "beta_schedule": "squaredcos_cap_v2",
    "variance_type": "learned_range",
    "thresholding": True,
    "dynamic_thresholding_ratio": 0.95,
}
_STAGE_I_SCHEDULER = scheduler("DDPMScheduler", **_DDPM, sample_max_value=1.5)
_STAGE_II_SCHEDULER = scheduler("DDPMScheduler", **_DDPM)
_NOISING = scheduler("DDPMScheduler", beta_schedule="squaredcos_cap_v2")

_UNET: dict[str, Any] = {
    "out_channels": 6,
    "mid_block_type": "UNetMidBlock2DSimpleCrossAttn",
    "cross_attention_norm": "group_norm",
    "addition_embed_type": "text",
    "act_fn": "gelu",
    "resnet_time_scale_shift": "scale_shift",
}
_UNET_II: dict[str, Any] = {
    **_UNET,
    "in_channels": 6,
    "class_embed_type": "timestep",
    "time_embedding_act_fn": "gelu",
    "resnet_skip_time_act": True,
    "resnet_out_scale_factor": 1.4142271248762552,
    "mid_block_scale_factor": 1.4142271248762552,
    "only_cross_attention": True,
}
_WIDE: dict[str, Any] = {"cross_attention_dim": 768, "attention_head_dim": 64, "encoder_hid_dim": 4096}
_NARROW: dict[str, Any] = {
    "down_block_types": ["ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"],
    "up_block_types": ["SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"],
    "block_out_channels": [16, 32],
    "cross_attention_dim": 32,
    "addition_embed_type_num_heads": 2,
    "encoder_hid_dim": 32,
    "norm_num_groups": 8,
}


def _unet(parameters: int, **config: Any) -> Component:
    return Component(library="diffusers", cls="UNet2DConditionModel", config=config, parameters=parameters)


_I_FULL = Size(
    components={
        "unet": _unet(
            371_605_830,
            **_UNET,
            **_WIDE,
            sample_size=64,
            in_channels=3,
            down_block_types=["ResnetDownsampleBlock2D"] + ["SimpleCrossAttnDownBlock2D"] * 3,
            up_block_types=["SimpleCrossAttnUpBlock2D"] * 3 + ["ResnetUpsampleBlock2D"],
            block_out_channels=[192, 384, 576, 768],
            layers_per_block=3,
        ),
        "text_encoder": T5_XXL,
        "tokenizer": T5_TOKENIZER,
        "scheduler": _STAGE_I_SCHEDULER,
    },
    steps=100,
    guidance=7.0,
    height=64,
    width=64,
    tokens=2,  # the published script draws embeddings of two tokens
    embeddings=prompts(4096),
)
_I_TINY = Size(
    components={
        "unet": _unet(224_646, **_UNET, **_NARROW, sample_size=32, in_channels=3, layers_per_block=1),
        "text_encoder": TINY_T5,
        "tokenizer": TINY_T5_TOKENIZER,
        "scheduler": _STAGE_I_SCHEDULER,
    },
    steps=8,
    guidance=7.0,
    height=32,
    width=32,
    tokens=2,
    embeddings=prompts(32),
)
_II_FULL = Size(
    components={
        "unet": _unet(
            460_997_382,
            **_UNET_II,
            **_WIDE,
            sample_size=256,
            down_block_types=["ResnetDownsampleBlock2D"] * 3 + ["SimpleCrossAttnDownBlock2D"] * 2,
            up_block_types=["SimpleCrossAttnUpBlock2D"] * 2 + ["ResnetUpsampleBlock2D"] * 3,
            block_out_channels=[96, 192, 384, 576, 768],
            layers_per_block=[2, 2, 3, 5, 5],
            time_embedding_dim=768,
        ),
        "text_encoder": T5_XXL,
        "tokenizer": T5_TOKENIZER,
        "scheduler": _STAGE_II_SCHEDULER,
        "image_noising_scheduler": _NOISING,
    },
    steps=50,
    guidance=4.0,
    height=256,
    width=256,
    tokens=2,
    embeddings=prompts(4096),
)
_II_TINY = Size(
    components={
        "unet": _unet(258_614, **_UNET_II, **_NARROW, sample_size=64, layers_per_block=[1, 2], time_embedding_dim=32),
        "text_encoder": TINY_T5,
        "tokenizer": TINY_T5_TOKENIZER,
        "scheduler": _STAGE_II_SCHEDULER,
        "image_noising_scheduler": _NOISING,
    },
    steps=4,
    guidance=4.0,
    height=64,
    width=64,
    tokens=2,
    embeddings=prompts(32),
)


def _upscaler(pictures: dict[str, tuple[tuple[int, int], ...]]) -> Part:
    """The upscaler in the chain: it makes ``pictures`` from stage I's and stage II's, by size."""
    sizes = {
        name: msgspec.structs.replace(
            size,
            steps={"full": 75, "tiny": 6}[name],
            height=pictures[name][0][0],
            width=pictures[name][0][1],
            pictures=pictures[name],
        )
        for name, size in UPSCALER.sizes.items()
    }
    return msgspec.structs.replace(
        UPSCALER,
        loop="x4 upscaler",
        sizes=sizes,
        inputs={},
        arguments={"noise_level": 100},
        batched=False,
        takes=("IF-I", "IF-II"),
    )


DEEPFLOYD_IF = Entry(
    name="deepfloyd-if",
    title="DeepFloyd IF (I-M, II-M), then the x4 upscaler",
    parts=(
        Part(
            loop="IF-I",
            pipeline_cls="IFPipeline",
            options=_OPTIONS,
            model_id="DeepFloyd/IF-I-M-v1.0",
            denoisers=("unet",),
            regional_engines={"unet": ("diffusers", "accelerate")},
            regional_limited={"unet": ("accelerate",)},
            found_blocks={"unet": ("Attention",)},
            sizes={"full": _I_FULL, "tiny": _I_TINY},
            source=_STRUCTURE,
            inferred="the width, 192: no copy of IF-I-M's configuration was found; 371.6 M parameters, published 400 M",
            heavy=("text_encoder", "tokenizer"),
            arguments=_ARGUMENTS,
            sized=False,
            step_callback=False,
        ),
        Part(
            loop="IF-II",
            pipeline_cls="IFSuperResolutionPipeline",
            options=_OPTIONS,
            model_id="DeepFloyd/IF-II-M-v1.0",
            denoisers=("unet",),
            regional_engines={"unet": ("diffusers", "accelerate")},
            regional_limited={"unet": ("accelerate",)},
            found_blocks={"unet": ("Attention",)},
            sizes={"full": _II_FULL, "tiny": _II_TINY},
            source="diffusers scripts/convert_if.py (levels and blocks of the second stage)",
            inferred="the widths, 96 to 768, and which levels have attention; 461.0 M parameters, published 450 M",
            heavy=("text_encoder", "tokenizer"),
            arguments=_ARGUMENTS,
            sized=False,
            step_callback=False,
            batched=False,
            takes=("IF-I",),
        ),
        _upscaler({"full": ((256, 256), (1024, 1024)), "tiny": ((128, 128), (256, 256))}),
    ),
    prompt="the blue hulk",
    multiple=16,
    schedulers=KARRAS,
)
