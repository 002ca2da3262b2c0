"""Journeys that take long: ``python -m tests.worker.triggers`` alone makes them."""

from __future__ import annotations

from dataclasses import replace

from tests.worker.triggers.expected import Says
from tests.worker.triggers.journeys import (
    ACCELERATE,
    DYNAMIC,
    FLUX,
    INFERENCE,
    UNET,
    Journey,
    frozen,
    lora,
    shared,
    size,
)

SLOW = (
    Journey(
        "sd15-txt2img",
        "resolution-sweep",
        [
            Says(
                cause="dup.size",
                argument="sample",
                dimension="width",
                actual="4",
                says="sample width and height are no longer equal",
                remedy=r"use_duck_shape = False",
                **UNET,
            )
        ],
        [("32x48", 0)],
        DYNAMIC,
    ),
    Journey(
        "flux1-dev",
        "prompt-length",
        [size("encoder_hidden_states", "tokens", 16, 32, "encoder_hidden_states tokens 16 → 32.*prompt", **FLUX)],
        [("32 tokens", 0)],
        options={"height": 64, "width": 64},
    ),
    Journey(
        "deepfloyd-if",
        "batch-sweep",
        [
            shared("IF-II unet UNet2DConditionModel.*IF-I unet", fqn="IF-II unet"),
            shared("x4 upscaler unet UNet2DConditionModel.*IF-I", fqn="x4 upscaler unet"),
            size("sample", "batch", 2, 4, "sample batch 2 → 4: batch size 1 → 2", fqn="IF-I unet"),
        ],
        [("batch 1", 0), ("batch 1", 0), ("batch 2", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "resolution-sweep",
        [
            shared("conv_norm_out GroupNorm.*conv_in Conv2d", fqn="unet.conv_norm_out"),
            shared("conv_act SiLU", fqn="unet.conv_act"),
            shared("conv_out Conv2d.*conv_in Conv2d", fqn="unet.conv_out"),
            size("input", "height", 8, 6, "input height 8 → 6", fqn="unet.conv_in"),
            size("hidden_states", "height", 8, 6, "hidden_states height 8 → 6", fqn="unet.down_blocks.0"),
            size("hidden_states", "height", 8, 6, "hidden_states height 8 → 6", fqn="unet.up_blocks.0"),
            size("input", "height", 8, 6, "input height 8 → 6", fqn="unet.conv_norm_out"),
            size("input", "height", 8, 6, "input height 8 → 6", fqn="unet.conv_act"),
            size("input", "height", 8, 6, "input height 8 → 6", fqn="unet.conv_out"),
        ],
        [("64x64", 0)] * 3 + [("32x48", 0)] * 6,
        ACCELERATE,
    ),
    Journey(
        "flux1-dev",
        "batch-sweep",
        [size("hidden_states", "batch", 1, 2, "hidden_states batch 1 → 2", **FLUX)],
        [("batch 2", 0)],
        options={"height": 64, "width": 64},
    ),
    Journey(
        "flux1-dev",
        "grad-mode",
        [replace(INFERENCE, argument="hidden_states", says="hidden_states.* inference mode", **FLUX)],
        [("inference_mode", 0)],
        options={"height": 64, "width": 64},
    ),
    Journey(
        "flux1-dev",
        "lora-swap",
        [
            frozen(**FLUX),
            lora("LoRA one → two", **FLUX),
            lora("LoRA two → one", **FLUX),
        ],
        [("LoRA one, rank 4", 0), ("LoRA two, rank 8", 0), ("LoRA one at 0.5", 0)],
        options={"height": 64, "width": 64},
    ),
)
