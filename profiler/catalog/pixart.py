"""PixArt-Sigma."""

from __future__ import annotations

from profiler.catalog.components import (
    KARRAS,
    SDXL_VAE,
    T5_TOKENIZER,
    T5_XXL,
    TINY_SDXL_VAE,
    TINY_T5,
    TINY_T5_TOKENIZER,
    masked_prompts,
    scheduler,
)
from profiler.catalog.entry import Component, Entry, Part, Size

_SCHEDULER = scheduler("DPMSolverMultistepScheduler")

_FULL = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="PixArtTransformer2DModel",
            config={"caption_channels": 4096, "interpolation_scale": 2, "use_additional_conditions": False},
            parameters=610_856_096,
        ),
        "vae": SDXL_VAE,
        "text_encoder": T5_XXL,
        "tokenizer": T5_TOKENIZER,
        "scheduler": _SCHEDULER,
    },
    steps=20,
    guidance=4.5,
    height=1024,
    width=1024,
    tokens=300,
    embeddings=masked_prompts(4096, "prompt_attention_mask"),
)

_TINY = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="PixArtTransformer2DModel",
            config={
                "sample_size": 16,
                "num_layers": 2,
                "attention_head_dim": 16,
                "num_attention_heads": 2,
                "cross_attention_dim": 32,
                "caption_channels": 32,
                "interpolation_scale": 1,
                "use_additional_conditions": False,
            },
            parameters=53_376,
        ),
        "vae": TINY_SDXL_VAE,
        "text_encoder": TINY_T5,
        "tokenizer": TINY_T5_TOKENIZER,
        "scheduler": _SCHEDULER,
    },
    steps=8,
    guidance=4.5,
    height=128,
    width=128,
    tokens=16,
    embeddings=masked_prompts(32, "prompt_attention_mask"),
    arguments={"max_sequence_length": 16},
)

PIXART_SIGMA = Entry(
    name="pixart-sigma",
    title="PixArt-Sigma XL 1024, text to image",
    parts=(
        Part(
            pipeline_cls="PixArtSigmaPipeline",
            model_id="PixArt-alpha/PixArt-Sigma-XL-2-1024-MS",
            denoisers=("transformer",),
            regional_engines={"transformer": ("diffusers", "accelerate")},
            found_blocks={"transformer": ("BasicTransformerBlock",)},
            sizes={"full": _FULL, "tiny": _TINY},
            source="diffusers scripts/convert_pixart_sigma_to_diffusers.py; parameter counts as published",
            heavy=("text_encoder", "tokenizer"),
            arguments={
                "use_resolution_binning": False,  # else it makes the nearest of its own sizes and resizes that
                "clean_caption": False,  # else prompts depend on which packages are installed
            },
            step_callback=False,
            lora=False,
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    multiple=16,  # the pipeline checks for 8, but patches are of 2
    schedulers=KARRAS,
)
