"""Modules with random weights, as fast as memory can be written.

Modules are constructed with their parameters on the meta device (no initialisation, no memory), then every parameter is
allocated straight on the target device in the target type and filled from one block of uniform values. Initialising
Stable Diffusion 1.5's UNet the usual way takes half a minute on two cores. The values have the variance of PyTorch's
own initialisation, so activations stay finite, and they depend on the seed alone.
"""

from __future__ import annotations

from collections.abc import Collection

import torch

from profiler.catalog.entry import Component

_BLOCK = 4_194_301  # values; a prime: rows of a matrix then never repeat each other, whatever their length


def skeleton(component: Component) -> torch.nn.Module:
    """The component's module with every parameter on the meta device and every buffer real, on the CPU."""
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        return _constructed(component).eval()


def shape(component: Component) -> torch.nn.Module:
    """The same with its buffers on the meta device too: tables of positions take seconds to make."""
    with torch.device("meta"):
        return _constructed(component).eval()


def _constructed(component: Component) -> torch.nn.Module:
    if component.library == "diffusers":
        import diffusers

        module: torch.nn.Module = getattr(diffusers, component.cls).from_config(dict(component.config))
        return module
    import transformers

    config = getattr(transformers, component.config_cls or "")(**component.config)
    made: torch.nn.Module = getattr(transformers, component.cls)(config)
    return made


class Fill:
    """Gives modules made by ``skeleton`` their parameters, on one device, in one type.

    What a model class wants kept in float32 is kept in float32, as from_pretrained does it.
    """

    def __init__(self, seed: int, dtype: torch.dtype, device: str) -> None:
        generator = torch.Generator().manual_seed(seed)
        # Drawn on the CPU in float32, so that the weights are the same on every device.
        block = torch.empty(_BLOCK).uniform_(-1.0, 1.0, generator=generator)
        self._blocks = {dtype: block.to(device=device, dtype=dtype)}
        self._device = device
        self._dtype = dtype
        self._at = 0  # where in the block the next value comes from

    def __call__(self, module: torch.nn.Module) -> torch.nn.Module:
        real: dict[int, torch.nn.Parameter] = {}  # by the id of the meta parameter: shared ones stay shared
        kept = self._kept_in_float32(module)
        theirs = not _of_diffusers(module)
        for path, owner in module.named_modules():
            for name, parameter in list(owner.named_parameters(recurse=False)):
                if id(parameter) not in real:
                    dtype = torch.float32 if _among(kept, path, name) else self._dtype
                    values = self._values(owner, name, parameter, dtype)
                    real[id(parameter)] = torch.nn.Parameter(values, requires_grad=parameter.requires_grad)
                setattr(owner, name, real[id(parameter)])
            for name, buffer in list(owner.named_buffers(recurse=False)):
                # Tables that aren't part of a checkpoint keep their type in transformers (rotary frequencies).
                as_is = not buffer.is_floating_point() or _among(kept, path, name)
                as_is |= theirs and name in owner._non_persistent_buffers_set
                owner._buffers[name] = buffer.to(device=self._device, dtype=buffer.dtype if as_is else self._dtype)
        return module

    def _kept_in_float32(self, module: torch.nn.Module) -> Collection[str]:
        # transformers keeps these in float32 for float16 alone, diffusers for every type.
        applies = _of_diffusers(module) or self._dtype is torch.float16
        return (getattr(module, "_keep_in_fp32_modules", None) or ()) if applies else ()

    def _values(
        self, owner: torch.nn.Module, name: str, parameter: torch.nn.Parameter, dtype: torch.dtype
    ) -> torch.Tensor:
        values = torch.empty(parameter.shape, dtype=dtype, device=self._device)
        if (name == "weight" and parameter.ndim == 1) or name == "gamma":  # of a norm
            return values.fill_(1.0)
        if name == "bias" and "Norm" in type(owner).__name__:
            return values.zero_()
        inputs = parameter.numel() // parameter.shape[0] if parameter.ndim > 1 else parameter.numel()
        # The bound of torch.nn.Linear.reset_parameters and its convolution twin: 1 / sqrt(fan in).
        self._spread(values.view(-1), max(inputs, 1) ** -0.5)
        return values

    def _spread(self, flat: torch.Tensor, bound: float) -> None:
        if flat.dtype not in self._blocks:
            self._blocks[flat.dtype] = self._blocks[self._dtype].to(flat.dtype)
        block = self._blocks[flat.dtype]
        written = 0
        while written < flat.numel():
            size = min(flat.numel() - written, _BLOCK - self._at)
            torch.mul(block[self._at : self._at + size], bound, out=flat[written : written + size])
            written += size
            self._at = (self._at + size) % _BLOCK


def _of_diffusers(module: torch.nn.Module) -> bool:
    return type(module).__module__.partition(".")[0] == "diffusers"


def _among(names: Collection[str], path: str, name: str) -> bool:
    """Whether one of ``names`` is a part of the parameter's dotted name."""
    return bool(names) and not set(names).isdisjoint([*path.split("."), name])
