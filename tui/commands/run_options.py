"""The options of ``run``: their names, defaults, and where --help shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import click

from profiler import attention, request, scenarios
from profiler.trust import ALLOW_PICKLE, TRUST_REMOTE_CODE

F = TypeVar("F", bound=Callable[..., Any])
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")


class GroupedOption(click.Option):
    """An option that --help shows under a heading of its own."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose options are shown by group, in the order in which the groups first come."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups.setdefault(getattr(parameter, "group", "Other options"), []).append(record)
        for group, records in groups.items():
            with formatter.section(group):
                formatter.write_dl(records)


def parsed(text: str) -> Any:
    """A value as it was typed: ``0.5``, ``true``, ``[1, 2]``, ``"07"``; what is none of these is the text itself."""
    python = {"True": True, "False": False, "None": None}
    if text in python:
        return python[text]
    try:
        return json.loads(text, parse_constant=lambda constant: constant)
    except (ValueError, RecursionError):
        return text


def _together(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """``NAME=VALUE`` given any number of times, as a dict."""
    found: dict[str, Any] = {}
    for each in given:
        name, separator, text = each.partition("=")
        if not separator or not _NAME.fullmatch(name):
            raise click.BadParameter(f"{each!r} is no NAME=VALUE", ctx, param)
        if name in found:
            raise click.BadParameter(f"{name} is given twice", ctx, param)
        found[name] = parsed(text)
    return found


def options(command: F) -> F:
    """Add the options of ``run`` to a command, in the order of --help."""
    for group, declared in reversed(_GROUPS.items()):
        for names, settings in reversed(declared):
            command = click.option(*names, cls=GroupedOption, group=group, **settings)(command)
    return command


Declared = list[tuple[tuple[str, ...], dict[str, Any]]]


def _text(name: str, metavar: str, default: str, text: str, *field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, *field), {"metavar": metavar, "show_default": default, "help": text}


def _whole(name: str, metavar: str, default: str, text: str, *field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, *field), {"type": int, "metavar": metavar, "show_default": default, "help": text}


def _number(name: str, metavar: str, default: str, text: str, *field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, *field), {"type": float, "metavar": metavar, "show_default": default, "help": text}


def _flag(name: str, text: str, *field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, *field), {"is_flag": True, "help": text}


def _switch(name: str, default: str, text: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    """On, off, or left to the default."""
    return (f"--{name}/--no-{name}",), {"default": None, "show_default": default, "help": text}


def _several(name: str, metavar: str, default: str, text: str, field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, field), {"multiple": True, "metavar": metavar, "show_default": default, "help": text}


def _named(name: str, text: str, field: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    return (name, field), {
        "multiple": True,
        "callback": _together,
        "metavar": "NAME=VALUE",
        "show_default": "none",
        "help": text,
    }


_TRUST: Declared = [
    _flag(
        ALLOW_PICKLE,
        "Load pickled weights (.bin, .pt) where there are no safetensors; without it they are refused. torch is told to"
        " restore tensors alone, yet a pickle is a program that it reads: only weights of those whom you trust. Said"
        " here alone: no file, no session and no form says it for you.",
    ),
    _flag(
        TRUST_REMOTE_CODE,
        "Run the Python code that comes with a pipeline, of the hub or in its folder; without it none is run. It can do"
        " whatever you can: read it before. Said here alone, as above.",
    ),
]
"""Of ``run`` and of ``resume``, which doesn't remember them."""


def trusting(command: F) -> F:
    """Add to a command the options that say what else than safetensors may be loaded."""
    for names, settings in reversed(_TRUST):
        command = click.option(*names, **settings)(command)
    return command


_OWN = "the pipeline's"
_GROUPS: dict[str, Declared] = {
    "What is compared": [
        _several(
            "--variant",
            "V",
            "all three",
            f"How the denoisers are compiled: {', '.join(request.VARIANTS)}. Repeatable.",
            "variants",
        ),
        (
            ("--batch-size", "batch_sizes"),
            {
                "multiple": True,
                "type": int,
                "metavar": "N",
                "show_default": "1",
                "help": "Images per call. Repeatable: every size is run in every variant.",
            },
        ),
        _several(
            "--engine",
            "E",
            "diffusers",
            "For regional-compile: diffusers (compile_repeated_blocks), accelerate (compile_regions). Repeatable.",
            "engines",
        ),
        (
            ("--file",),
            {
                "metavar": "TOML",
                "show_default": "none",
                "help": "What to run as a file, with lists of values as a matrix; its keys are the names of these"
                " options, and what is given beside it on the command line replaces them.",
            },
        ),
    ],
    "Every call": [
        _whole("--steps", "N", _OWN, "Inference steps."),
        _whole("--height", "H", _OWN, "Of the picture, pixels."),
        _whole("--width", "W", _OWN, "Of the picture, pixels."),
        _whole("--frames", "N", _OWN, "Of a video."),
        _number("--guidance", "G", _OWN, "Guidance scale; where it is classifier-free, the batch doubles above 1."),
        _number("--strength", "S", _OWN, "How much of an input picture is painted anew, above 0 to 1."),
        _text("--prompt", "TEXT", _OWN, "The same for every image."),
        _whole("--seed", "N", "0", "Of the latents; image i of a batch has seed + i, every call has the same."),
        _text("--scheduler", "CLASS", _OWN, "Another scheduler, by its class: DPMSolverMultistep."),
        _named(
            "--call",
            "A further argument of every call, the value as JSON or text; @FILE is a picture. Repeatable.",
            "call",
        ),
        _text("--scenario", "S", "steady", f"What changes between calls: {', '.join(scenarios.SCENARIOS)}."),
    ],
    "How the pipeline is built": [
        _text("--dtype", "D", "float16 on CUDA, float32 on a CPU", f"One of {', '.join(request.DTYPES)}."),
        _text(
            "--attention",
            "A",
            _OWN,
            f"{', '.join(attention.PLAIN)}, or a backend of diffusers' dispatcher (native, flash, sage, ...).",
        ),
        _flag("--attention-slicing", "Attention one slice of the heads after another: slower, needs less memory."),
        _text(
            "--memory-format",
            "F",
            "channels_last for UNets on CUDA, else contiguous",
            "Of the denoisers' weights: contiguous, channels_last.",
        ),
        _text("--vae", "tiny|ID|PATH", _OWN, "Another autoencoder: a tiny one, of the hub, or a model's folder."),
        _flag("--vae-slicing", "Decode a batch one image at a time."),
        _flag("--vae-tiling", "Decode a picture tile by tile."),
        (
            ("--text-encoders",),
            {
                "default": "light",
                "metavar": "light|all|none",
                "help": "Which are built: those below the size of T5-XXL, all, or none. Embeddings stand in for the"
                " prompts of the others.",
            },
        ),
        _text("--offload", "model|group", "none", "Keep weights in main memory until they are needed (CUDA)."),
        _text(
            "--layerwise-casting",
            "T",
            "none",
            f"Store the denoisers' weights in a smaller type: {', '.join(request.STORAGE_TYPES)}.",
        ),
        (
            ("--weights",),
            {
                "default": "random",
                "metavar": "random|hub|PATH",
                "help": "Random weights need no download and run the same kernels; PATH is a pipeline's folder.",
            },
        ),
        *_TRUST,
        (
            ("--size",),
            {
                "default": "full",
                "metavar": "full|tiny",
                "help": "The real architecture, or a tiny twin that runs on a CPU in no time.",
            },
        ),
    ],
    "torch.compile": [
        _text(
            "--compile-mode",
            "M",
            "compile: reduce-overhead on CUDA, else default",
            f"Its mode: {', '.join(request.MODES)}.",
            "mode",
        ),
        _switch("fullgraph", "on where nothing is known to break the graph", "Its fullgraph."),
        _switch("dynamic", "torch decides", "Its dynamic."),
        _text("--backend", "B", "inductor", "Its backend."),
        _whole("--recompile-limit", "N", "torch's, 8", "Graphs of one function before torch goes on without."),
        _named("--inductor-option", "An option of inductor over the mode's own. Repeatable.", "inductor_options"),
    ],
    "The session": [
        _whole("--repeats", "N", "3", "Runs of a case, a process each."),
        _flag(
            "--until-sure",
            "Add repeats until every verdict is settled or --max-time is spent: looks after"
            f" {', '.join(map(str, request.LOOKS))} of them, --repeats the first.",
        ),
        _whole(
            "--warmup", "N", "1", "Calls before the measured ones; a compiled variant's compiling call comes on top."
        ),
        _whole("--calls", "N", "5", "Measured calls of a run; in a scenario, of each of its stretches."),
        _text("--device", "cuda:N|cpu", "cuda:0 if there is one, else cpu", "Where to run."),
        (
            ("--cache",),
            {
                "default": "cold",
                "metavar": "cold|warm|shared",
                "help": "Compile caches: cold gives every case an empty folder (its first run compiles, later ones find"
                " it filled), warm keeps a folder a case between sessions, shared is your own.",
            },
        ),
        _flag("--keep-cache", "Keep the cases' compile caches when the session ends."),
        _flag("--save-images", "Keep the pictures of each run's last call, to look at side by side."),
        _flag("--find-syncs", "One more call, untimed, that finds the lines that make Python wait for the GPU (CUDA)."),
        _flag("--no-queue", "Fail if another session uses the device, instead of waiting."),
        _number("--max-time", "S", "none", "Stop the session after this many seconds.", "max_time_s"),
        _number(
            "--memory-limit",
            "GIB",
            "none",
            "What a run may allocate: of the GPU's memory, on a CPU of main memory.",
            "memory_limit_gib",
        ),
        _flag(
            "--find-max-batch",
            "Find the largest batch that fits, from --batch-size on: one run a batch, one call, 2 steps unless given."
            " On a CPU with --memory-limit only.",
        ),
    ],
}


class Told(NamedTuple):
    """What --help says of an option."""

    option: str
    metavar: str
    default: str
    text: str


def told() -> dict[str, Told]:
    """What --help says of each option, by the field of ``Options`` that it sets."""
    found: dict[str, Told] = {}
    for group, declared in _GROUPS.items():
        for names, settings in declared:
            option = GroupedOption(list(names), group=group, **settings)
            default = settings.get("show_default", settings.get("default", "off"))
            found[option.name or ""] = Told(names[0], option.metavar or "", str(default), option.help or "")
    return found
