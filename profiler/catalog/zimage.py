"""Z-Image Turbo: a few steps without guidance."""

from __future__ import annotations

from typing import Any

from profiler.catalog.components import FLOW_EULER, FLUX_VAE, TINY_Z_IMAGE_VAE, scheduler, tokenizer, with_negative
from profiler.catalog.entry import Component, Entry, Part, Size, Tensor

_SCHEDULER = scheduler("FlowMatchEulerDiscreteScheduler", shift=3.0)


def _embeddings(width: int) -> dict[str, Tensor]:
    """A list with the embeddings of each prompt: their lengths may differ."""
    return with_negative({"prompt_embeds": Tensor(shape=("batch", "tokens", width), fill="normal", listed=True)})


def _qwen3(parameters: int, **config: Any) -> Component:
    return Component(
        library="transformers", cls="Qwen3Model", config_cls="Qwen3Config", config=config, parameters=parameters
    )


_FULL = Size(
    components={
        "transformer": Component(library="diffusers", cls="ZImageTransformer2DModel", parameters=6_154_908_736),
        "vae": FLUX_VAE,
        "text_encoder": _qwen3(
            4_022_468_096,
            vocab_size=151_936,
            hidden_size=2560,
            intermediate_size=9728,
            num_hidden_layers=36,
            num_key_value_heads=8,
            tie_word_embeddings=True,
            max_position_embeddings=40_960,
        ),
        "tokenizer": tokenizer("Qwen2Tokenizer", 151_936, 131_072),
        "scheduler": _SCHEDULER,
    },
    steps=9,
    guidance=0.0,
    height=1024,
    width=1024,
    tokens=128,  # a stand-in: padding is cut off, a token count is the prompt's own
    embeddings=_embeddings(2560),
)

_TINY = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="ZImageTransformer2DModel",
            config={
                "dim": 48,
                "n_layers": 2,
                "n_refiner_layers": 1,
                "n_heads": 2,
                "n_kv_heads": 2,
                "cap_feat_dim": 32,
                "axes_dims": [8, 8, 8],
                "axes_lens": [256, 64, 64],
            },
            parameters=462_464,
        ),
        "vae": TINY_Z_IMAGE_VAE,
        "text_encoder": _qwen3(
            37_856,
            vocab_size=600,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
        ),
        "tokenizer": tokenizer("Qwen2Tokenizer", 600, 512),
        "scheduler": _SCHEDULER,
    },
    steps=8,
    guidance=0.0,
    height=128,
    width=128,
    tokens=12,
    embeddings=_embeddings(32),
    arguments={"max_sequence_length": 128},
)

Z_IMAGE_TURBO = Entry(
    name="z-image-turbo",
    title="Z-Image Turbo, text to image",
    parts=(
        Part(
            pipeline_cls="ZImagePipeline",
            model_id="Tongyi-MAI/Z-Image-Turbo",
            denoisers=("transformer",),
            # compile_regions compiles its ModuleDicts, which then can't be indexed.
            regional_engines={"transformer": ("diffusers",)},
            breaks=("transformer",),  # it makes its positions inside "with torch.device(...)", which dynamo can't trace
            sizes={"full": _FULL, "tiny": _TINY},
            source="diffusers' class defaults; the transformer's and the autoencoder's parameters as published",
            heavy=("text_encoder", "tokenizer"),
            guidance_threshold=0.0,
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    multiple=16,  # the autoencoder's 8 and patches of 2
    schedulers=FLOW_EULER,
)
