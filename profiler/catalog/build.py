"""Build an entry's pipelines with random weights, or load them with real ones. The one place that knows how."""

from __future__ import annotations

import os
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any, Protocol

import torch

from profiler.catalog import chains, folders
from profiler.catalog.entry import Component, Entry, Part, Size, denoiser_label
from profiler.catalog.errors import BuildError, first_line
from profiler.catalog.tokenizer import tokenizer
from profiler.catalog.weights import Fill, skeleton
from profiler.subject import Denoiser, Piece, Subject
from profiler.trust import ALLOW_PICKLE, NOTHING, Trust

Report = Callable[[str, int, int], None]
"""Called as (component, components ready, components in all) when a component is begun, and once more at the end."""

TEXT_ENCODERS = ("light", "all", "none")

__all__ = ["TEXT_ENCODERS", "BuildError", "build", "first_line", "skeleton"]


def build(
    entry: Entry,
    *,
    size: str,
    weights: str,
    dtype: str,
    device: str,
    seed: int = 0,
    text_encoders: str = "light",
    report: Report | None = None,
    trust: Trust = NOTHING,
) -> Subject:
    """``entry`` on ``device`` in ``dtype`` ("float16", ...), its progress bars silent.

    ``weights`` is ``random``, ``hub`` or a folder in diffusers' layout; of an entry with several parts a folder with
    one such folder for each (``if-i``, ``if-ii``, ``x4-upscaler``). ``text_encoders`` is ``light`` (all but the heavy
    ones), ``all`` or ``none``; the subject's notes say what was left out. ``trust`` says what else than safetensors
    may be loaded. Raises BuildError; torch.OutOfMemoryError and
    MemoryError pass through.
    """
    plans = [_Plan(entry, part, size, text_encoders) for part in entry.parts]
    maker: _Maker
    if weights == "random":
        maker = _RandomWeights(plans, getattr(torch, dtype), device, seed, report)
    else:
        maker = _RealWeights(plans, size, weights, getattr(torch, dtype), device, report, trust)
    pieces = []
    for plan in plans:
        pipe = maker(plan)
        pipe.set_progress_bar_config(disable=True)
        pieces.append(_piece(entry, plan, pipe))
    maker.end()
    call = chains.call(pieces) if len(pieces) > 1 else _single(pieces[0].pipe)
    return Subject(entry.name, tuple(pieces), call, notes=_notes(plans))


def _single(pipe: Any) -> Callable[..., Any]:
    return lambda arguments: pipe(**arguments)


def _piece(entry: Entry, plan: _Plan, pipe: Any) -> Piece:
    part = plan.part
    denoisers = tuple(
        Denoiser(
            denoiser_label(entry, part, name),
            pipe,
            name,
            engines=part.regional_engines.get(name, ()),
            blocks=part.found_blocks.get(name, ()),
        )
        for name in part.denoisers
    )
    return Piece(pipe, denoisers, loop=part.loop, part=part, size=plan.size, embeds=plan.embeds)


# --- what is built and what is left out -------------------------------------------------------------------------------


class _Plan:
    """Which components of a part are built. ``embeds``: embeddings stand in for the prompts."""

    def __init__(self, entry: Entry, part: Part, size: str, text_encoders: str) -> None:
        self.entry = entry
        self.part = part
        self.size: Size = part.sizes[size]
        texts = [name for name in self.size.components if name.startswith(("text_encoder", "tokenizer"))]
        self.embeds = text_encoders == "none" or (
            text_encoders == "light" and bool(part.heavy) and not part.heavy_optional
        )
        self.left_out: list[str] = []
        if self.embeds:
            self.left_out = texts
        elif text_encoders == "light":
            self.left_out = [name for name in texts if name in part.heavy]
        self.components = {name: one for name, one in self.size.components.items() if name not in self.left_out}
        self.note = self._note(text_encoders)

    def _note(self, text_encoders: str) -> str | None:
        if not self.left_out:
            return None
        encoders = {name: self.size.components[name] for name in self.left_out if name.startswith("text_encoder")}
        heavy = " and ".join(_described(one) for name, one in encoders.items() if name in self.part.heavy)
        light = " and ".join(one.cls for name, one in encoders.items() if name not in self.part.heavy)
        if text_encoders == "none":
            every = ", ".join(_described(one) for one in encoders.values())
            return f"prompt embeddings stand in for {every}: no text encoder is built"
        if not self.embeds:
            return f"without {heavy}: its part of the embeddings is zeros; --text-encoders all builds it"
        rest = f"; {light}, which nothing would run, is left out too" if light else ""
        return f"prompt embeddings stand in for {heavy}: --text-encoders all builds it{rest}"


