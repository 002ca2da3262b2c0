"""Stable Diffusion XL."""

from __future__ import annotations

from profiler.catalog.components import (
    CLIP_G_PROJECTED,
    CLIP_L,
    CLIP_TOKENIZER,
    KARRAS,
    PADDING_CLIP_TOKENIZER,
    SDXL_VAE,
    TINY_CLIP,
    TINY_CLIP_GELU_PROJECTED,
    TINY_CLIP_TOKENIZER,
    TINY_PADDING_CLIP_TOKENIZER,
    TINY_SDXL_VAE,
    scheduler,
    tensor,
    with_negative,
)
from profiler.catalog.entry import Component, Entry, Part, Size, Tensor

_EULER = scheduler(
    "EulerDiscreteScheduler",
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    steps_offset=1,
    timestep_spacing="leading",
)


def _embeddings(width: int, pooled: int) -> dict[str, Tensor]:
    return with_negative(
        {"prompt_embeds": tensor("batch", "tokens", width), "pooled_prompt_embeds": tensor("batch", pooled)}
    )


_FULL = Size(
    components={
        "unet": Component(
            library="diffusers",
            cls="UNet2DConditionModel",
            config={
                "sample_size": 128,
                "block_out_channels": [320, 640, 1280],
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
                "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
                "transformer_layers_per_block": [1, 2, 10],
                "attention_head_dim": [5, 10, 20],
                "cross_attention_dim": 2048,
                "use_linear_projection": True,
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": 256,
                "projection_class_embeddings_input_dim": 2816,
            },
            parameters=2_567_463_684,
        ),
        "vae": SDXL_VAE,
        "text_encoder": CLIP_L,
        "text_encoder_2": CLIP_G_PROJECTED,
        "tokenizer": CLIP_TOKENIZER,
        "tokenizer_2": PADDING_CLIP_TOKENIZER,
        "scheduler": _EULER,
    },
    steps=50,
    guidance=5.0,
    height=1024,
    width=1024,
    embeddings=_embeddings(2048, 1280),
)

_TINY = Size(
    components={
        "unet": Component(
            library="diffusers",
            cls="UNet2DConditionModel",
            config={
                "sample_size": 16,
                "block_out_channels": [16, 32],
                "layers_per_block": 1,
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
                "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
                "transformer_layers_per_block": [1, 2],
                "attention_head_dim": [2, 4],
                "cross_attention_dim": 64,
                "norm_num_groups": 8,
                "use_linear_projection": True,
                "addition_embed_type": "text_time",
                "addition_time_embed_dim": 8,
                "projection_class_embeddings_input_dim": 80,
            },
            parameters=363_188,
        ),
        "vae": TINY_SDXL_VAE,
        "text_encoder": TINY_CLIP,
        "text_encoder_2": TINY_CLIP_GELU_PROJECTED,
        "tokenizer": TINY_CLIP_TOKENIZER,
        "tokenizer_2": TINY_PADDING_CLIP_TOKENIZER,
        "scheduler": _EULER,
    },
    steps=8,
    guidance=5.0,
    height=128,
    width=128,
    embeddings=_embeddings(64, 32),
)

SDXL_TXT2IMG = Entry(
    name="sdxl-txt2img",
    title="Stable Diffusion XL 1.0, text to image",
    parts=(
        Part(
            pipeline_cls="StableDiffusionXLPipeline",
            options={"add_watermarker": False},
            model_id="stabilityai/stable-diffusion-xl-base-1.0",
            denoisers=("unet",),
            regional_engines={"unet": ("diffusers", "accelerate")},
            regional_limited={"unet": ("accelerate",)},
            sizes={"full": _FULL, "tiny": _TINY},
            source="the published model's configuration files; parameter counts as published",
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    schedulers=KARRAS,
)
