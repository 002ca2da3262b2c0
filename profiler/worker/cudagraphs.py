"""What a pipeline must do around denoisers that replay CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

KEEP_RAW_OUTPUT = frozenset({"PNDMScheduler", "IPNDMScheduler"})
"""Schedulers that put the denoiser's output itself into their history."""


class CudaGraphSteps:
    """Marks where a step begins, and copies outputs that something keeps beyond it.

    A replay overwrites the outputs of the one before. ``begin_step`` tells torch that those of the last step are no
    longer needed; it is called once a step, never between two denoiser calls of one step, whose outputs are in use.
    With classifier-free guidance the scheduler is given a new tensor; without it gets the denoiser's own, and
    ``cloned`` is told (with the scheduler's class) when that has to be copied.
    """

    def __init__(self, pipe: Any, cloned: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._cloned = cloned
        self._clones: bool | None = None

    def begin_step(self) -> None:
        torch.compiler.cudagraph_mark_step_begin()

    def keep(self, output: Any) -> Any:
        """``output``, with its tensors copied where the scheduler keeps them."""
        if self._clones is None:
            self._clones = self._must_clone()
        if not self._clones:
            return output
        if isinstance(output, tuple):
            return tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in output)
        for name, value in output.items():
            if isinstance(value, torch.Tensor):
                output[name] = value.clone()
        return output

    def _must_clone(self) -> bool:
        scheduler = type(self._pipe.scheduler).__name__
        guided = getattr(self._pipe, "do_classifier_free_guidance", False)
        if guided or scheduler not in KEEP_RAW_OUTPUT:
            return False
        self._cloned(scheduler)
        return True
