"""The VAE as the workload wants it: another one, sliced, tiled."""

from __future__ import annotations

import os
from pickle import UnpicklingError
from typing import Any

import torch

from profiler.catalog.build import BuildError, loading_error
from profiler.request import Workload
from profiler.subject import Piece, Subject
from profiler.trust import NOTHING, Trust
from profiler.variants import Unsupported

TINY = "tiny"


def fit(subject: Subject, workload: Workload, device: str, trust: Trust = NOTHING) -> list[tuple[str, str]]:
    """Swap, slice and tile the VAEs of ``subject``; notes (code, text). ``trust`` is of another VAE's weights.

    Raises Unsupported and BuildError.
    """
    if not (workload.vae or workload.vae_slicing or workload.vae_tiling):
        return []
    pieces = [piece for piece in subject.pieces if _has_vae(piece)]
    if not pieces:
        raise Unsupported(f"{subject.name} has no VAE: leave the VAE's options out")
    notes = []
    if workload.vae:
        notes += [("vae", _swap(piece, workload, workload.vae, device, trust)) for piece in pieces]
    if workload.vae_slicing:
        notes += [("vae-slicing", _slice(piece, workload)) for piece in pieces]
    if workload.vae_tiling:
        notes += [("vae-tiling", _tile(piece, workload)) for piece in pieces]
    return notes


def _has_vae(piece: Piece) -> bool:
    return isinstance(getattr(piece.pipe, "vae", None), torch.nn.Module)


def _swap(piece: Piece, workload: Workload, source: str, device: str, trust: Trust) -> str:
    old, dtype = piece.pipe.vae, getattr(torch, workload.dtype)
    vae = _tiny(old, workload.seed) if source == TINY else _loaded(source, dtype, trust)
    had, has = (getattr(each.config, "latent_channels", None) for each in (old, vae))
    if had is not None and has != had:
        raise Unsupported(f"the VAE {source} has {has} latent channels, the pipeline's has {had}")
    piece.pipe.vae = vae.to(device=device, dtype=dtype).eval()
    weights = "random weights" if source == TINY else f"the weights of {source}"
    return f"the VAE is an {type(vae).__name__} with {weights} in place of the {type(old).__name__}"


def _tiny(old: Any, seed: int) -> Any:
    """An AutoencoderTiny (TAESD) for the latents of ``old``."""
    from diffusers import AutoencoderTiny

    if type(old).__name__ != "AutoencoderKL":
        raise Unsupported(f"--vae tiny can stand in for an AutoencoderKL, not for this pipeline's {type(old).__name__}")
    smaller = 2 ** (len(old.config.block_out_channels) - 1)
    if smaller != 8:
        raise Unsupported(f"--vae tiny makes pictures 8 times smaller, this pipeline's VAE {smaller} times")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return AutoencoderTiny(latent_channels=old.config.latent_channels)


def _loaded(source: str, dtype: torch.dtype, trust: Trust) -> Any:
    """The VAE of a folder or hub repository, or of its subfolder ``vae``, by the class that its configuration names."""
    import diffusers

    folder = os.path.expanduser(source)
    where = {}
    if os.path.isdir(folder):
        source = folder
        if not os.path.isfile(os.path.join(folder, "config.json")):
            where = {"subfolder": "vae"}
    try:
        config = diffusers.AutoencoderKL.load_config(source, **where)
        name = str(config.get("_class_name", ""))
        cls = getattr(diffusers, name, None)
        if cls is None or not hasattr(cls, "decode"):
            raise BuildError(f"{source} holds no VAE (its class is {name or 'not named'}): a folder of one is needed")
        # Pickled weights can run code.
        return cls.from_pretrained(source, torch_dtype=dtype, use_safetensors=trust.use_safetensors, **where)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, UnpicklingError) as error:
        raise loading_error(f"the VAE {source}", error) from error


def _slice(piece: Piece, workload: Workload) -> str:
    _enable(piece, "slicing")
    if workload.batch_size == 1:
        return "VAE slicing changes nothing at batch size 1: it takes the images one by one"
    return "the VAE takes the images one by one"


def _tile(piece: Piece, workload: Workload) -> str:
    _enable(piece, "tiling")
    vae = piece.pipe.vae
    square = getattr(vae, "tile_sample_min_size", None)
    height, width = (getattr(vae, f"tile_sample_min_{name}", square) for name in ("height", "width"))
    if height is None or width is None:
        return "the VAE works in tiles"
    tile = f"{height}x{width}"
    picture = (workload.height, workload.width)
    if all(side is not None and side <= most for side, most in zip(picture, (height, width))):
        return f"VAE tiling changes nothing: the picture fits into one tile of {tile}"
    return f"the VAE works in tiles of {tile}"


def _enable(piece: Piece, what: str) -> None:
    vae = piece.pipe.vae
    enable = getattr(vae, f"enable_{what}", None) or getattr(piece.pipe, f"enable_vae_{what}", None)
    if enable is None:
        raise Unsupported(f"{type(vae).__name__} has no {what}")
    try:
        enable()
    except NotImplementedError as error:
        raise Unsupported(f"{type(vae).__name__} has no {what}") from error
