"""The Stable Diffusion x4 upscaler: a picture of four times the height and width."""

from __future__ import annotations

from profiler.catalog.components import (
    CLIP_H,
    CLIP_TOKENIZER,
    KARRAS,
    TINY_CLIP_GELU,
    TINY_CLIP_TOKENIZER,
    prompts,
    scheduler,
    tensor,
    vae,
)
from profiler.catalog.entry import Component, Entry, Part, Size

_DDIM = scheduler(
    "DDIMScheduler",
    beta_schedule="scaled_linear",
    prediction_type="v_prediction",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
)
_LOW_RES = scheduler("DDPMScheduler", beta_schedule="scaled_linear")

_FULL = Size(
    components={
        "unet": Component(
            library="diffusers",
            cls="UNet2DConditionModel",
            config={
                "sample_size": 128,
                "in_channels": 7,
                "block_out_channels": [256, 512, 512, 1024],
                "down_block_types": ["DownBlock2D"] + ["CrossAttnDownBlock2D"] * 3,
                "up_block_types": ["CrossAttnUpBlock2D"] * 3 + ["UpBlock2D"],
                "only_cross_attention": [True, True, True, False],
                "cross_attention_dim": 1024,
                "num_class_embeds": 1000,
                "use_linear_projection": True,
            },
            parameters=473_398_020,
        ),
        "vae": vae(55_325_927, [128, 256, 512], 256, layers_per_block=2, scaling_factor=0.08333),
        "text_encoder": CLIP_H,
        "tokenizer": CLIP_TOKENIZER,
        "scheduler": _DDIM,
        "low_res_scheduler": _LOW_RES,
    },
    steps=75,
    guidance=9.0,
    height=512,
    width=512,
    embeddings=prompts(1024),
)

_TINY = Size(
    components={
        "unet": Component(
            library="diffusers",
            cls="UNet2DConditionModel",
            config={
                "sample_size": 16,
                "in_channels": 7,
                "block_out_channels": [16, 32],
                "layers_per_block": 1,
                "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
                "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
                "only_cross_attention": [True, False],
                "cross_attention_dim": 32,
                "attention_head_dim": 4,
                "norm_num_groups": 8,
                "num_class_embeds": 1000,
                "use_linear_projection": True,
            },
            parameters=317_796,
        ),
        "vae": vae(62_463, [8, 16, 16], 64, norm_num_groups=4, scaling_factor=0.08333),
        "text_encoder": TINY_CLIP_GELU,
        "tokenizer": TINY_CLIP_TOKENIZER,
        "scheduler": _DDIM,
        "low_res_scheduler": _LOW_RES,
    },
    steps=8,
    guidance=9.0,
    height=128,
    width=128,
    embeddings=prompts(32),
)

UPSCALER = Part(
    pipeline_cls="StableDiffusionUpscalePipeline",
    options={"safety_checker": None, "feature_extractor": None, "watermarker": None},
    model_id="stabilityai/stable-diffusion-x4-upscaler",
    denoisers=("unet",),
    regional_engines={"unet": ("diffusers", "accelerate")},
    regional_limited={"unet": ("accelerate",)},
    sizes={"full": _FULL, "tiny": _TINY},
    source="Stability-AI/stablediffusion configs/stable-diffusion/x4-upscaling.yaml, by diffusers' conversion rules",
    inferred="mapped from the original model's file: no published count confirms the 473,398,020 parameters",
    inputs={"image": tensor("batch", 3, "height/4", "width/4", fill="picture")},
    sized=False,
    step_callback=False,
)

SD_X4_UPSCALER = Entry(
    name="sd-x4-upscaler",
    title="Stable Diffusion x4 upscaler",
    parts=(UPSCALER,),
    prompt="ghibli style, a fantasy landscape with castles",
    # The pipeline rounds the small picture down to a multiple of its autoencoder's factor, 4.
    multiple=16,
    schedulers=KARRAS,
)
