"""The published benchmark: its figures as data, the request that each of them stands for, and how ours differs from it.

The figures are those of diffusers' page "PyTorch 2.0"; ``published.csv`` names the source. Every published run made
three calls of `pipe(...)` in float16 with the denoisers in channels_last, and compiled them with
``torch.compile(module, mode="reduce-overhead", fullgraph=True)``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from profiler.request import Compilation, Options, Workload

LABELS = {
    "sd15-txt2img": "SD - txt2img",
    "sd15-img2img": "SD - img2img",
    "sd15-inpaint": "SD - inpaint",
    "sd15-controlnet": "SD - controlnet",
    "deepfloyd-if": "IF",
    "sdxl-txt2img": "SDXL - txt2img",
}
"""The benchmark's pipelines in its order: our name and its own."""
RELEASES = ("2.0", "nightly")
"""The releases of torch that it has figures of."""
VARIANTS = ("no-compile", "compile")
CALLS = 3
MODE = "reduce-overhead"

_SD15 = {"steps": 50, "guidance": 7.5, "height": 512, "width": 512}
WORKLOADS: dict[str, dict[str, float]] = {
    "sd15-txt2img": _SD15,
    "sd15-img2img": _SD15,
    "sd15-inpaint": _SD15,
    "sd15-controlnet": _SD15,
    # Its three stages make the steps that their pipelines make unless asked for others.
    "deepfloyd-if": {"steps": 100, "guidance": 7.0, "height": 256, "width": 256},
    "sdxl-txt2img": {"steps": 50, "guidance": 5.0, "height": 1024, "width": 1024},
}
STRENGTHS = {"sd15-img2img": 0.8, "sd15-inpaint": 1.0}
"""The pipelines' own, which the published runs left as they are."""
SCHEDULERS = {
    **dict.fromkeys(("sd15-txt2img", "sd15-img2img", "sd15-inpaint", "sd15-controlnet"), "PNDMScheduler"),
    "sdxl-txt2img": "EulerDiscreteScheduler",
}
"""The pipelines' own: asking for these changes nothing. DeepFloyd IF's stages have several."""


class PublishedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One published figure. ``stage`` is one of DeepFloyd IF's three, ``all`` where they failed together, else ""."""

    gpu: str
    batch_size: int
    pipeline: str
    stage: str
    torch: str
    variant: str
    outcome: str  # ok, oom, oom_after_warmup, oom_after_iteration_2, failed, not_measured
    iterations_per_second: float | None
    note: str


@cache
def rows() -> tuple[PublishedRow, ...]:
    """All published figures, in their order."""
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            msgspec.convert(
                record | {"iterations_per_second": record["iterations_per_second"] or None}, PublishedRow, strict=False
            )
            for record in csv.DictReader(_without_comments(file))
        )


def _without_comments(lines: Iterator[str]) -> Iterator[str]:
    return (line for line in lines if not line.startswith("#"))


def gpus() -> list[str]:
    """The GPUs that there are figures of."""
    return list(dict.fromkeys(row.gpu for row in rows()))


def find_gpu(name: str) -> str | None:
    """The published name of a GPU, written in any way: ``rtx3090`` or ``3090`` for ``RTX 3090``; None for one without
    figures.
    """

    def plain(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter.isalnum())

    exact = [gpu for gpu in gpus() if plain(gpu) == plain(name)]
    within = [gpu for gpu in gpus() if plain(name) and plain(name) in plain(gpu)]
    return exact[0] if exact else within[0] if len(within) == 1 else None


def cells(gpu: str, batch_size: int, pipeline: str, variant: str, release: str) -> list[PublishedRow]:
    """What was published of one cell: a row, of DeepFloyd IF one a stage; [] where the table has no such cell."""
    wanted = (gpu, batch_size, pipeline, variant, release)
    return [row for row in rows() if (row.gpu, row.batch_size, row.pipeline, row.variant, row.torch) == wanted]


def options_of(row: PublishedRow) -> Options:
    """What to ask for to do the same work: its GPU and torch release dropped, its stage one of the one request's."""
    compiled = row.variant == "compile"
    return Options(
        pipeline=row.pipeline,
        variants=[row.variant],
        batch_sizes=[row.batch_size],
        dtype="float16",
        memory_format="channels_last",
        weights="hub",
        mode=MODE if compiled else None,
        fullgraph=True if compiled else None,
        **WORKLOADS[row.pipeline],  # type: ignore[arg-type]
    )


def differences(workload: Workload) -> list[str]:
    """In what a workload of the benchmark isn't the published one, so that nobody compares unlike things."""
    asked = WORKLOADS[workload.pipeline]
    found: list[str] = []
    if workload.size != "full":
        found.append(f"the {workload.size} architecture (published: the real one)")
    if workload.weights == "random":
        found.append("random weights (published: trained ones)")
    if workload.steps != asked["steps"]:
        found.append(f"{workload.steps or 'its own'} steps (published: {asked['steps']:g})")
    if (workload.width, workload.height) != (asked["width"], asked["height"]):
        theirs = f"{asked['width']:g}x{asked['height']:g}"
        found.append(f"{workload.width or '?'}x{workload.height or '?'} pixels (published: {theirs})")
    if workload.guidance != asked["guidance"]:
        ours = "its own" if workload.guidance is None else f"{workload.guidance:g}"
        found.append(f"guidance {ours} (published: {asked['guidance']:g})")
    if workload.dtype != "float16":
        found.append(f"{workload.dtype} (published: float16)")
    if workload.memory_format != "channels_last":
        found.append(f"denoisers {workload.memory_format} (published: channels_last)")
    return found + _extras(workload)


def _extras(workload: Workload) -> list[str]:
    """Settings that the published runs had none of."""
    settings = {
        "scheduler": None if workload.scheduler == SCHEDULERS.get(workload.pipeline) else workload.scheduler,
        "attention": workload.attention,
        "attention slicing": workload.attention_slicing,
        "VAE slicing": workload.vae_slicing,
        "VAE tiling": workload.vae_tiling,
        "VAE": workload.vae,
        "offload": workload.offload,
        "weights stored as": workload.layerwise_casting,
        "call arguments": ", ".join(workload.call),
    }
    found = [name if value is True else f"{name} {value}" for name, value in settings.items() if value]
    strength = STRENGTHS.get(workload.pipeline)
    if workload.strength is not None and strength is not None and workload.strength != strength:
        found.append(f"strength {workload.strength:g} (published: {strength:g})")
    if workload.scenario != "steady":
        found.append(f"scenario {workload.scenario}: the figures of its first leg")
    return found


def compiled_otherwise(compilation: Compilation) -> list[str]:
    """In what a denoiser wasn't compiled as the published ones; nothing where another variant was asked for."""
    if compilation.variant != "compile":
        return []
    found = []
    if compilation.backend != "inductor":
        found.append(f"compiled by {compilation.backend} (published: inductor)")
    elif compilation.mode != MODE:
        found.append(f"compile mode {compilation.mode} (published: {MODE})")
    if not compilation.fullgraph:
        found.append("compiled without fullgraph (published: with it)")
    if compilation.dynamic is not None:
        found.append(f"dynamic={compilation.dynamic} (published: torch's default)")
    if compilation.options:
        found.append(f"inductor options {', '.join(compilation.options)}")
    return found
