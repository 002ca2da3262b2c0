"""Pipelines that are not the catalogue's: from the hub or from a folder."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from profiler.catalog import folders
from profiler.catalog.build import Report, fetched, loading_error
from profiler.catalog.errors import BuildError, first_line
from profiler.request import Workload
from profiler.subject import Denoiser, Piece, Subject, pipelines_inside
from profiler.trust import NOTHING, Trust
from profiler.variants import Unsupported
from profiler.worker.signature import dtype_of, pictures_needed

_NAMES = re.compile(r"(prior_|decoder_)?(unet|transformer|controlnet|prior|decoder|super_res|denoiser|dit)(_|\d|$)")
_CLASSES = re.compile(r"UNet|UVit|Transformer[23]DModel|TransformerModel$|DiT|ControlNet|Prior|DiffNeXt|Denoiser")
_NOT = re.compile(r"^(text|image|audio|prior_text|prior_image)_(encoder|proj|embed|normaliz)|^vae|^vq|^movq|tokenizer")


def load(workload: Workload, device: str, report: Report, trust: Trust = NOTHING) -> Subject:
    """The pipeline of ``workload.origin``, a hub id or a folder, on ``device``, its progress bars silent.

    Safetensors alone and no code of its own, unless ``trust`` says otherwise; no safety checker. Raises BuildError, and
    Unsupported for one without denoisers; torch.OutOfMemoryError and MemoryError pass through.
    """
    source = str(workload.origin)
    local = Path(source).is_absolute()
    report(source, 0, 1)
    index = folders.check(source, trust=trust) if local else _index(source, trust)
    pipe = _from_pretrained(source, index, workload, trust)
    if workload.offload is None:
        pipe.to(device)
    silence(pipe)
    report("", 1, 1)
    notes = made_up(pipe, workload.call)
    if any(index.get("safety_checker") or ()):
        notes.append(("safety-checker", "the safety checker is left out"))
    return subject(workload.pipeline, pipe, notes)


def subject(name: str, pipe: Any, notes: list[tuple[str, str]]) -> Subject:
    """A subject of ``pipe`` with the denoisers that are found in it. Raises Unsupported if there are none."""
    denoisers = tuple(Denoiser(found, pipe, found) for found in denoiser_names(pipe))
    if not denoisers:
        components = ", ".join(name for name, one in pipe.components.items() if one is not None)
        raise Unsupported(
            f"{type(pipe).__name__} has no denoiser that is known here: none of its components ({components})"
            " is a UNet, a transformer, a ControlNet or a prior"
        )
    return Subject(name, (Piece(pipe, denoisers),), lambda arguments: pipe(**arguments), notes)


def silence(pipe: Any) -> None:
    """Let no pipeline draw its progress bars; what they count is counted all the same."""
    for one in (pipe, *(inner for _, inner in pipelines_inside(pipe))):
        one.set_progress_bar_config(disable=True)


def denoiser_names(pipe: Any) -> list[str]:
    """The components of ``pipe`` that its denoising loops call, in the pipeline's order."""
    return [name for name, component in pipe.components.items() if is_denoiser(name, component)]


def is_denoiser(name: str, component: Any) -> bool:
    """Whether the component ``name`` is of a kind that denoising loops call; it may be compiled already."""
    from diffusers import ModelMixin

    module = getattr(component, "_orig_mod", component)
    kind = type(module)
    if not isinstance(module, torch.nn.Module) or _NOT.search(name) or "autoencoders" in kind.__module__:
        return False
    if kind.__module__.startswith("transformers."):
        return False
    return bool(_NAMES.match(name)) or (isinstance(module, ModelMixin) and bool(_CLASSES.search(kind.__name__)))


def made_up(pipe: Any, given: Collection[str]) -> list[tuple[str, str]]:
    """The note about pictures that nobody gave."""
    pictures = pictures_needed(pipe, given)
    if not pictures:
        return []
    names = " and ".join(pictures)
    return [("made-up-pictures", f"{names} made up from the seed: --call {pictures[0]}=@FILE gives one")]


# --- loading ----------------------------------------------------------------------------------------------------------


def _index(source: str, trust: Trust) -> dict[str, Any]:
    """The index of the hub's ``source``. Raises BuildError."""
    from diffusers import DiffusionPipeline
    from huggingface_hub.constants import HF_HUB_OFFLINE

    try:
        index = DiffusionPipeline.load_config(source)
    except (OSError, ValueError) as error:
        offline = ", and HF_HUB_OFFLINE keeps this machine from asking for it" if HF_HUB_OFFLINE else ""
        raise BuildError(
            f"{source} can't be got from the hub: {_first_sentence(error)}{offline} (a folder starts with / or ./)"
        ) from error
    folders.check_index(source, index, trust=trust)
    return dict(index)


def _from_pretrained(source: str, index: dict[str, Any], workload: Workload, trust: Trust) -> Any:
    import diffusers

    kind = index.get("_class_name")
    if isinstance(kind, str | None) and not hasattr(diffusers, str(kind)):
        raise BuildError(f"{source} is a {kind}, which diffusers {diffusers.__version__} doesn't have")
    without: dict[str, Any] = {"safety_checker": None} if "safety_checker" in index else {}
    if "requires_safety_checker" in index:
        without["requires_safety_checker"] = False
    try:
        # Pickled weights can run code, and so can what comes with a pipeline.
        return diffusers.DiffusionPipeline.from_pretrained(
            fetched(diffusers.DiffusionPipeline, source, index, trust, **without),
            torch_dtype=dtype_of(workload),
            use_safetensors=trust.use_safetensors,
            trust_remote_code=trust.remote_code,
            **without,
        )
    except (OSError, ValueError, ImportError, KeyError, TypeError, AttributeError, UnpicklingError) as error:
        raise loading_error(source, error, trust) from error


def _first_sentence(error: BaseException) -> str:
    return next(_sentences(first_line(error)))


def _sentences(text: str) -> Iterator[str]:
    yield from (part.rstrip(".") for part in re.split(r"(?<=\.)\s", text))
