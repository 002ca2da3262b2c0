"""Stable Diffusion 1.5."""

from __future__ import annotations

from profiler.catalog.entry import Component, Entry, Part, Size, Tensor

_PNDM = Component(
    library="diffusers",
    cls="PNDMScheduler",
    config={
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "skip_prk_steps": True,
        "steps_offset": 1,
    },
)

_FULL = Size(
    components={
        "unet": Component(
            library="diffusers",
            cls="UNet2DConditionModel",
            config={"sample_size": 64, "cross_attention_dim": 768},
            parameters=859_520_964,
        ),
        "vae": Component(
            library="diffusers",
            cls="AutoencoderKL",
            config={
                "block_out_channels": [128, 256, 512, 512],
                "down_block_types": ["DownEncoderBlock2D"] * 4,
                "up_block_types": ["UpDecoderBlock2D"] * 4,
                "layers_per_block": 2,
                "sample_size": 512,
            },
            parameters=83_653_863,
        ),
        "text_encoder": Component(
            library="transformers",
            cls="CLIPTextModel",
            config_cls="CLIPTextConfig",
            config={
                "hidden_size": 768,
                "intermediate_size": 3072,
                "num_attention_heads": 12,
                "num_hidden_layers": 12,
                "projection_dim": 768,
                "bos_token_id": 0,
                "eos_token_id": 2,
                "pad_token_id": 1,
            },
            parameters=123_060_480,
        ),
        "tokenizer": Component(
            library="transformers", cls="CLIPTokenizer", config={"vocab_size": 49408, "model_max_length": 77}
        ),
        "scheduler": _PNDM,
    },
    steps=50,
    guidance=7.5,
    height=512,
    width=512,
    embeddings={
        "prompt_embeds": Tensor(shape=("batch", "tokens", 768), fill="normal"),
        "negative_prompt_embeds": Tensor(shape=("batch", "tokens", 768), fill="normal"),
    },
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
                "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
                "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
                "cross_attention_dim": 32,
                "attention_head_dim": 4,
                "norm_num_groups": 8,
            },
            parameters=203_204,
        ),
        "vae": Component(
            library="diffusers",
            cls="AutoencoderKL",
            config={
                "block_out_channels": [8, 16, 16, 16],
                "down_block_types": ["DownEncoderBlock2D"] * 4,
                "up_block_types": ["UpDecoderBlock2D"] * 4,
                "norm_num_groups": 4,
                "sample_size": 64,
            },
            parameters=81_215,
        ),
        "text_encoder": Component(
            library="transformers",
            cls="CLIPTextModel",
            config_cls="CLIPTextConfig",
            config={
                "hidden_size": 32,
                "intermediate_size": 64,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "vocab_size": 600,
                "projection_dim": 32,
                "bos_token_id": 598,
                "eos_token_id": 599,
                "pad_token_id": 599,
            },
            parameters=38_816,
        ),
        "tokenizer": Component(
            library="transformers", cls="CLIPTokenizer", config={"vocab_size": 600, "model_max_length": 77}
        ),
        "scheduler": _PNDM,
    },
    steps=20,
    guidance=7.5,
    height=128,
    width=128,
    embeddings={
        "prompt_embeds": Tensor(shape=("batch", "tokens", 32), fill="normal"),
        "negative_prompt_embeds": Tensor(shape=("batch", "tokens", 32), fill="normal"),
    },
)

SD15_TXT2IMG = Entry(
    name="sd15-txt2img",
    title="Stable Diffusion 1.5, text to image",
    parts=(
        Part(
            pipeline_cls="StableDiffusionPipeline",
            options={"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False},
            model_id="stable-diffusion-v1-5/stable-diffusion-v1-5",
            denoisers=("unet",),
            regional_engines={"unet": ("diffusers", "accelerate")},
            sizes={"full": _FULL, "tiny": _TINY},
            source="the published model's configuration files; parameter counts as published",
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
)
