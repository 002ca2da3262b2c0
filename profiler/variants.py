"""The three variants, applied to a pipeline's denoisers: no-compile, compile, regional-compile."""

from __future__ import annotations

import difflib
from typing import Any

import torch
import torch._inductor

from profiler import regions
from profiler.request import Compilation
from profiler.subject import Denoiser, Subject

CUDA_GRAPH_MODES = ("reduce-overhead", "max-autotune")
_CUDA_GRAPHS = "triton.cudagraphs"


class Unsupported(Exception):
    """What was asked for can't be done on this pipeline or machine; the message is one line that says why."""


def check(compilation: Compilation) -> None:
    """Whether torch has the backend, the mode and the options of ``compilation``: before anything is loaded.

    Raises Unsupported, which says what there is.
    """
    if compilation.variant == "no-compile":
        return
    if compilation.backend is not None and compilation.backend not in torch.compiler.list_backends(exclude_tags=()):
        known = sorted({*torch.compiler.list_backends(), "eager", "aot_eager"})
        raise Unsupported(f"torch has no backend {compilation.backend!r} here (it has {', '.join(known)})")
    if compilation.options:
        _check_options(compilation)
    try:
        torch.compile(lambda: None, **compile_arguments(compilation))  # compiles at its first call, which never comes
    except RuntimeError as error:
        raise Unsupported(f"torch.compile refuses it: {error}") from error