def _described(component: Component) -> str:
    count = component.parameters or 0
    for unit, name in ((10**9, " B"), (10**6, " M"), (10**3, " k")):
        if count >= unit:
            return f"{component.cls} ({count / unit:.1f}{name} parameters)"
    return f"{component.cls} ({count} parameters)"


def _notes(plans: list[_Plan]) -> list[tuple[str, str]]:
    """The plans' notes, a text that several share told once."""
    loops: dict[str, list[str]] = {}
    for plan in plans:
        if plan.note is not None:
            loops.setdefault(plan.note, []).append(plan.part.loop)
    prefixed = len(plans) > 1
    return [("text-encoders", f"{', '.join(names)}: {text}" if prefixed else text) for text, names in loops.items()]


# --- random weights ---------------------------------------------------------------------------------------------------


class _Maker(Protocol):
    """Makes the pipelines of an entry, one after the other."""

    def __call__(self, plan: _Plan) -> Any: ...

    def end(self) -> None:
        """Every pipeline is ready."""


class _RandomWeights:
    def __init__(self, plans: list[_Plan], dtype: torch.dtype, device: str, seed: int, report: Report | None) -> None:
        self._fill = Fill(seed, dtype, device)
        self._report = report or (lambda name, done, total: None)
        self._total = sum(len(plan.components) for plan in plans)
        self._done = 0
        self._several = len(plans) > 1
        # Stages of a chain share a heavy text encoder: two of them would take twice the memory for nothing.
        self._shared: dict[int, Any] = {}

    def __call__(self, plan: _Plan) -> Any:
        import diffusers

        built: dict[str, Any] = dict.fromkeys(plan.left_out)
        for name, component in plan.components.items():
            self._report(f"{plan.part.loop} {name}" if self._several else name, self._done, self._total)
            built[name] = self._shared.get(id(component))
            if built[name] is None:
                built[name] = _component(component, self._fill)
            if name in plan.part.heavy:
                self._shared[id(component)] = built[name]
            self._done += 1
        return getattr(diffusers, plan.part.pipeline_cls)(**built, **plan.part.options)

    def end(self) -> None:
        self._report("", self._total, self._total)


def _component(component: Component, fill: Fill) -> Any:
    if component.cls.endswith("Scheduler"):
        import diffusers

        return getattr(diffusers, component.cls).from_config(dict(component.config))
    if "Tokenizer" in component.cls:
        return tokenizer(component)
    return fill(skeleton(component))


# --- real weights -----------------------------------------------------------------------------------------------------


