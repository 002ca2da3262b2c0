"""The process's environment variables, set before torch is imported, and the versions of what gets measured."""

from __future__ import annotations

import os
import platform
from collections.abc import MutableMapping
from importlib import metadata
from pathlib import Path

import profiler
from profiler import caches
from profiler.request import Case, Workload

_PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "triton", "numpy", "peft")
# Where attention kernels come from.
_KERNELS = ("flash-attn", "sageattention", "xformers", "kernels")
_QUIET = {
    "DIFFUSERS_VERBOSITY": "error",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
_PRIVATE = {"HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
_NO_REMOTE_CODE = "DIFFUSERS_DISABLE_REMOTE_CODE"
_REMOTE_CACHES = (
    "TORCHINDUCTOR_FX_GRAPH_REMOTE_CACHE",
    "TORCHINDUCTOR_AUTOTUNE_REMOTE_CACHE",
    "TORCHINDUCTOR_AUTOGRAD_REMOTE_CACHE",
    "TORCHINDUCTOR_BUNDLED_AUTOTUNE_REMOTE_CACHE",
)


def prepare(
    session: Path,
    case: Case,
    cache: str,
    environ: MutableMapping[str, str] = os.environ,
    *,
    remote_code: bool = False,
) -> None:
    """Set what torch, inductor and the Hugging Face libraries read at import. Raises OSError.

    ``remote_code``: the user allows code that comes with a pipeline to run.
    """
    environ.update(_QUIET)
    environ.update(_PRIVATE)
    if not remote_code:  # else it is as the user has it
        environ[_NO_REMOTE_CODE] = "1"
    if not _asks_the_hub(case.workload):
        environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
    folder = caches.cache_folder(session, case.name, cache)
    if folder is None:
        caches.check_shared(environ)
        return
    # Entries fetched from elsewhere would make a cold start look warm.
    environ.update(dict.fromkeys(_REMOTE_CACHES, "0"))
    environ.update({variable: str(path) for variable, path in caches.make(folder).items()})


def _asks_the_hub(workload: Workload) -> bool:
    """Whether something of the workload comes from the hub, or from code that may ask it: the user's own."""
    vae_on_hub = workload.vae not in (None, "tiny") and not os.path.isabs(workload.vae or "")
    kernels_on_hub = (workload.attention or "").endswith("_hub")
    return workload.weights in ("hub", "factory") or vae_on_hub or kernels_on_hub


def versions() -> dict[str, str]:
    """Versions of Python, stepscope and the measured libraries; absent ones are left out. Needs torch imported."""
    import torch

    found = {"python": platform.python_version(), "stepscope": profiler.__version__}
    for package in (*_PACKAGES, *_KERNELS):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    found["torch"] = str(torch.__version__)  # with the build: 2.13.0+cpu
    if torch.version.cuda:
        found["cuda"] = torch.version.cuda
    return found


def cpu_name() -> str:
    """The processor's name as the kernel reports it, "" where it doesn't."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
