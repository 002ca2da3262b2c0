"""FLUX.1: guidance is distilled into the model, so there is one transformer call a step."""

from __future__ import annotations

from typing import Any

from profiler.catalog.components import (
    CLIP_L,
    CLIP_TOKENIZER,
    FLOW_EULER,
    FLUX_VAE,
    T5_TOKENIZER,
    T5_XXL,
    TINY_CLIP,
    TINY_CLIP_TOKENIZER,
    TINY_FLUX_VAE,
    TINY_T5,
    TINY_T5_TOKENIZER,
    scheduler,
    tensor,
)
from profiler.catalog.entry import Component, Entry, Part, Size, Tensor

_DEV_SCHEDULER = scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0, use_dynamic_shifting=True)
_SCHNELL_SCHEDULER = scheduler("FlowMatchEulerDiscreteScheduler")


def _transformer(parameters: int, **config: Any) -> Component:
    return Component(library="diffusers", cls="FluxTransformer2DModel", config=config, parameters=parameters)


def _tiny_transformer(parameters: int, **config: Any) -> Component:
    return _transformer(
        parameters,
        in_channels=16,
        num_layers=1,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        **config,
    )


def _embeddings(width: int, pooled: int) -> dict[str, Tensor]:
    return {"prompt_embeds": tensor("batch", "tokens", width), "pooled_prompt_embeds": tensor("batch", pooled)}


def _full(transformer: Component, scheduled: Component, steps: int, guidance: float, tokens: int) -> Size:
    return Size(
        components={
            "transformer": transformer,
            "vae": FLUX_VAE,
            "text_encoder": CLIP_L,
            "text_encoder_2": T5_XXL,
            "tokenizer": CLIP_TOKENIZER,
            "tokenizer_2": T5_TOKENIZER,
            "scheduler": scheduled,
        },
        steps=steps,
        guidance=guidance,
        height=1024,
        width=1024,
        tokens=tokens,
        embeddings=_embeddings(4096, 768),
        arguments={"max_sequence_length": tokens},
    )


def _tiny(transformer: Component, scheduled: Component, steps: int, guidance: float) -> Size:
    return Size(
        components={
            "transformer": transformer,
            "vae": TINY_FLUX_VAE,
            "text_encoder": TINY_CLIP,
            "text_encoder_2": TINY_T5,
            "tokenizer": TINY_CLIP_TOKENIZER,
            "tokenizer_2": TINY_T5_TOKENIZER,
            "scheduler": scheduled,
        },
        steps=steps,
        guidance=guidance,
        height=128,
        width=128,
        tokens=16,
        embeddings=_embeddings(32, 32),
        arguments={"max_sequence_length": 16},
    )


def _entry(name: str, title: str, model_id: str, source: str, sizes: dict[str, Size], *, guided: bool) -> Entry:
    return Entry(
        name=name,
        title=title,
        parts=(
            Part(
                pipeline_cls="FluxPipeline",
                model_id=model_id,
                denoisers=("transformer",),
                regional_engines={"transformer": ("diffusers", "accelerate")},
                sizes=sizes,
                source=source,
                heavy=("text_encoder_2", "tokenizer_2"),
                guidance_kind="embedded" if guided else "none",
            ),
        ),
        prompt="ghibli style, a fantasy landscape with castles",
        multiple=16,  # the autoencoder's 8 and patches of 2
        schedulers=FLOW_EULER,
    )


FLUX1_DEV = _entry(
    "flux1-dev",
    "FLUX.1 [dev], text to image",
    "black-forest-labs/FLUX.1-dev",
    "the published model's configuration files; parameter counts as published",
    {
        "full": _full(_transformer(11_901_408_320, guidance_embeds=True), _DEV_SCHEDULER, 28, 3.5, 512),
        "tiny": _tiny(_tiny_transformer(94_288, guidance_embeds=True), _DEV_SCHEDULER, 8, 3.5),
    },
    guided=True,
)

FLUX1_SCHNELL = _entry(
    "flux1-schnell",
    "FLUX.1 [schnell], text to image in four steps",
    "black-forest-labs/FLUX.1-schnell",
    "the published model's configuration files; parameters are FLUX.1 [dev]'s without its guidance embedder",
    {
        "full": _full(_transformer(11_891_178_560), _SCHNELL_SCHEDULER, 4, 0.0, 256),
        "tiny": _tiny(_tiny_transformer(85_008), _SCHNELL_SCHEDULER, 4, 0.0),
    },
    guided=False,
)