class _RealWeights:
    def __init__(
        self,
        plans: list[_Plan],
        size: str,
        weights: str,
        dtype: torch.dtype,
        device: str,
        report: Report | None,
        trust: Trust,
    ) -> None:
        entry = plans[0].entry
        if weights == "hub" and size != "full":
            raise BuildError(f"the hub has {entry.name} at its full size only: use --size full, or --weights random")
        self._sources = [_source(plan, weights, several=len(plans) > 1) for plan in plans]
        for plan, source in zip(plans, self._sources, strict=True):
            if weights != "hub":
                folders.check(source, plan.left_out, trust)
        self._hub = weights == "hub"
        self._dtype = dtype
        self._device = device
        self._report = report or (lambda name, done, total: None)
        self._trust = trust
        self._done = 0
        self._shared: dict[int, Any] = {}

    def __call__(self, plan: _Plan) -> Any:
        source = self._sources[self._done]
        self._report(source, self._done, len(self._sources))
        try:
            pipe = self._loaded(plan, source)
        except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError, UnpicklingError) as error:
            raise loading_error(source, error, self._trust) from error
        for name in plan.part.heavy:
            if name in plan.components:
                self._shared[id(plan.components[name])] = getattr(pipe, name)
        self._done += 1
        return pipe.to(self._device)

    def _loaded(self, plan: _Plan, source: str) -> Any:
        import diffusers

        given: dict[str, Any] = dict.fromkeys(plan.left_out)
        for name, component in plan.components.items():
            if id(component) in self._shared:
                given[name] = self._shared[id(component)]
            elif self._hub and component.model_id is not None:
                given[name] = getattr(diffusers, component.cls).from_pretrained(
                    component.model_id, torch_dtype=self._dtype, use_safetensors=self._trust.use_safetensors
                )
        pipeline = getattr(diffusers, plan.part.pipeline_cls)
        index = pipeline.load_config(source)
        folders.check_index(source, index, plan.left_out, self._trust)
        return pipeline.from_pretrained(
            fetched(pipeline, source, index, self._trust, **given),
            torch_dtype=self._dtype,
            # Pickled weights can run code, and so can what comes with a pipeline.
            use_safetensors=self._trust.use_safetensors,
            trust_remote_code=self._trust.remote_code,
            **given,
            **plan.part.options,
        )

    def end(self) -> None:
        self._report("", len(self._sources), len(self._sources))


def fetched(pipeline: Any, source: str, index: dict[str, Any], trust: Trust, **given: Any) -> str:
    """The folder with what ``pipeline``, a class of diffusers, loads from ``source``; fetched where it is of the hub.

    ``index`` is the source's, checked; ``given`` are components that aren't loaded. Raises BuildError where something
    in the folder isn't allowed, and what diffusers' ``download`` raises.
    """
    folder = source
    if not os.path.isdir(source):
        folder = pipeline.download(
            source, use_safetensors=trust.use_safetensors, trust_remote_code=trust.remote_code, **given
        )
    folders.check_beside(source, folder, index, tuple(given), trust)
    return folder


def _source(plan: _Plan, weights: str, *, several: bool) -> str:
    if weights == "hub":
        if plan.part.model_id is None:
            raise BuildError(f"{plan.entry.name} has no weights on the hub: use --weights random or a folder")
        return plan.part.model_id
    return os.path.join(weights, folders.of_part(plan.part)) if several else weights


def loading_error(source: str, error: BaseException, trust: Trust = NOTHING) -> BuildError:
    """What from_pretrained raised, as one line that says what would work."""
    text = str(error)
    if isinstance(error, UnpicklingError):
        # What torch says is how to have it run all the same.
        return BuildError(
            f"the pickled weights of {source} hold more than tensors, or are damaged: a function of yours can load them"
            " where you trust them (FILE.py:FUNCTION)"
        )
    # Where it is allowed, something else refuses it, as DIFFUSERS_DISABLE_REMOTE_CODE does: the error says what.
    if not trust.remote_code and ("trust_remote_code" in text or "remote code is disabled" in text):
        return folders.own_code(source, "loading it")
    if "Could not find the necessary `safetensors` weights" in text:
        return folders.pickled_only(source, first_line(error))
    if "no file named" in text and "safetensors" in text:
        return BuildError(
            f"{source} lacks safetensors under the name that is looked for: {ALLOW_PICKLE} loads pickled weights, and"
            " those of a variant like fp16 work once they are loaded and saved again with save_pretrained(folder)"
            f" ({first_line(error).rstrip('.')})"
        )
    return BuildError(f"cannot load {source}: {first_line(error)}")
