"""The three variants, applied to a pipeline's denoisers: no-compile, compile, regional-compile."""

from __future__ import annotations

from typing import Any

import torch

from profiler.request import Compilation
from profiler.subject import Denoiser, Subject

CUDA_GRAPH_MODES = ("reduce-overhead", "max-autotune")


class Unsupported(Exception):
    """The variant can't be applied to this pipeline; the message is one line that says why."""


def apply(subject: Subject, compilation: Compilation) -> list[str]:
    """Compile the denoisers of ``subject`` as ``compilation`` says and return what is compiled, for people to read.

    torch compiles at the first call, not here. Raises Unsupported.
    """
    if compilation.variant == "no-compile":
        return []
    if compilation.variant == "compile":
        return [_whole(denoiser, compilation) for denoiser in subject.denoisers]
    for denoiser in subject.denoisers:
        if compilation.engine not in denoiser.engines:
            raise Unsupported(
                f"regional-compile with {compilation.engine} does not work on {subject.name}'s {denoiser.label}"
            )
    if compilation.engine == "diffusers":
        return [_repeated_blocks(denoiser, compilation) for denoiser in subject.denoisers]
    return [_regions(denoiser, compilation) for denoiser in subject.denoisers]


def uses_cuda_graphs(compilation: Compilation, device: str) -> bool:
    """Whether the compiled denoisers replay CUDA graphs, so that their outputs are overwritten by the next replay."""
    if not device.startswith("cuda"):
        return False
    # torch's backend "cudagraphs" replays through inductor's very machinery (cudagraph_trees).
    return compilation.backend == "cudagraphs" or (
        compilation.backend == "inductor" and compilation.mode in CUDA_GRAPH_MODES
    )


def compile_arguments(compilation: Compilation) -> dict[str, Any]:
    """The keyword arguments of torch.compile; what wasn't decided is left to torch."""
    arguments = {
        "backend": compilation.backend,
        "mode": compilation.mode,
        "fullgraph": compilation.fullgraph,
        "dynamic": compilation.dynamic,
    }
    return {name: value for name, value in arguments.items() if value is not None}


def _whole(denoiser: Denoiser, compilation: Compilation) -> str:
    denoiser.replace(torch.compile(denoiser.module, **compile_arguments(compilation)))
    return denoiser.label


def _repeated_blocks(denoiser: Denoiser, compilation: Compilation) -> str:
    module = denoiser.module
    try:
        module.compile_repeated_blocks(**compile_arguments(compilation))
    except (AttributeError, ValueError) as error:
        raise Unsupported(f"diffusers can't compile the blocks of {denoiser.label}: {str(error).strip()}") from error
    # is_compiled_module() and accelerate's has_compiled_regions() don't see modules compiled in place.
    compiled = [child for child in module.modules() if child._compiled_call_impl is not None]
    kinds = sorted({type(child).__name__ for child in compiled})
    return f"{denoiser.label}: {len(compiled)} x {', '.join(kinds)}"


def _regions(denoiser: Denoiser, compilation: Compilation) -> str:
    from accelerate.utils import compile_regions

    mend_truth_of_compiled_modules()
    # It returns a new module: without the assignment nothing would be compiled.
    module = compile_regions(denoiser.module, **compile_arguments(compilation))
    denoiser.replace(module)
    compiled = sum(isinstance(child, torch._dynamo.eval_frame.OptimizedModule) for child in module.modules())
    return f"{denoiser.label}: {compiled} regions"


def mend_truth_of_compiled_modules() -> None:
    """Let ``if module:`` work on compiled modules that have no length.

    Since torch 2.10 OptimizedModule has ``__len__`` without ``__bool__``, so the truth of a compiled GroupNorm raises
    "does not support len()"; diffusers' UNets ask for it (pytorch#196253).
    """
    optimized = torch._dynamo.eval_frame.OptimizedModule
    if "__len__" in vars(optimized) and "__bool__" not in vars(optimized):
        optimized.__bool__ = lambda self: bool(self._orig_mod)
