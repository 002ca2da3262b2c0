"""LoRA adapters made on the spot: random low-rank changes of the denoisers' attention, loaded as a user would.

They go in through the pipeline's own ``load_lora_weights`` and ``set_adapters``. Both look at the class of the denoiser
and pass over a compiled one without a word (diffusers#11408), so the module that was compiled stands in for it
meanwhile. A user who loads into a compiled pipeline does the same, or sees no effect.
"""

from __future__ import annotations

import importlib.util
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from profiler.scenarios.custom import LORA_NEEDS_PEFT
from profiler.subject import Denoiser, Piece, Subject
from profiler.variants import Unsupported

PROJECTIONS = (".to_q", ".to_k", ".to_v", ".to_out.0")
STRENGTH = 0.1
"""About how large the change of a projection is beside the projection, with as many ranks as inputs."""


class Loras:
    """The adapters of a subject. ``use`` switches one on, ``remove`` takes all out and leaves nothing behind."""

    def __init__(self, subject: Subject, dtype: torch.dtype, seed: int) -> None:
        self._adapted = [(piece, denoiser) for piece in subject.pieces for denoiser in _adaptable(piece)]
        self._name = type(subject.pipe).__name__
        self._dtype = dtype
        self._seed = seed
        self._loaded: dict[str, int] = {}  # ranks by name
        self._trainable: list[torch.nn.Parameter] = []

    def check(self) -> None:
        """Whether there can be adapters at all. Raises Unsupported."""
        if importlib.util.find_spec("peft") is None:
            raise Unsupported(LORA_NEEDS_PEFT)
        if not self._adapted:
            raise Unsupported(f"{self._name} can't load LoRAs into its denoisers")

    def use(self, name: str, rank: int, scale: float) -> None:
        """Make ``name`` the one active adapter. Raises Unsupported where the pipeline can't take it."""
        self.check()
        with _originals([denoiser for _, denoiser in self._adapted]), _silence():
            if self._loaded.get(name) != rank:
                self._load(name, rank)
            for piece, _ in self._adapted:
                piece.pipe.set_adapters([name], [scale])

    def remove(self) -> None:
        """No adapters, and every weight trainable again that was: loading freezes them, which compiled code notices."""
        if not self._loaded:
            return
        with _originals([denoiser for _, denoiser in self._adapted]), _silence():
            for piece, _ in self._adapted:
                piece.pipe.unload_lora_weights()
        for parameter in self._trainable:
            parameter.requires_grad_(True)
        self._trainable.clear()
        self._loaded.clear()

    def _load(self, name: str, rank: int) -> None:
        if not self._loaded:
            modules = [denoiser.module for _, denoiser in self._adapted]
            self._trainable = [each for module in modules for each in module.parameters() if each.requires_grad]
        for piece, denoiser in self._adapted:
            if name in self._loaded:
                piece.pipe.delete_adapters([name])
            generator = torch.Generator().manual_seed(self._seed + zlib.crc32(f"{denoiser.label} {name}".encode()))
            weights = adapter(denoiser.module, denoiser.name, rank, self._dtype, generator)
            if not weights:
                raise Unsupported(f"{denoiser.label} has no attention projections that a LoRA could change")
            piece.pipe.load_lora_weights(weights, adapter_name=name)
        self._loaded[name] = rank


def adapter(
    module: torch.nn.Module, prefix: str, rank: int, dtype: torch.dtype, generator: torch.Generator
) -> dict[str, torch.Tensor]:
    """The weights of a LoRA of ``rank`` for the attention projections of ``module``, in peft's format.

    Drawn on the CPU, so that they are the same on every device.
    """
    weights: dict[str, torch.Tensor] = {}
    for path, layer in module.named_modules():
        name = path.removesuffix(".base_layer")  # where a layer went that has adapters already
        if not isinstance(layer, torch.nn.Linear) or not name.endswith(PROJECTIONS):
            continue
        down = torch.randn(rank, layer.in_features, generator=generator) * layer.in_features**-0.5
        up = torch.randn(layer.out_features, rank, generator=generator) * STRENGTH * layer.in_features**-0.5
        for kind, values in (("A", down), ("B", up)):
            weights[f"{prefix}.{name}.lora_{kind}.weight"] = values.to(device=layer.weight.device, dtype=dtype)
    return weights


def _adaptable(piece: Piece) -> list[Denoiser]:
    """The denoisers of a piece that its pipeline loads LoRAs into."""
    pipeline = type(piece.pipe)
    if not hasattr(pipeline, "load_lora_weights"):
        return []
    names = [getattr(pipeline, f"{kind}_name", None) for kind in ("unet", "transformer")]
    return [each for each in piece.denoisers if each.name in names and not _is_uneven(each.module)]


def _is_uneven(module: torch.nn.Module) -> bool:
    """Whether it is a UNet whose levels have different numbers of layers: diffusers' set_adapters can't count those."""
    return not isinstance(getattr(getattr(module, "config", None), "layers_per_block", 0), int)


@contextmanager
def _originals(denoisers: list[Denoiser]) -> Iterator[None]:
    """Put the modules that were compiled in the places of what torch.compile or accelerate made of them."""
    compiled = [(denoiser, denoiser.module) for denoiser in denoisers if "_orig_mod" in _attributes(denoiser.module)]
    for denoiser, module in compiled:
        denoiser.replace(module._orig_mod)
    try:
        yield
    finally:
        for denoiser, module in compiled:
            denoiser.replace(module)


def _attributes(module: torch.nn.Module) -> set[str]:
    # torch.compile keeps the original among the submodules, accelerate among the plain attributes.
    return {*vars(module), *module._modules}


@contextmanager
def _silence() -> Iterator[None]:
    """Without the warnings that text encoders get no adapter, and that there are several."""
    from diffusers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
