"""Wan 2.1: text to video, classifier-free guidance by a second transformer call."""

from __future__ import annotations

from typing import Any

from profiler.catalog.components import KARRAS_FLOW, prompts, scheduler, tokenizer
from profiler.catalog.entry import Component, Entry, Part, Size

_SCHEDULER = scheduler(
    "UniPCMultistepScheduler", prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
)


def _umt5(parameters: int, **config: Any) -> Component:
    return Component(
        library="transformers", cls="UMT5EncoderModel", config_cls="UMT5Config", config=config, parameters=parameters
    )


_FULL = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="WanTransformer3DModel",
            config={"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30},
            parameters=1_418_996_800,
        ),
        "vae": Component(library="diffusers", cls="AutoencoderKLWan", parameters=126_892_531),
        "text_encoder": _umt5(
            5_680_910_336,
            d_model=4096,
            d_ff=10_240,
            num_heads=64,
            num_layers=24,
            num_decoder_layers=24,
            vocab_size=256_384,
            tie_word_embeddings=False,
        ),
        "tokenizer": tokenizer("T5TokenizerFast", 256_384, 512),
        "scheduler": _SCHEDULER,
    },
    steps=50,
    guidance=5.0,
    height=480,
    width=832,
    frames=81,
    tokens=512,
    embeddings=prompts(4096),
)

_TINY = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="WanTransformer3DModel",
            config={
                "num_attention_heads": 2,
                "attention_head_dim": 12,
                "text_dim": 32,
                "freq_dim": 32,
                "ffn_dim": 48,
                "num_layers": 2,
                "rope_max_seq_len": 64,
            },
            parameters=24_520,
        ),
        "vae": Component(
            library="diffusers",
            cls="AutoencoderKLWan",
            config={"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1},
            parameters=21_819,
        ),
        "text_encoder": _umt5(40_096, d_model=32, d_ff=64, d_kv=8, num_heads=4, num_layers=2, vocab_size=600),
        "tokenizer": tokenizer("T5TokenizerFast", 600, 512),
        "scheduler": _SCHEDULER,
    },
    steps=4,
    guidance=5.0,
    height=64,
    width=64,
    frames=9,
    tokens=16,
    embeddings=prompts(32),
    arguments={"max_sequence_length": 16},
)

WAN21_T2V = Entry(
    name="wan21-t2v-1.3b",
    title="Wan 2.1 1.3B, text to video",
    parts=(
        Part(
            pipeline_cls="WanPipeline",
            model_id="Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
            denoisers=("transformer",),
            regional_engines={"transformer": ("diffusers", "accelerate")},
            sizes={"full": _FULL, "tiny": _TINY},
            source="diffusers scripts/convert_wan_to_diffusers.py; parameter counts as published",
            heavy=("text_encoder", "tokenizer"),
            guidance_kind="calls",
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    multiple=16,
    schedulers=KARRAS_FLOW,
)
