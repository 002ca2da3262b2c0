"""Gives the denoisers the attention that was asked for, or says why this model or machine lacks it.

diffusers has two ways. Models of the UNet's age have an attention processor a layer: AttnProcessor2_0 calls torch's
scaled_dot_product_attention, AttnProcessor multiplies the matrices itself. Newer models call a dispatcher, which has
backends.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch

from profiler import attention
from profiler.catalog.build import first_line
from profiler.subject import Denoiser
from profiler.variants import Unsupported

# What takes the place of what, by the class names of the processors.
_SDPA = {
    "AttnProcessor": "AttnProcessor2_0",
    "SlicedAttnProcessor": "AttnProcessor2_0",
    "AttnAddedKVProcessor": "AttnAddedKVProcessor2_0",
    "SlicedAttnAddedKVProcessor": "AttnAddedKVProcessor2_0",
}
_VANILLA = {
    "AttnProcessor2_0": "AttnProcessor",
    "SlicedAttnProcessor": "AttnProcessor",
    "AttnAddedKVProcessor2_0": "AttnAddedKVProcessor",
    "SlicedAttnAddedKVProcessor": "AttnAddedKVProcessor",
}
_DISPATCHED = {"sdpa": "native", "vanilla": "_native_math"}


def set_attention(denoiser: Denoiser, name: str, device: str, dtype: torch.dtype) -> str:
    """Give ``denoiser`` the attention ``name`` and return in words what it has now. Raises Unsupported."""
    processors = _processors(denoiser.module)
    if not processors:
        raise Unsupported(f"{denoiser.label} has no attention that diffusers could set: leave --attention out")
    if any(hasattr(processor, "_attention_backend") for processor in processors.values()):
        return _dispatch(denoiser, _DISPATCHED.get(name, name), device, dtype)
    if name == "xformers":
        return _xformers(denoiser)
    if name not in attention.PLAIN:
        raise Unsupported(
            f"{denoiser.label} ({type(denoiser.module).__name__}) does not use diffusers' attention dispatcher:"
            f" --attention {' or '.join(attention.PLAIN)}"
        )
    return _exchange(denoiser, processors, name)


def set_slicing(denoiser: Denoiser) -> str:
    """Compute the denoiser's attention in slices, half of the heads at a time. Raises Unsupported."""
    module = denoiser.module
    if not hasattr(module, "set_attention_slice"):
        raise Unsupported(f"{denoiser.label} ({type(module).__name__}) has no attention slicing: only UNets have")
    module.set_attention_slice("auto")
    return _described(denoiser)


def offered(device: str, dtype: torch.dtype) -> dict[str, str | None]:
    """Each backend of the dispatcher: None where it runs on ``device`` in ``dtype``, else why not.

    Those that work are found by running them on a few numbers; kernels that diffusers would download are not fetched.
    """
    return {name: _lack(name, device, dtype) for name in attention.BACKENDS}


def _lack(name: str, device: str, dtype: torch.dtype) -> str | None:
    from diffusers.models import attention_dispatch as dispatch

    try:
        backend = dispatch.AttentionBackendName(name)
    except ValueError:
        return "this release of diffusers does not have it"
    try:
        # What set_attention_backend asks before it changes the model; there is no public way to ask it alone.
        dispatch._check_attention_backend_requirements(backend)
    except RuntimeError as error:
        return first_line(error)
    if backend in dispatch._HUB_KERNELS_REGISTRY:
        return "its kernels would be downloaded from the hub at the first use"
    return _trial(backend, device, dtype)


def _trial(backend: Any, device: str, dtype: torch.dtype) -> str | None:
    """Attention over 16 tokens with 2 heads of 64: None where it works, else what ``backend`` says."""
    from diffusers.models.attention_dispatch import dispatch_attention_fn

    query, key, value = (torch.ones(1, 16, 2, 64, device=device, dtype=dtype) for _ in range(3))
    try:
        dispatch_attention_fn(query, key, value, backend=backend)
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
    except Exception as error:  # a package of somebody else's, which may raise anything
        return f"it fails on {device} in {str(dtype).removeprefix('torch.')}: {first_line(error)}"
    return None


def _processors(module: Any) -> dict[str, Any]:
    """The attention processors of ``module`` by where they are."""
    return {
        name: child.processor
        for name, child in module.named_modules()
        if getattr(child, "processor", None) is not None and hasattr(child, "set_processor")
    }


def _dispatch(denoiser: Denoiser, name: str, device: str, dtype: torch.dtype) -> str:
    module = denoiser.module
    if not hasattr(module, "set_attention_backend"):
        raise Unsupported(f"{denoiser.label} ({type(module).__name__}) can't change its attention: leave it out")
    try:
        # Takes the backend for all models that go through the dispatcher from now on, the VAE's among them.
        module.set_attention_backend(name)
    except Exception as error:  # packages that are missing or too old, kernels that can't be downloaded
        raise Unsupported(f"attention {name} is not available here: {first_line(error)}") from error
    from diffusers.models.attention_dispatch import AttentionBackendName

    lack = _trial(AttentionBackendName(name), device, dtype)
    if lack is not None:
        raise Unsupported(f"attention {name} is not available here: {lack}")
    return f"{denoiser.label}: {name} of diffusers' dispatcher"


def _xformers(denoiser: Denoiser) -> str:
    try:
        denoiser.module.enable_xformers_memory_efficient_attention()
    except Exception as error:  # not installed, no GPU, or an installation that doesn't fit this torch
        raise Unsupported(f"attention xformers is not available here: {first_line(error)}") from error
    return _described(denoiser)


def _exchange(denoiser: Denoiser, processors: dict[str, Any], name: str) -> str:
    """Exchange the processors for those of the kind ``name``; all layers that take a class share one of it."""
    from diffusers.models import attention_processor

    exchange = _VANILLA if name == "vanilla" else _SDPA
    made: dict[str, Any] = {}
    modules = dict(denoiser.module.named_modules())
    for where, processor in processors.items():
        old = type(processor).__name__
        if old in exchange.values() or (name == "sdpa" and old.endswith("2_0")):
            continue
        if old not in exchange:
            raise Unsupported(
                f"{denoiser.label} has {old}, of which diffusers has no {name} version: leave --attention out"
            )
        new = exchange[old]
        if new not in made:
            made[new] = getattr(attention_processor, new)()
        modules[where].set_processor(made[new])
    return _described(denoiser)


def _described(denoiser: Denoiser) -> str:
    counts = Counter(type(processor).__name__ for processor in _processors(denoiser.module).values())
    return f"{denoiser.label}: {', '.join(f'{count} x {name}' for name, count in sorted(counts.items()))}"
