"""What to do about a trigger: the exact call or option, by what the run was asked and what torch did by itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from profiler.analysis.compiles import Compile
from profiler.analysis.state import RunState
from profiler.analysis.triggers import causes
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.changes import Change, dtype
from profiler.analysis.triggers.context import is_leaf, root_of
from profiler.analysis.triggers.model import Advice, Blame
from profiler.analysis.triggers.tensors import TIMESTEPS

NOTHING = "Nothing to do: it is paid once, in the first call."


def advice(change: Change, whose: Blame) -> Advice | None:
    """What to do; None where the text says too little to tell."""
    if whose == "artefact":
        return _artefact(change)
    if whose == "unknown":
        cause = CAUSES[change.guard.cause]
        return Advice(remedy=_filled(cause.remedy, change), link=cause.link) if cause.remedy else None
    if whose == "expected":
        return Advice(remedy=NOTHING, link=causes.REGIONAL if _regional(change.context.run) else causes.RECOMPILATION)
    make = _BY_CAUSE.get(change.guard.cause)
    if make is not None:
        return make(change)
    cause = CAUSES[change.guard.cause]
    return Advice(remedy=_filled(cause.remedy, change), link=cause.link) if cause.remedy else None


def denoiser(found: Compile) -> str:
    """The compiled component as a user writes it: "pipe.unet"."""
    # Of several pipelines in a chain a denoiser has its part's name before its own: "IF-II unet".
    name = (root_of(found) or "").rpartition(" ")[2]
    return f"pipe.{name}" if name.isidentifier() else "model"


def torch_at_least(run: RunState, *version: int) -> bool:
    """Whether the run's torch is at least of this version; False where the run doesn't say."""
    text = (run.environment.versions.get("torch") if run.environment else None) or ""
    found = re.match(r"(\d{1,6})\.(\d{1,6})", text)
    return found is not None and (int(found[1]), int(found[2])) >= version


def _regional(run: RunState) -> bool:
    return run.case.compilation.variant == "regional-compile"


def _compiling(change: Change, argument: str) -> str:
    """The code that compiles with ``argument``, as the variant does it."""
    target = denoiser(change.found)
    compilation = change.context.run.case.compilation
    if compilation.variant != "regional-compile":
        return f"{target} = torch.compile({target}, {argument})"
    if compilation.engine == "accelerate":
        return f"{target} = accelerate.utils.compile_regions({target}, {argument})"
    return compile_blocks(change.context.run, change.found, argument)


def compile_blocks(run: RunState, found: Compile, argument: str = "") -> str:
    """The code that compiles the repeated blocks alone, which a model without ``_repeated_blocks`` doesn't do itself.

    A worker that has compiled such a model says what it found in it.
    """
    root, target = root_of(found) or "", denoiser(found)
    for note in run.notes:
        told = re.search(rf"(?:^|; ){re.escape(root)}: [^;]*; compiled ([^;]+), found in it", note.text)
        if note.code == "compiled" and root and told is not None:
            names = re.findall(r"\d+ x (\w+)", told[1])
            return f"block.compile({argument}) on each {' and '.join(names)} of {target}"
    if found.module == "ControlNetModel" or root.startswith("controlnet"):
        return f"block.compile({argument}) on each of its transformer blocks ({target} has no _repeated_blocks)"
    return f"{target}.compile_repeated_blocks({argument})"


_NOUNS = {
    "batch": "batch size",
    "tokens": "number of tokens",
    "channels": "number of channels",
    "frames": "number of frames",
}


def _noun(words: list[str]) -> str:
    """Dimensions as nouns: "height and width", "number of tokens"."""
    return " and ".join(_NOUNS.get(word, "size" if word.startswith("dim ") else word) for word in words)


def _filled(template: str, change: Change) -> str:
    guard = change.guard
    tensor = guard.cause == "tensor.dtype"
    return template.format(
        what=change.what,
        words=_noun([one.word for one in change.dimensions] or [change.dimension or "size"]),
        denoiser=denoiser(change.found),
        module=change.found.module or "the module",
        expected=dtype(guard.expected) if tensor else (guard.expected or "it"),
        actual=dtype(guard.actual) if tensor else (change.actual or "the other"),
    )


def _artefact(change: Change) -> Advice:
    run = change.context.run
    if is_leaf(change.found):
        remedy = f"Compile the blocks alone: {compile_blocks(run, change.found)}"
        limit = (run.case.compilation.recompile_limit or 8) * 4
        return Advice(
            remedy=f"{remedy}; or raise the limit: torch._dynamo.config.recompile_limit = {limit}.",
            link=causes.REGIONAL,
        )
    if torch_at_least(run, 2, 13):
        remedy = f"Give each module entries of its own: {_compiling(change, 'isolate_recompiles=True')}."
    else:
        limit = (run.case.compilation.recompile_limit or 8) * 2
        remedy = f"Leave room for both modules: torch._dynamo.config.recompile_limit = {limit}."
    return Advice(remedy=remedy, link=causes.COMPILE)


def _size(change: Change) -> Advice:
    words = _noun([one.word for one in change.dimensions] or [change.dimension or "size"])
    if "1" in (change.actual, change.expected):
        return _of_one(change)
    if change.context.run.case.compilation.dynamic is False:
        return Advice(
            remedy=(
                f"It was compiled with dynamic=False, so each new {words} is a graph of its own: leave dynamic=False "
                f"out ({_compiling(change, 'dynamic=None')}), or warm up with each {words} that will be asked for."
            ),
            link=causes.DYNAMIC,
        )
    if change.made_dynamic:
        further = "further sizes but 1 are" if change.dimension == "batch" else "further sizes are"
        remedy = (
            f"torch made the {words} dynamic in this compile: {further} free. To pay for it before measuring, make a "
            f"warm-up call with another {words}, or {_dynamic_first(change)}."
        )
    else:
        remedy = f"Warm up with each {words} that will be asked for, or {_dynamic_first(change)}."
    return Advice(remedy=remedy, link=_shape_link(change))


def _dynamic_first(change: Change) -> str:
    """How to have the dimensions dynamic from the first compile on."""
    text = f"have it dynamic from the start, {_compiling(change, 'dynamic=True')}"
    # Sizes that are equal by chance, of two sides or of two arguments, would share a symbol.
    return f"{text} after torch.fx.experimental._config.use_duck_shape = False"


def _shape_link(change: Change) -> str:
    if {one.word for one in change.dimensions} & {"height", "width", "tokens"}:
        return f"{causes.DIFFUSERS}#dynamic-shape-compilation"
    return causes.DYNAMIC


def _of_one(change: Change) -> Advice:
    """A size of 1 on either side: no option makes torch treat it as any other size."""
    noun = _noun([change.dimension or "size"])
    if change.dimension == "batch" and (change.guidance("off") or change.guidance("on")):
        remedy = "Make one warm-up call with guidance and one without (guidance_scale=1.0)"
    else:
        remedy = f"Make one warm-up call with a {noun} of 1 and one with another"
    remedy += ": torch compiles a size of 1 by itself even with dynamic=True, so it is exactly one graph more."
    return Advice(remedy=remedy, link=causes.DYNAMIC)


def _value(change: Change) -> Advice:
    name = change.what
    number = re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", change.guard.expected or "") is not None
    if change.made_dynamic:
        remedy = (
            f"torch made {name} dynamic in this compile: further values are free, but for 0 and 1 of an int. To pay "
            f"for it before measuring, make a warm-up call with a second value."
        )
    elif number:
        remedy = f"Keep {name} the same in all calls, warm up with each value, or give it as torch.tensor({name})."
    else:
        remedy = f"Keep {name} the same in all calls, or make one warm-up call with each value."
    return Advice(remedy=remedy, link=causes.RECOMPILATION)


def _dtype(change: Change) -> Advice:
    guard = change.guard
    if change.argument in TIMESTEPS:
        remedy = (
            f"Make one warm-up call with each scheduler: some give {dtype(guard.expected)} timesteps, others "
            f"{dtype(guard.actual)}; two of one kind share the code."
        )
        return Advice(remedy=remedy, link=causes.RECOMPILATION)
    if guard.parameter:
        remedy = f"Cast the model before compiling it: {denoiser(change.found)}.to(torch.{dtype(guard.actual)})."
        return Advice(remedy=remedy, link=causes.RECOMPILATION)
    cause = CAUSES["tensor.dtype"]
    return Advice(remedy=_filled(cause.remedy or "", change), link=cause.link)


def _grad(change: Change) -> Advice:
    if change.lora_loaded:
        return _lora(change)
    if not change.guard.parameter and change.argument:
        remedy = f"Give {change.what}.detach(), or make every call, and what makes its inputs, under torch.no_grad()."
        return Advice(remedy=remedy, link=causes.NO_GRAD)
    cause = CAUSES["tensor.grad"]
    return Advice(remedy=_filled(cause.remedy or "", change), link=cause.link)


def _lora(change: Change) -> Advice:
    if ".scaling" in (change.guard.source or ""):
        remedy = (
            "Make one warm-up call with another scale, pipe.set_adapters([...], [scale]): hotswapping doesn't help "
            "here, and further scales are free."
        )
        return Advice(remedy=remedy, link=causes.LORA)
    ranks = [leg.changes.get("lora_rank") for leg in change.context.run.case.workload.legs]
    largest = max((rank for rank in ranks if isinstance(rank, int)), default=None)
    text = CAUSES["lora"].remedy or ""
    if largest is not None:
        text = text.replace("target_rank=R", f"target_rank={largest}").replace(
            " R being the largest rank,", f" {largest} being the largest rank here,"
        )
    return Advice(remedy=text, link=causes.LORA)


_CALLS = (
    ("autocast", "torch.autocast(...) around all calls or around none"),
    ("grad_mode", "torch.no_grad() or torch.inference_mode() around all calls"),
    ("num_threads", "torch.set_num_threads(...)"),
    ("default_dtype", "torch.set_default_dtype(...)"),
    ("deterministic", "torch.use_deterministic_algorithms(...)"),
    ("allow_tf32", "torch.set_float32_matmul_precision(...)"),
    ("allow_fp16", "torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction"),
    ("allow_bf16", "torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction"),
)
"""Parts of torch's global state, by how their names begin, and what sets them."""


def _state(change: Change) -> Advice:
    cause = CAUSES["global.state"]
    names = (change.guard.actual or "").split()
    calls = [call for start, call in _CALLS if any(name.startswith(start) for name in names)]
    if not calls:
        return Advice(remedy=cause.remedy or "", link=cause.link)
    return Advice(remedy=f"Set it once, before compiling, and warm up with it: {'; '.join(calls)}.", link=cause.link)


_BY_CAUSE: dict[str, Callable[[Change], Advice]] = {
    "tensor.size": _size,
    "sym.zero_one": _of_one,
    "value": _value,
    "tensor.dtype": _dtype,
    "tensor.grad": _grad,
    "lora": _lora,
    "global.state": _state,
}
