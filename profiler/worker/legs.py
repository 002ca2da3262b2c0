"""Legs of a scenario, on the real pipeline: what a leg changes is done when it is entered and undone after it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
import torch

from profiler import scenarios
from profiler.catalog import Component, Entry, Part, Size
from profiler.request import BadRequest, Leg, Workload
from profiler.scenarios.settings import LORA_RANK
from profiler.subject import Subject, pipelines_inside
from profiler.variants import Unsupported
from profiler.worker import guidance
from profiler.worker.lora import Loras
from profiler.worker.setting import Setting
from profiler.worker.signature import OPTIONS, own_side, parameters, takes

AROUND: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
}


class Legs:
    """Brings ``subject`` into the state of one leg after another.

    ``enter`` first undoes what the leg before changed, so the order of the legs makes no difference to what a leg's
    calls do. ``close`` undoes the last one.
    """

    def __init__(self, subject: Subject, workload: Workload, device: str) -> None:
        self.subject = subject
        self.workload = workload
        self.device = device
        self._schedulers: list[tuple[Any, Any]] = []  # pipelines whose scheduler was swapped, with their own
        self._loras = Loras(subject, getattr(torch, workload.dtype), workload.seed)

    def check(self, leg: Leg) -> None:
        """Whether the pipeline can do what ``leg`` asks for, as far as it shows without a call. Raises Unsupported."""
        changes, pipe = leg.changes, self.subject.pipe
        if "scheduler" in changes:
            for own in self._own_schedulers():
                another_scheduler(own, changes["scheduler"])
        if "guidance_end" in changes:
            self._ending(changes["guidance_end"])
        if "lora" in changes:
            self._loras.check()
        if "latents_format" in changes and not takes(pipe, "latents"):
            raise Unsupported(f"a call of {type(pipe).__name__} takes no latents")
        if all(piece.part is not None for piece in self.subject.pieces):
            return
        for field, argument in OPTIONS.items():
            if field in changes and not takes(pipe, argument):
                raise Unsupported(f"a call of {type(pipe).__name__} takes no {argument}")
        if "tokens" in changes:
            raise Unsupported("the number of tokens can be changed for the catalogue's pipelines alone")

    def enter(self, leg: Leg | None) -> Setting:
        """The setting that the calls of ``leg`` are made with; None: those of the workload as it is.

        Raises Unsupported where the pipeline can't do what the leg asks for.
        """
        self._restore_schedulers()
        if leg is None:
            self._loras.remove()
            return Setting(self.workload)
        self.check(leg)
        changes = leg.changes
        if "scheduler" in changes:
            self._swap_schedulers(changes["scheduler"])
        if "lora" in changes:
            rank, scale = changes.get("lora_rank", LORA_RANK), float(changes.get("lora_scale", 1.0))
            self._loras.use(changes["lora"], rank, scale)
        else:
            self._loras.remove()
        return Setting(
            scenarios.workload_of(self.workload, leg),
            leg=leg.name,
            tokens=changes.get("tokens"),
            latents_format=changes.get("latents_format"),
            arguments=self._ending(changes["guidance_end"]) if "guidance_end" in changes else {},
            around=AROUND[changes["grad_mode"]] if "grad_mode" in changes else nullcontext,
        )

    def close(self) -> None:
        """Undo the last leg."""
        self._restore_schedulers()
        self._loras.remove()

    def _ending(self, share: float) -> dict[str, Any]:
        if len(self.subject.pieces) > 1:
            raise Unsupported(f"guidance can't be ended during a call of {self.subject.name}: it chains pipelines")
        return guidance.ending(self.subject.pipe, share)

    def _own_schedulers(self) -> list[Any]:
        found = [getattr(piece.pipe, "scheduler", None) for piece in self.subject.pieces]
        if None in found:
            raise Unsupported(f"{type(self.subject.pipe).__name__} has no scheduler that could be swapped")
        return found

    def _swap_schedulers(self, name: str) -> None:
        for piece, own in zip(self.subject.pieces, self._own_schedulers()):
            if type(own).__name__ == name:
                continue
            other = another_scheduler(own, name)
            for pipe in (piece.pipe, *(inner for _, inner in pipelines_inside(piece.pipe))):
                if getattr(pipe, "scheduler", None) is own:
                    pipe.scheduler = other
                    self._schedulers.append((pipe, own))

    def _restore_schedulers(self) -> None:
        while self._schedulers:
            pipe, own = self._schedulers.pop()
            pipe.scheduler = own


def another_scheduler(own: Any, name: str) -> Any:
    """The scheduler class ``name`` with the configuration of ``own``. Raises Unsupported where it doesn't fit."""
    known = {kind.__name__: kind for kind in (*getattr(own, "compatibles", ()), type(own))}
    if name not in known:
        usable = ", ".join(sorted(known))
        raise Unsupported(f"{name} can't take the place of {type(own).__name__} (these can: {usable})")
    # Most schedulers can't use a variance that the denoiser predicts; with a fixed one the pipeline drops it.
    learned = own.config.get("variance_type") in ("learned", "learned_range") and name != "DDPMScheduler"
    config = {**own.config, **({"variance_type": "fixed_small"} if learned else {})}
    try:
        return known[name].from_config(config)
    except (ImportError, TypeError, ValueError, NotImplementedError) as error:
        reason = " ".join(str(error).split())
        raise Unsupported(f"{name} can't be made with {type(own).__name__}'s configuration: {reason}") from error


