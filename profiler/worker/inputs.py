"""What each call passes to the pipeline, and what it gave back: the same noise every time, the final latents kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from profiler import sessions
from profiler.events import Output
from profiler.request import Workload

LATENTS_FILE = "latents.safetensors"


def call_arguments(workload: Workload, device: str) -> dict[str, Any]:
    """The keyword arguments of one ``pipe(...)``.

    One generator an image, seeded ``seed``, ``seed + 1``, ..., made anew for every call: all calls draw the same noise,
    and image i is the same whatever the batch size. They live on the device, as drawing on the host would put a copy
    into every step of a scheduler that adds noise.
    """
    return {
        "prompt": [workload.prompt] * workload.batch_size,
        "height": workload.height,
        "width": workload.width,
        "num_inference_steps": workload.steps,
        "guidance_scale": workload.guidance,
        "generator": [
            torch.Generator(device).manual_seed(workload.seed + image) for image in range(workload.batch_size)
        ],
    }


def final_latents(result: Any) -> torch.Tensor | None:
    """The latents in what a ``scheduler.step`` returned: a tuple, or an output object with ``prev_sample``."""
    latents = result[0] if isinstance(result, tuple) else getattr(result, "prev_sample", None)
    return latents if isinstance(latents, torch.Tensor) else None


def output_event(latents: torch.Tensor, call: int, seed: int, file: str | None) -> Output:
    """Describe ``latents``, which are in ``file`` of the run's folder."""
    tensor = latents.detach().cpu().contiguous()
    return Output(
        call=call,
        seed=seed,
        shape=list(tensor.shape),
        digest=hashlib.sha256(tensor.view(torch.uint8).numpy().tobytes()).hexdigest(),
        finite=bool(torch.isfinite(tensor).all()),
        file=file,
    )


def save_latents(latents: torch.Tensor, folder: Path) -> str:
    """Save ``latents`` in ``folder``, whole or not at all; the file's name. Raises OSError.

    As float32, which holds every value of the narrower types: whoever compares them needs neither torch nor numpy.
    """
    from safetensors.torch import save

    tensor = latents.detach().cpu().float().contiguous()
    sessions.write_atomically(folder / LATENTS_FILE, save({"latents": tensor}))
    return LATENTS_FILE
