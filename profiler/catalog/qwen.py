"""Qwen-Image: classifier-free guidance by a second transformer call."""

from __future__ import annotations

from profiler.catalog.components import FLOW_EULER, masked_prompts, scheduler, tokenizer
from profiler.catalog.entry import Component, Entry, Part, Size

_SCHEDULER = scheduler(
    "FlowMatchEulerDiscreteScheduler",
    max_image_seq_len=8192,
    max_shift=0.9,
    shift_terminal=0.02,
    use_dynamic_shifting=True,
)

# The words of the pipeline's own template, of which it cuts off the first 34 tokens.
_TEMPLATE = (
    "system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships"
    " of the objects and background:\nuser\nassistant\n"
)

_FULL = Size(
    components={
        "transformer": Component(library="diffusers", cls="QwenImageTransformer2DModel", parameters=20_430_401_088),
        "vae": Component(library="diffusers", cls="AutoencoderKLQwenImage", parameters=126_892_531),
        "text_encoder": Component(
            library="transformers",
            cls="Qwen2_5_VLForConditionalGeneration",
            config_cls="Qwen2_5_VLConfig",
            config={
                "text_config": {
                    "vocab_size": 152_064,
                    "hidden_size": 3584,
                    "intermediate_size": 18_944,
                    "num_hidden_layers": 28,
                    "num_attention_heads": 28,
                    "num_key_value_heads": 4,
                    "max_position_embeddings": 128_000,
                    "rms_norm_eps": 1e-06,
                    "rope_scaling": {
                        "type": "mrope",
                        "rope_type": "default",
                        "mrope_section": [16, 24, 24],
                        "rope_theta": 1_000_000.0,
                    },
                },
                "vision_config": {
                    "depth": 32,
                    "hidden_size": 1280,
                    "intermediate_size": 3420,
                    "num_heads": 16,
                    "out_hidden_size": 3584,
                    "window_size": 112,
                    "fullatt_block_indexes": [7, 15, 23, 31],
                    "tokens_per_second": 2,
                },
                "tie_word_embeddings": False,
            },
            parameters=8_292_166_656,
        ),
        "tokenizer": tokenizer("Qwen2Tokenizer", 152_064, 131_072, words=_TEMPLATE),
        "scheduler": _SCHEDULER,
    },
    steps=50,
    guidance=4.0,
    height=1024,
    width=1024,
    tokens=128,  # a stand-in: prompts aren't padded, a token count is the prompt's own
    embeddings=masked_prompts(3584, "prompt_embeds_mask"),
)

_TINY = Size(
    components={
        "transformer": Component(
            library="diffusers",
            cls="QwenImageTransformer2DModel",
            config={
                "num_layers": 2,
                "attention_head_dim": 16,
                "num_attention_heads": 2,
                "joint_attention_dim": 32,
                "axes_dims_rope": [4, 6, 6],
            },
            parameters=92_448,
        ),
        "vae": Component(
            library="diffusers",
            cls="AutoencoderKLQwenImage",
            config={"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1},
            parameters=21_819,
        ),
        "text_encoder": Component(
            library="transformers",
            cls="Qwen2_5_VLForConditionalGeneration",
            config_cls="Qwen2_5_VLConfig",
            config={
                "text_config": {
                    "vocab_size": 600,
                    "bos_token_id": None,
                    "eos_token_id": None,
                    "hidden_size": 32,
                    "intermediate_size": 64,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 2,
                    "num_key_value_heads": 1,
                    "max_position_embeddings": 2048,
                    "rope_scaling": {
                        "type": "mrope",
                        "rope_type": "default",
                        "mrope_section": [2, 3, 3],
                        "rope_theta": 1_000_000.0,
                    },
                },
                "vision_config": {
                    "depth": 1,
                    "hidden_size": 32,
                    "intermediate_size": 64,
                    "num_heads": 2,
                    "out_hidden_size": 32,
                    "fullatt_block_indexes": [0],
                },
                "tie_word_embeddings": False,
            },
            parameters=126_016,
        ),
        "tokenizer": tokenizer("Qwen2Tokenizer", 600, 512, words=_TEMPLATE),
        "scheduler": _SCHEDULER,
    },
    steps=4,
    guidance=4.0,
    height=128,
    width=128,
    tokens=12,
    embeddings=masked_prompts(32, "prompt_embeds_mask"),
    arguments={"max_sequence_length": 16},
)

QWEN_IMAGE = Entry(
    name="qwen-image",
    title="Qwen-Image, text to image",
    parts=(
        Part(
            pipeline_cls="QwenImagePipeline",
            model_id="Qwen/Qwen-Image",
            denoisers=("transformer",),
            regional_engines={"transformer": ("diffusers", "accelerate")},
            sizes={"full": _FULL, "tiny": _TINY},
            source="diffusers' class defaults; the transformer's and the text encoder's parameters as published",
            heavy=("text_encoder", "tokenizer"),
            negative_prompt=" ",
            guidance_argument="true_cfg_scale",
            guidance_kind="calls",
        ),
    ),
    prompt="ghibli style, a fantasy landscape with castles",
    multiple=16,  # the autoencoder's 8 and patches of 2
    schedulers=FLOW_EULER,
)
