"""What a call gave back: the final latents, kept for comparison between variants."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from profiler import sessions
from profiler.events import Output

LATENTS_FILE = "latents.safetensors"


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
        dtype=str(tensor.dtype).removeprefix("torch."),
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