# --- pipelines that aren't the catalogue's ----------------------------------------------------------------------------


def legs_of(subject: Subject, workload: Workload) -> tuple[Leg, ...]:
    """The legs of the workload's scenario: those that it has, else what the pipeline itself tells.

    Raises Unsupported where the pipeline can't run it.
    """
    if workload.legs or workload.scenario == "steady":
        return workload.legs
    entry = as_entry(subject, workload)
    own = entry.part.sizes[workload.size]
    filled = {
        name: getattr(own, name) for name in ("height", "width", "steps", "guidance") if getattr(workload, name) is None
    }
    try:
        return scenarios.legs_of(workload.scenario, entry, msgspec.structs.replace(workload, **filled))
    except BadRequest as error:
        raise Unsupported(str(error)) from error


def as_entry(subject: Subject, workload: Workload) -> Entry:
    """What the catalogue would say of ``subject``, as far as its first pipeline's signature and class tell."""
    pipe = subject.pipe
    known = parameters(pipe)
    scheduler = getattr(pipe, "scheduler", None)
    schedulers = tuple(kind.__name__ for kind in getattr(scheduler, "compatibles", ()))
    side = own_side(pipe)
    cls, config = type(scheduler).__name__, dict(getattr(scheduler, "config", {}))
    size = Size(
        components={"scheduler": Component(library="diffusers", cls=cls, config=config)},
        steps=_default(known, "num_inference_steps", 50),
        guidance=_default(known, "guidance_scale", 1.0),
        height=_default(known, "height", side),
        width=_default(known, "width", side),
    )
    part = Part(
        pipeline_cls=type(pipe).__name__,
        denoisers=tuple(denoiser.name for denoiser in subject.denoisers),
        regional_engines={},
        sizes={workload.size: size},
        # Where there are two scales, guidance_scale is the one that the model was trained to take.
        guidance_kind="batch" if "negative_prompt" in known and "true_cfg_scale" not in known else "embedded",
        sized="height" in known and "width" in known,
        step_callback=guidance.cannot_end(type(pipe)) is None,
        lora=hasattr(pipe, "load_lora_weights"),
    )
    return Entry(
        name=subject.name,
        title=subject.name,
        parts=(part,),
        prompt=workload.prompt,
        multiple=16 if hasattr(pipe, "vae") else 8,
        schedulers=schedulers,
    )


def _default(known: Mapping[str, inspect.Parameter], name: str, otherwise: Any) -> Any:
    """The default of a call argument that is a number."""
    default = known[name].default if name in known else None
    return default if isinstance(default, int | float) else otherwise
