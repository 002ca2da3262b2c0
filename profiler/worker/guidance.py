"""Guidance that ends before the loop does: a callback turns it off, as diffusers' documentation shows.

https://huggingface.co/docs/diffusers/using-diffusers/callback, "Dynamic classifier-free guidance"
"""

from __future__ import annotations

import inspect
from typing import Any

import torch

from profiler.variants import Unsupported


def ending(pipe: Any, share: float) -> dict[str, Any]:
    """Call arguments with which the first ``share`` of the steps, at least one, have guidance and the others don't.

    Raises Unsupported where no callback can do that.
    """
    reason = cannot_end(type(pipe))
    if reason is not None:
        raise Unsupported(f"guidance can't be ended during a call of {type(pipe).__name__}: {reason}")

    def on_step_end(pipe: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        images = tensors["latents"].shape[0]
        if index + 1 != max(1, int(pipe.num_timesteps * share)) or not pipe.do_classifier_free_guidance:
            return {}
        pipe._guidance_scale = 0.0  # every call begins with the one it is given
        return {name: _conditional(value, images) for name, value in tensors.items() if name != "latents"}

    # Negative embeddings are in the batch already, where they count.
    names = [name for name in pipe._callback_tensor_inputs if not name.startswith("negative_")]
    return {"callback_on_step_end": on_step_end, "callback_on_step_end_tensor_inputs": names}


def cannot_end(pipeline: type) -> str | None:
    """Why a callback can't end the guidance of a pipeline class; None where it can."""
    known = inspect.signature(pipeline.__call__).parameters
    tensors = getattr(pipeline, "_callback_tensor_inputs", ())
    if "callback_on_step_end" not in known or "latents" not in tensors:
        return "it takes no callback_on_step_end"
    if not hasattr(pipeline, "do_classifier_free_guidance"):
        return "it decides on guidance before the loop"
    if "prompt_attention_mask" in known and "prompt_attention_mask" not in tensors:
        return "its callback can't shorten the prompts' attention mask, which has the guidance's batch size"
    return None


def _conditional(value: Any, images: int) -> Any:
    """The second half of what is there twice, without and with the prompt; anything else as it is.

    diffusers' own callbacks keep the last row alone, which is right for one image.
    """
    if isinstance(value, list):
        return [_conditional(one, images) for one in value]
    if isinstance(value, torch.Tensor) and value.ndim and value.shape[0] == 2 * images:
        return value[images:]
    return value
