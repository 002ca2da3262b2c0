"""Sana: linear attention on the latents of an autoencoder that divides height and width by 32."""

from __future__ import annotations

from typing import Any

from profiler.catalog.components import KARRAS_FLOW, masked_prompts, scheduler, tokenizer
from profiler.catalog.entry import Component, Entry, Part, Size

_SCHEDULER = scheduler(
    "DPMSolverMultistepScheduler", flow_shift=3.0, use_flow_sigmas=True, prediction_type="flow_prediction"
)


def _autoencoder(parameters: int, plain: int, attention: int, **config: Any) -> Component:
    """``plain`` levels of convolutions, then ``attention`` levels of linear attention."""
    blocks = ["ResBlock"] * plain + ["EfficientViTBlock"] * attention
    scales: list[list[int]] = [[]] * plain + [[5]] * attention
    return Component(
        library="diffusers",
        cls="AutoencoderDC",
        config={
            "encoder_block_types": blocks,
            "decoder_block_types": blocks,
            "encoder_qkv_multiscales": scales,
            "decoder_qkv_multiscales": scales,
            "downsample_block_type": "conv",
            "upsample_block_type": "interpolate",
            "scaling_factor": 0.41407,
            **config,
        },
        parameters=parameters,
    )


def _gemma(parameters: int, **config: Any) -> Component:
    return Component(
        library="transformers", cls="Gemma2Model", config_cls="Gemma2Config", config=config, parameters=parameters
    )


_FULL = Size(
    components={
        "transformer": Component(library="diffusers", cls="SanaTransformer2DModel", parameters=1_604_462_752),
        "vae": _autoencoder(312_250_275, 3, 3),
        "text_encoder": _gemma(2_614_341_888),  # the class's defaults are Gemma 2 2B
        "tokenizer": tokenizer("GemmaTokenizerFast", 256_000, 8192),
        "scheduler": _SCHEDULER,
    },
    steps=20,
    guidance=4.5,
    height=1024,
    width=1024,
    tokens=300,
    embeddings=masked_prompts(2304, "prompt_attention_mask"),
)

_TINY = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="SanaTransformer2DModel",
            config={
                "in_channels": 4,
                "out_channels": 4,
                "num_attention_heads": 2,
                "attention_head_dim": 16,
                "num_layers": 2,
                "num_cross_attention_heads": 2,
                "cross_attention_head_dim": 16,
                "cross_attention_dim": 32,
                "caption_channels": 32,
            },
            parameters=54_084,
        ),
        "vae": _autoencoder(
            9_511,
            1,
            1,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_out_channels=[8, 8],
            decoder_block_out_channels=[8, 8],
            encoder_layers_per_block=[1, 1],
            decoder_layers_per_block=[1, 1],
        ),
        "text_encoder": _gemma(
            28_576,
            vocab_size=600,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
        ),
        "tokenizer": tokenizer("GemmaTokenizerFast", 600, 8192),
        "scheduler": _SCHEDULER,
    },
    steps=8,
    guidance=4.5,
    height=64,
    width=64,
    tokens=16,
    embeddings=masked_prompts(32, "prompt_attention_mask"),
    arguments={"max_sequence_length": 16},
)

SANA_1600M = Entry(
    name="sana-1600m",
    title="Sana 1.6B 1024, text to image",
    parts=(
        Part(
            pipeline_cls="SanaPipeline",
            model_id="Efficient-Large-Model/Sana_1600M_1024px_diffusers",
            denoisers=("transformer",),
            regional_engines={"transformer": ("diffusers", "accelerate")},
            found_blocks={"transformer": ("SanaTransformerBlock",)},
            sizes={"full": _FULL, "tiny": _TINY},
            source="diffusers scripts/convert_sana_to_diffusers.py, convert_dcae_to_diffusers.py; 1.6 B as published",
            heavy=("text_encoder", "tokenizer"),
            arguments={"use_resolution_binning": False},  # else it makes the nearest of its own sizes, resized
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    multiple=32,
    schedulers=KARRAS_FLOW,
)
