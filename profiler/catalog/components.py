"""What several pipelines of the catalogue are made of: text encoders, autoencoders, tokenizers, schedulers, tensors."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from profiler.catalog.entry import Component, Tensor

# --- schedulers ---

KARRAS = (
    "DDIMScheduler",
    "DDPMScheduler",
    "PNDMScheduler",
    "LMSDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "KDPM2DiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "DEISMultistepScheduler",
    "UniPCMultistepScheduler",
    "DPMSolverSDEScheduler",
    "EDMEulerScheduler",
)
"""diffusers' KarrasDiffusionSchedulers: any of them can take the place of any other."""

KARRAS_FLOW = (
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "DEISMultistepScheduler",
    "UniPCMultistepScheduler",
)
"""Those of them that work with prediction_type "flow_prediction"; the others count as compatible and refuse it."""

FLOW_EULER = ("FlowMatchEulerDiscreteScheduler",)
"""All that FlowMatchEulerDiscreteScheduler is compatible with."""


def scheduler(cls: str, **config: Any) -> Component:
    return Component(library="diffusers", cls=cls, config=config)


PNDM = scheduler(
    "PNDMScheduler",
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    skip_prk_steps=True,
    steps_offset=1,
)

# --- CLIP ---

_CLIP_L: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "projection_dim": 768,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "pad_token_id": 1,
}
_CLIP_TINY: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 600,
    "projection_dim": 32,
    "bos_token_id": 598,
    "eos_token_id": 599,
    "pad_token_id": 599,
}


def clip(parameters: int, config: dict[str, Any], cls: str = "CLIPTextModel") -> Component:
    return Component(library="transformers", cls=cls, config_cls="CLIPTextConfig", config=config, parameters=parameters)


