"""Stable Diffusion 3.5: three text encoders, of which the pipeline can do without the heavy one."""

from __future__ import annotations

from typing import Any

from profiler.catalog.components import (
    CLIP_G_PROJECTED,
    CLIP_L_PROJECTED,
    CLIP_TOKENIZER,
    FLOW_EULER,
    PADDING_CLIP_TOKENIZER,
    SD3_VAE,
    T5_TOKENIZER,
    T5_XXL,
    TINY_CLIP_GELU_PROJECTED,
    TINY_CLIP_PROJECTED,
    TINY_CLIP_TOKENIZER,
    TINY_PADDING_CLIP_TOKENIZER,
    TINY_SD3_VAE,
    TINY_T5,
    TINY_T5_TOKENIZER,
    changed,
    scheduler,
    tensor,
    with_negative,
)
from profiler.catalog.entry import Component, Entry, Part, Size, Tensor

_SCHEDULER = scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0)


def _transformer(parameters: int, layers: int, **config: Any) -> Component:
    """As many heads as layers, of 64 numbers each."""
    return Component(
        library="diffusers",
        cls="SD3Transformer2DModel",
        config={
            "num_layers": layers,
            "num_attention_heads": layers,
            "caption_projection_dim": 64 * layers,
            "qk_norm": "rms_norm",
            **config,
        },
        parameters=parameters,
    )


def _tiny_transformer(parameters: int, **config: Any) -> Component:
    return _transformer(
        parameters,
        2,
        sample_size=16,
        in_channels=4,
        out_channels=4,
        attention_head_dim=16,
        joint_attention_dim=64,
        pooled_projection_dim=64,
        caption_projection_dim=32,
        pos_embed_max_size=32,
        **config,
    )


def _embeddings(width: int, pooled: int) -> dict[str, Tensor]:
    return with_negative(
        {"prompt_embeds": tensor("batch", "tokens", width), "pooled_prompt_embeds": tensor("batch", pooled)}
    )


def _full(transformer: Component, steps: int, guidance: float) -> Size:
    return Size(
        components={
            "transformer": transformer,
            "vae": SD3_VAE,
            "text_encoder": CLIP_L_PROJECTED,
            "text_encoder_2": CLIP_G_PROJECTED,
            "text_encoder_3": T5_XXL,
            "tokenizer": CLIP_TOKENIZER,
            "tokenizer_2": PADDING_CLIP_TOKENIZER,
            "tokenizer_3": T5_TOKENIZER,
            "scheduler": _SCHEDULER,
        },
        steps=steps,
        guidance=guidance,
        height=1024,
        width=1024,
        tokens=333,  # 77 of CLIP, 256 of T5
        embeddings=_embeddings(4096, 2048),
    )


def _tiny(transformer: Component) -> Size:
    return Size(
        components={
            "transformer": transformer,
            "vae": TINY_SD3_VAE,
            "text_encoder": TINY_CLIP_PROJECTED,
            "text_encoder_2": TINY_CLIP_GELU_PROJECTED,
            # As wide as the two CLIPs together: their embeddings are padded to its width.
            "text_encoder_3": changed(TINY_T5, 79_808, d_model=64),
            "tokenizer": TINY_CLIP_TOKENIZER,
            "tokenizer_2": TINY_PADDING_CLIP_TOKENIZER,
            "tokenizer_3": TINY_T5_TOKENIZER,
            "scheduler": _SCHEDULER,
        },
        steps=8,
        guidance=4.5,
        height=128,
        width=128,
        tokens=93,
        embeddings=_embeddings(64, 64),
        arguments={"max_sequence_length": 16},
    )


def _entry(name: str, title: str, model_id: str, source: str, sizes: dict[str, Size]) -> Entry:
    return Entry(
        name=name,
        title=title,
        parts=(
            Part(
                pipeline_cls="StableDiffusion3Pipeline",
                model_id=model_id,
                denoisers=("transformer",),
                regional_engines={"transformer": ("diffusers", "accelerate")},
                found_blocks={"transformer": ("JointTransformerBlock",)},
                sizes=sizes,
                source=source,
                heavy=("text_encoder_3", "tokenizer_3"),
                heavy_optional=True,
            ),
        ),
        prompt="ghibli style, a fantasy landscape with castles",
        multiple=16,  # the autoencoder's 8 and patches of 2
        schedulers=FLOW_EULER,
    )


SD35_MEDIUM = _entry(
    "sd35-medium",
    "Stable Diffusion 3.5 medium, text to image",
    "stabilityai/stable-diffusion-3.5-medium",
    "diffusers scripts/convert_sd3_to_diffusers.py; parameters as published for a model built on it",
    {
        "full": _full(
            _transformer(2_243_171_520, 24, pos_embed_max_size=384, dual_attention_layers=list(range(13))), 40, 4.5
        ),
        "tiny": _tiny(_tiny_transformer(87_248, dual_attention_layers=[0])),
    },
)

SD35_LARGE = _entry(
    "sd35-large",
    "Stable Diffusion 3.5 large, text to image",
    "stabilityai/stable-diffusion-3.5-large",
    "diffusers scripts/convert_sd3_to_diffusers.py; parameters as in the published checkpoint's index",
    {
        "full": _full(_transformer(8_056_627_520, 38, pos_embed_max_size=192), 28, 3.5),
        "tiny": _tiny(_tiny_transformer(79_824)),
    },
)