def _check_options(compilation: Compilation) -> None:
    if compilation.backend not in (None, "inductor"):
        raise Unsupported(f"inductor options need the backend inductor, not {compilation.backend}")
    known = torch._inductor.list_options()
    for name in compilation.options:
        if _attribute(name) in known:
            continue
        close = difflib.get_close_matches(_attribute(name), known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "torch._inductor.list_options() lists them"
        raise Unsupported(f"inductor has no option {name!r}: {hint}")


def apply(subject: Subject, compilation: Compilation) -> list[str]:
    """Compile the denoisers of ``subject`` as ``compilation`` says and return what is compiled, for people to read.

    torch compiles at the first call, not here. A denoiser that its maker has compiled is compiled anew. Raises
    Unsupported.
    """
    if compilation.variant == "no-compile":
        return []
    _limit_recompiles(compilation)
    was_compiled = [denoiser.label for denoiser in subject.denoisers if _uncompile(denoiser)]
    what = _apply(subject, compilation)
    return [*what, f"in place of how {', '.join(was_compiled)} came compiled"] if was_compiled else what


def _apply(subject: Subject, compilation: Compilation) -> list[str]:
    for denoiser in subject.denoisers:
        _check_hooks(denoiser, compilation)
    if compilation.variant == "compile":
        return [_whole(denoiser, compilation) for denoiser in subject.denoisers]
    for denoiser in subject.denoisers:
        if compilation.engine not in denoiser.engines:
            others = f": {', '.join(denoiser.engines)} does" if denoiser.engines else ""
            raise Unsupported(
                f"regional-compile with {compilation.engine} does not work on {subject.name}'s {denoiser.label}{others}"
            )
    if compilation.engine == "diffusers":
        return [_repeated_blocks(denoiser, compilation) for denoiser in subject.denoisers]
    return [_regions(denoiser, compilation) for denoiser in subject.denoisers]


def uses_cuda_graphs(compilation: Compilation, device: str) -> bool:
    """Whether the compiled denoisers replay CUDA graphs, so that their outputs are overwritten by the next replay."""
    if not device.startswith("cuda"):
        return False
    # torch's backend "cudagraphs" replays through inductor's very machinery (cudagraph_trees).
    if compilation.backend != "inductor":
        return compilation.backend == "cudagraphs"
    options = {_attribute(name): value for name, value in compilation.options.items()}
    return bool(options.get(_CUDA_GRAPHS, compilation.mode in CUDA_GRAPH_MODES))


def compile_arguments(compilation: Compilation) -> dict[str, Any]:
    """The keyword arguments of torch.compile; what wasn't decided is left to torch."""
    arguments: dict[str, Any] = {
        "backend": compilation.backend,
        "mode": compilation.mode,
        "fullgraph": compilation.fullgraph,
        "dynamic": compilation.dynamic,
    }
    if compilation.options:
        # torch.compile takes a mode or options; a mode is a set of options.
        mode = torch._inductor.list_mode_options(compilation.mode) if compilation.mode else {}
        chosen = {_attribute(name): value for name, value in compilation.options.items()}
        arguments |= {"mode": None, "options": {**mode, **chosen}}
    return {name: value for name, value in arguments.items() if value is not None}


def _attribute(option: str) -> str:
    """An inductor option as torch spells it."""
    return option.replace("-", "_")


def _limit_recompiles(compilation: Compilation) -> None:
    limit = compilation.recompile_limit
    if limit is None:
        return
    config = torch._dynamo.config
    config.recompile_limit = limit
    # The second limit, over all the modules that share a piece of code, must not strike first.
    config.accumulated_recompile_limit = max(config.accumulated_recompile_limit, limit)


def _uncompile(denoiser: Denoiser) -> bool:
    """Take off what was compiled before; whether there was something."""
    found = False
    # Both torch.compile and accelerate's compile_regions return another module, which remembers the original.
    while (original := getattr(denoiser.module, "_orig_mod", None)) is not None:
        denoiser.replace(original)
        found = True
    for child in denoiser.module.modules():
        if child._compiled_call_impl is not None:
            child._compiled_call_impl = None
            found = True
    return found


def _whole(denoiser: Denoiser, compilation: Compilation) -> str:
    module = denoiser.module
    if _is_hooked(module):
        # Hooks of offloading stay on the module that the pipeline knows: compiled around it they would be lost.
        module.compile(**compile_arguments(compilation))
    else:
        denoiser.replace(torch.compile(module, **compile_arguments(compilation)))
    return denoiser.label


def _check_hooks(denoiser: Denoiser, compilation: Compilation) -> None:
    """Whether the hooks of offloading and layerwise casting leave something to compile. Raises Unsupported."""
    module, whole = denoiser.module, compilation.variant == "compile"
    inside = any(_has_hooks(child) for child in module.modules())
    if compilation.fullgraph and (inside or (whole and hasattr(module, "_hf_hook"))):
        raise Unsupported(
            f"offload and layerwise casting put hooks around {denoiser.label} or its layers, which are in no graph:"
            " use --no-fullgraph"
        )
    if compilation.engine == "accelerate" and hasattr(module, "_hf_hook"):
        # Its copy of the module goes on calling the forward of the module that was hooked, compiled nowhere.
        raise Unsupported(f"regional-compile with accelerate compiles nothing of {denoiser.label} under model offload")


def _is_hooked(module: Any) -> bool:
    """Whether accelerate (model offload) or diffusers (group offload) put hooks on ``module`` itself."""
    return hasattr(module, "_hf_hook") or _has_hooks(module)


def _has_hooks(module: Any) -> bool:
    registry = vars(module).get("_diffusers_hook")
    return bool(registry is not None and registry.hooks)


def _repeated_blocks(denoiser: Denoiser, compilation: Compilation) -> str:
    module = denoiser.module
    arguments = compile_arguments(compilation)
    blocks = declared = regions.declared_blocks(module)
    if declared and hasattr(module, "compile_repeated_blocks"):
        module.compile_repeated_blocks(**arguments)
    else:
        blocks = declared or regions.present(module, denoiser.blocks) or regions.repeated_blocks(module)
        for child in module.modules():
            if type(child).__name__ in blocks:
                child.compile(**arguments)
    if not blocks:
        raise Unsupported(f"{denoiser.label} has no repeated blocks that regional-compile could compile")
    counts = regions.count(module, blocks)
    what = ", ".join(f"{counts[name]} x {name}" for name in sorted(blocks))
    if declared:
        return f"{denoiser.label}: {what}"
    named = getattr(module, "_repeated_blocks", None)
    lack = f"its _repeated_blocks ({', '.join(named)}) are not in it" if named else "no _repeated_blocks of its own"
    return f"{denoiser.label}: {lack}; compiled {what}, found in it"


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
