"""Build an entry's pipeline with random weights, or load it with real ones. The one place that knows how.

Random weights: modules are constructed with their parameters on the meta device (no initialisation, no memory), then
every parameter is allocated straight on the target device in the target type and filled from one block of uniform
values. Initialising Stable Diffusion 1.5's UNet the usual way takes half a minute on two cores; this is as fast as the
memory can be written. The values have the variance of PyTorch's own initialisation, so activations stay finite, and
they depend on the seed alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

from profiler.catalog.entry import Component, Entry, Part, denoiser_label
from profiler.catalog.tokenizer import clip_tokenizer
from profiler.subject import Denoiser, Subject, single

Report = Callable[[str, int, int], None]
"""Called as (component, components ready, components in all) when a component is begun, and once more at the end."""

_BLOCK = 4_194_301  # values; a prime: rows of a matrix then never repeat each other, whatever their length


class BuildError(Exception):
    """The pipeline can't be built or loaded; the message is one line that says what would work."""


def build(
    entry: Entry, *, size: str, weights: str, dtype: str, device: str, seed: int = 0, report: Report | None = None
) -> Subject:
    """``entry`` on ``device`` in ``dtype`` ("float16", ...), its progress bars silent.

    ``weights`` is ``random``, ``hub`` or a folder in diffusers' layout. Raises BuildError; torch.OutOfMemoryError and
    MemoryError pass through.
    """
    report = report or (lambda name, done, total: None)
    part = entry.part
    pipe = _part(entry, part, size, weights, getattr(torch, dtype), device, seed, report)
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
    return single(entry.name, pipe, denoisers)


def _part(
    entry: Entry, part: Part, size: str, weights: str, dtype: torch.dtype, device: str, seed: int, report: Report
) -> Any:
    if weights == "random":
        pipe = _with_random_weights(part, size, dtype, device, seed, report)
    else:
        pipe = _loaded(entry, part, size, weights, dtype, device, report)
    if device.startswith("cuda"):
        for name in part.denoisers:
            # As in the published benchmark: cuDNN's convolutions want their channels last.
            getattr(pipe, name).to(memory_format=torch.channels_last)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _with_random_weights(part: Part, size: str, dtype: torch.dtype, device: str, seed: int, report: Report) -> Any:
    import diffusers

    components = part.sizes[size].components
    fill = _Fill(seed, dtype, device)
    built: dict[str, Any] = {}
    for done, (name, component) in enumerate(components.items()):
        report(name, done, len(components))
        built[name] = _component(component, fill)
    report("", len(components), len(components))
    return getattr(diffusers, part.pipeline_cls)(**built, **part.options)


def _component(component: Component, fill: _Fill) -> Any:
    if component.cls.endswith("Scheduler"):
        import diffusers

        return getattr(diffusers, component.cls).from_config(dict(component.config))
    if component.cls == "CLIPTokenizer":
        return clip_tokenizer(component.config["vocab_size"], component.config["model_max_length"])
    return fill(skeleton(component))


def skeleton(component: Component) -> torch.nn.Module:
    """The component's module with every parameter on the meta device and every buffer real, on the CPU."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        if component.library == "diffusers":
            import diffusers

            module = getattr(diffusers, component.cls).from_config(dict(component.config))
        else:
            import transformers

            config = getattr(transformers, component.config_cls or "")(**component.config)
            module = getattr(transformers, component.cls)(config)
    return module.eval()


class _Fill:
    """Gives modules made by ``skeleton`` their parameters, on one device, in one type."""

    def __init__(self, seed: int, dtype: torch.dtype, device: str) -> None:
        generator = torch.Generator().manual_seed(seed)
        # Drawn on the CPU in float32, so that the weights are the same on every device.
        block = torch.empty(_BLOCK).uniform_(-1.0, 1.0, generator=generator)
        self._block = block.to(device=device, dtype=dtype)
        self._device = device
        self._dtype = dtype
        self._at = 0  # where in the block the next value comes from

    def __call__(self, module: torch.nn.Module) -> torch.nn.Module:
        real: dict[int, torch.nn.Parameter] = {}  # by the id of the meta parameter: shared ones stay shared
        for owner in module.modules():
            for name, parameter in list(owner.named_parameters(recurse=False)):
                if id(parameter) not in real:
                    values = self._values(owner, name, parameter)
                    real[id(parameter)] = torch.nn.Parameter(values, requires_grad=parameter.requires_grad)
                setattr(owner, name, real[id(parameter)])
            for name, buffer in list(owner.named_buffers(recurse=False)):
                dtype = self._dtype if buffer.is_floating_point() else buffer.dtype
                owner._buffers[name] = buffer.to(device=self._device, dtype=dtype)
        return module

    def _values(self, owner: torch.nn.Module, name: str, parameter: torch.nn.Parameter) -> torch.Tensor:
        values = torch.empty(parameter.shape, dtype=self._dtype, device=self._device)
        if name == "weight" and parameter.ndim == 1:  # of a norm
            return values.fill_(1.0)
        if name == "bias" and "Norm" in type(owner).__name__:
            return values.zero_()
        inputs = parameter.numel() // parameter.shape[0] if parameter.ndim > 1 else parameter.numel()
        # The bound of torch.nn.Linear.reset_parameters and its convolution twin: 1 / sqrt(fan in).
        self._spread(values.view(-1), max(inputs, 1) ** -0.5)
        return values

    def _spread(self, flat: torch.Tensor, bound: float) -> None:
        written = 0
        while written < flat.numel():
            size = min(flat.numel() - written, _BLOCK - self._at)
            torch.mul(self._block[self._at : self._at + size], bound, out=flat[written : written + size])
            written += size
            self._at = (self._at + size) % _BLOCK


def _loaded(entry: Entry, part: Part, size: str, weights: str, dtype: torch.dtype, device: str, report: Report) -> Any:
    import diffusers

    source = part.model_id if weights == "hub" else weights
    if source is None:
        raise BuildError(f"{entry.name} has no weights on the hub: use --weights random or a folder")
    if weights == "hub" and size != "full":
        raise BuildError(f"the hub has {entry.name} at its full size only: use --size full, or --weights random")
    if weights != "hub" and not os.path.isfile(os.path.join(weights, "model_index.json")):
        raise BuildError(f"{weights} holds no pipeline: a folder with a model_index.json is needed")
    report(source, 0, 1)
    try:
        # Pickled weights can run code: safetensors alone.
        pipe = getattr(diffusers, part.pipeline_cls).from_pretrained(
            source, torch_dtype=dtype, use_safetensors=True, **part.options
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise BuildError(f"cannot load {source}: {first_line(error)}") from error
    pipe.to(device)
    report("", 1, 1)
    return pipe


def first_line(error: BaseException) -> str:
    """The first line of an exception's message that says something; its class where none does."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
