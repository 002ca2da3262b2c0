"""What a pipeline must do around denoisers that replay CUDA graphs."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch

KEEP_RAW_OUTPUT = frozenset({"PNDMScheduler", "IPNDMScheduler"})
"""Schedulers known to put the denoiser's output itself into their history; others are tried out."""

_TRIED_STEPS = 4  # PNDM's Runge-Kutta steps come in fours, and keep the first


class CudaGraphSteps:
    """Marks where a step begins, and copies outputs that something keeps beyond it. Made anew for every call.

    A replay overwrites the outputs of the one before. ``begin_step`` tells torch that those of the last step are no
    longer needed; it is called once a step, never between two denoiser calls of one step, whose outputs are in use: a
    ControlNet's by the UNet, the first of two guided calls by the sum. With classifier-free guidance the scheduler is
    given a new tensor; without it gets the denoiser's own, and ``cloned`` is told (with the scheduler's class) when
    that has to be copied. ``pipe`` is the pipeline whose loop it is; of a chain each has its own.
    """

    def __init__(self, pipe: Any, cloned: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._cloned = cloned
        self._clones: bool | None = None
        # Found out here, before the loop that is measured; whether there is guidance shows in the call alone.
        scheduler = getattr(pipe, "scheduler", None)
        self._scheduler = type(scheduler).__name__
        self._keeps = scheduler is not None and keeps_raw_output(scheduler)

    def begin_step(self) -> None:
        torch.compiler.cudagraph_mark_step_begin()

    def keep(self, output: Any) -> Any:
        """``output``, with its tensors copied where the scheduler keeps them."""
        if self._clones is None:
            self._clones = self._keeps and not getattr(self._pipe, "do_classifier_free_guidance", False)
            if self._clones:
                self._cloned(self._scheduler)
        return _copied(output) if self._clones else output


_KNOWN: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


def keeps_raw_output(scheduler: Any) -> bool:
    """Whether ``scheduler`` holds on to the tensor that its ``step`` was given.

    Of solvers with a history some keep the output and others what they compute from it; for DPM-Solver and UniPC it
    depends on their configuration. What can't be tried out is taken to keep it: a copy is safe.
    """
    if type(scheduler).__name__ in KEEP_RAW_OUTPUT:
        return True
    if scheduler not in _KNOWN:
        try:
            with torch.random.fork_rng(devices=[]):  # some draw noise
                _KNOWN[scheduler] = _kept_in_trial(type(scheduler).from_config(scheduler.config))
        except Exception:  # it wants other shapes or arguments
            _KNOWN[scheduler] = True
    return _KNOWN[scheduler]


def _kept_in_trial(trial: Any) -> bool:
    """Whether ``trial``, a scheduler of no further use, holds on to what is given to its first steps."""
    shifting = {"mu": 1.0} if trial.config.get("use_dynamic_shifting") else {}
    trial.set_timesteps(2 * _TRIED_STEPS, **shifting)
    # A denoiser that predicts its variance gives it in as many channels again.
    channels = 8 if str(trial.config.get("variance_type")).startswith("learned") else 4
    sample = torch.ones(1, 4, 8, 8)
    for timestep in trial.timesteps[:_TRIED_STEPS]:
        if hasattr(trial, "scale_model_input"):
            trial.scale_model_input(sample, timestep)
        output = torch.ones(1, channels, 8, 8)
        sample = trial.step(output, timestep, sample, return_dict=False)[0]
        memory = output.untyped_storage().data_ptr()
        if any(tensor.untyped_storage().data_ptr() == memory for tensor in _tensors(vars(trial).values())):
            return True
    return False


def _tensors(values: Iterable[Any]) -> Iterable[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _copied(output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        return output.clone()
    if isinstance(output, list):
        return [_copied(value) for value in output]
    if isinstance(output, tuple):
        return tuple(_copied(value) for value in output)
    if isinstance(output, dict):  # diffusers' output objects
        twin = copy.copy(output)
        for name, value in output.items():
            twin[name] = _copied(value)
        return twin
    return output