CLIP_L = clip(123_060_480, _CLIP_L)
CLIP_L_PROJECTED = clip(123_650_304, _CLIP_L, "CLIPTextModelWithProjection")
CLIP_G_PROJECTED = clip(
    694_659_840,
    {
        "hidden_act": "gelu",
        "hidden_size": 1280,
        "intermediate_size": 5120,
        "num_attention_heads": 20,
        "num_hidden_layers": 32,
        "projection_dim": 1280,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
    "CLIPTextModelWithProjection",
)
"""OpenCLIP bigG."""
CLIP_H = clip(
    340_387_840,
    {
        "hidden_act": "gelu",
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 23,
        "projection_dim": 512,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "pad_token_id": 1,
    },
)
"""OpenCLIP H without its last layer, as Stable Diffusion 2 uses it."""
TINY_CLIP = clip(38_816, _CLIP_TINY)
TINY_CLIP_PROJECTED = clip(39_840, _CLIP_TINY, "CLIPTextModelWithProjection")
TINY_CLIP_GELU = clip(38_816, {**_CLIP_TINY, "hidden_act": "gelu"})
TINY_CLIP_GELU_PROJECTED = clip(39_840, {**_CLIP_TINY, "hidden_act": "gelu"}, "CLIPTextModelWithProjection")

# --- T5 ---

T5_XXL = Component(
    library="transformers",
    cls="T5EncoderModel",
    config_cls="T5Config",
    config={
        "d_model": 4096,
        "d_ff": 10240,
        "num_heads": 64,
        "num_layers": 24,
        "feed_forward_proj": "gated-gelu",
        "tie_word_embeddings": False,
    },
    parameters=4_762_310_656,
)
TINY_T5 = Component(
    library="transformers",
    cls="T5EncoderModel",
    config_cls="T5Config",
    config={
        "d_model": 32,
        "d_ff": 64,
        "d_kv": 8,
        "num_heads": 4,
        "num_layers": 2,
        "vocab_size": 600,
        "feed_forward_proj": "gated-gelu",
    },
    parameters=39_968,
)

# --- tokenizers ---


def tokenizer(cls: str, vocabulary: int, length: int, **config: Any) -> Component:
    """A tokenizer of ``vocabulary`` ids that pads to ``length`` tokens."""
    return Component(
        library="transformers", cls=cls, config={"vocab_size": vocabulary, "model_max_length": length, **config}
    )


CLIP_TOKENIZER = tokenizer("CLIPTokenizer", 49408, 77)
TINY_CLIP_TOKENIZER = tokenizer("CLIPTokenizer", 600, 77)
PADDING_CLIP_TOKENIZER = tokenizer("CLIPTokenizer", 49408, 77, pad_token="!")
TINY_PADDING_CLIP_TOKENIZER = tokenizer("CLIPTokenizer", 600, 77, pad_token="!")
T5_TOKENIZER = tokenizer("T5TokenizerFast", 32128, 512)
TINY_T5_TOKENIZER = tokenizer("T5TokenizerFast", 600, 512)

# --- autoencoders ---


def vae(parameters: int, channels: list[int], sample_size: int, **config: Any) -> Component:
    """An AutoencoderKL with ``channels`` at its levels: it divides height and width by 2 between two of them."""
    return Component(
        library="diffusers",
        cls="AutoencoderKL",
        config={
            "block_out_channels": channels,
            "down_block_types": ["DownEncoderBlock2D"] * len(channels),
            "up_block_types": ["UpDecoderBlock2D"] * len(channels),
            "sample_size": sample_size,
            **config,
        },
        parameters=parameters,
    )


SD_VAE = vae(83_653_863, [128, 256, 512, 512], 512, layers_per_block=2)
SDXL_VAE = vae(83_653_863, [128, 256, 512, 512], 1024, layers_per_block=2, scaling_factor=0.13025)
TINY_SD_VAE = vae(81_215, [8, 16, 16, 16], 64, norm_num_groups=4)
TINY_SDXL_VAE = vae(81_215, [8, 16, 16, 16], 64, norm_num_groups=4, scaling_factor=0.13025)

_UNQUANTISED: dict[str, Any] = {"use_quant_conv": False, "use_post_quant_conv": False}
_FLUX_LATENTS: dict[str, Any] = {**_UNQUANTISED, "scaling_factor": 0.3611, "shift_factor": 0.1159}
_SD3_LATENTS: dict[str, Any] = {**_UNQUANTISED, "scaling_factor": 1.5305, "shift_factor": 0.0609}


def _sixteen_channels(latents: dict[str, Any]) -> Component:
    return vae(83_819_683, [128, 256, 512, 512], 1024, layers_per_block=2, latent_channels=16, **latents)


FLUX_VAE = _sixteen_channels(_FLUX_LATENTS)
SD3_VAE = _sixteen_channels(_SD3_LATENTS)
TINY_FLUX_VAE = vae(81_123, [8, 16, 16, 16], 64, norm_num_groups=4, **_FLUX_LATENTS)
TINY_SD3_VAE = vae(81_123, [8, 16, 16, 16], 64, norm_num_groups=4, **_SD3_LATENTS)
TINY_Z_IMAGE_VAE = vae(86_331, [8, 16, 16, 16], 64, norm_num_groups=4, latent_channels=16, **_FLUX_LATENTS)

# --- call arguments ---


def tensor(*shape: int | str, fill: Literal["normal", "picture", "mask", "ones"] = "normal") -> Tensor:
    return Tensor(shape=shape, fill=fill)


def with_negative(embeddings: dict[str, Tensor]) -> dict[str, Tensor]:
    """The embeddings and, for classifier-free guidance, the like of each for the negative prompt."""
    return {**embeddings, **{f"negative_{name}": value for name, value in embeddings.items()}}


def prompts(width: int) -> dict[str, Tensor]:
    """Embeddings of prompts and negative prompts, each token ``width`` numbers."""
    return with_negative({"prompt_embeds": tensor("batch", "tokens", width)})


def masked_prompts(width: int, mask: str) -> dict[str, Tensor]:
    """The same with the attention masks that the pipeline takes as ``mask`` and ``negative_`` + ``mask``."""
    return with_negative(
        {"prompt_embeds": tensor("batch", "tokens", width), mask: tensor("batch", "tokens", fill="ones")}
    )


def changed(component: Component, parameters: int, **config: Any) -> Component:
    """``component`` with further configuration values."""
    return msgspec.structs.replace(component, config={**component.config, **config}, parameters=parameters)
