"""``run`` and ``demo``: make a session and start its profiler process."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from profiler import __version__, conductor, devices, request, sessions
from profiler.analysis.state import SessionState
from profiler.report.documents import show_document
from profiler.report.outputs import compare_outputs
from profiler.request import BadRequest, Options, Request
from profiler.sessions import SessionFolder
from tui.commands.common import (
    BAD_USAGE,
    OK,
    RUN_FAILED,
    CommandError,
    json_option,
    on_terminal,
    open_session,
    pass_root,
    print_document,
)
from tui.plain import follow_plainly

DEMO = Options(pipeline="sd15-txt2img", size="tiny", steps=20, calls=5, repeats=1)


def _options(command: Callable[..., int]) -> Callable[..., int]:
    """The options of ``run``, in the order of --help."""
    for option in reversed(
        [
            click.option(
                "--variant",
                "variants",
                multiple=True,
                metavar="V",
                show_default="all three",
                help=f"How the denoisers are compiled: {', '.join(request.VARIANTS)}. Repeatable.",
            ),
            click.option(
                "--batch-size",
                "batch_sizes",
                multiple=True,
                type=int,
                metavar="N",
                show_default="1",
                help="Images per call. Repeatable: every size is run in every variant.",
            ),
            click.option("--steps", type=int, metavar="N", show_default="the pipeline's", help="Inference steps."),
            click.option("--calls", type=int, metavar="N", show_default="5", help="Measured calls of a run."),
            click.option(
                "--warmup",
                type=int,
                metavar="N",
                show_default="1",
                help="Calls before them; a compiled variant's compiling call comes on top.",
            ),
            click.option("--repeats", type=int, metavar="N", show_default="3", help="Runs of a case, a process each."),
            click.option(
                "--height", type=int, metavar="H", show_default="the pipeline's", help="Of the picture, pixels."
            ),
            click.option(
                "--width", type=int, metavar="W", show_default="the pipeline's", help="Of the picture, pixels."
            ),
            click.option(
                "--guidance",
                type=float,
                metavar="G",
                show_default="the pipeline's",
                help="Guidance scale; above 1 the batch doubles (classifier-free guidance).",
            ),
            click.option(
                "--dtype",
                metavar="D",
                show_default="float16 on CUDA, float32 on a CPU",
                help=f"One of {', '.join(request.DTYPES)}.",
            ),
            click.option(
                "--seed", type=int, metavar="N", show_default="0", help="Of the latents; every call has the same."
            ),
            click.option("--prompt", metavar="TEXT", show_default="the pipeline's", help="The same for every image."),
            click.option(
                "--engine",
                "engines",
                multiple=True,
                metavar="E",
                show_default="diffusers",
                help="For regional-compile: diffusers (compile_repeated_blocks), accelerate (compile_regions).",
            ),
            click.option(
                "--compile-mode",
                "mode",
                metavar="M",
                show_default="compile: reduce-overhead on CUDA, else default",
                help=f"torch.compile's mode: {', '.join(request.MODES)}.",
            ),
            click.option(
                "--fullgraph/--no-fullgraph",
                default=None,
                show_default="on, but for accelerate",
                help="torch.compile's fullgraph.",
            ),
            click.option(
                "--dynamic/--no-dynamic", default=None, show_default="torch decides", help="torch.compile's dynamic."
            ),
            click.option("--backend", metavar="B", show_default="inductor", help="torch.compile's backend."),
            click.option(
                "--weights",
                default="random",
                metavar="random|hub|PATH",
                help="Random weights need no download and run the same kernels; PATH is a pipeline's folder.",
            ),
            click.option(
                "--size",
                default="full",
                metavar="full|tiny",
                help="The real architecture, or a tiny twin that runs on a CPU in no time.",
            ),
            click.option(
                "--device", metavar="cuda:N|cpu", show_default="cuda:0 if there is one, else cpu", help="Where to run."
            ),
            click.option(
                "--cache",
                default="cold",
                metavar="cold|warm|shared",
                help="Compile caches: cold gives every case an empty folder (its first run compiles, later ones find"
                " it filled), warm keeps a folder a case between sessions, shared is your own.",
            ),
            click.option("--keep-cache", is_flag=True, help="Keep the cases' compile caches when the session ends."),
            click.option(
                "--no-queue", is_flag=True, help="Fail if another session uses the device, instead of waiting."
            ),
            click.option(
                "--max-time",
                "max_time_s",
                type=float,
                metavar="S",
                show_default="none",
                help="Stop the session after this many seconds.",
            ),
        ]
    ):
        command = option(command)
    return command


def _front_end(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(
        [
            click.option(
                "--headless",
                is_flag=True,
                help="No screen: report in plain lines; Ctrl-C, SIGTERM and SIGHUP stop the session.",
            ),
            click.option(
                "--detach", is_flag=True, help="Start the profiler and return at once; 'stepscope watch' shows it."
            ),
            json_option,
        ]
    ):
        command = option(command)
    return command


@click.command("run", short_help="Profile a pipeline and show it live.")
@click.argument("pipeline", metavar="PIPELINE")
@_options
@_front_end
@pass_root
def run_command(root: Path, /, pipeline: str, headless: bool, detach: bool, as_json: bool, **given: Any) -> int:
    """Profile PIPELINE (see 'stepscope pipelines') and show it live; the profiler goes on when the screen closes."""
    device = given.pop("device")
    given["queue"] = not given.pop("no_queue")
    options = Options(pipeline=pipeline, **given)
    return _start(root, options, device, headless=headless or as_json, detach=detach, as_json=as_json)


@click.command("demo", short_help="A tiny Stable Diffusion 1.5 in all three variants.")
@click.option("--device", metavar="cuda:N|cpu", show_default="cuda:0 if there is one, else cpu", help="Where to run.")
@_front_end
@pass_root
def demo_command(root: Path, device: str | None, headless: bool, detach: bool, as_json: bool) -> int:
    """Profile a tiny Stable Diffusion 1.5 in all three variants: two minutes on a CPU, no download."""
    return _start(root, DEMO, device, headless=headless or as_json, detach=detach, as_json=as_json)


def _start(root: Path, options: Options, device: str | None, *, headless: bool, detach: bool, as_json: bool) -> int:
    resolved = _resolve(options, device)
    folder = sessions.create(resolved, __version__, root)
    foreground = headless or not on_terminal()
    if detach:
        _conduct(folder)
        _announce_detached(folder, as_json)
        return OK
    if not foreground:
        from tui.commands.watch import show_app

        _conduct(folder)
        show_app(root, folder)
        return OK
    # The signals are caught before the profiler starts, so that none of them can leave it running unnoticed.
    with stopping_on_signals(folder) as profiler:
        profiler.append(_conduct(folder))
        if not as_json:
            click.echo(f"session {folder.id}: {_count(len(resolved.runs), 'run')} on {resolved.device}")
        state = follow_plainly(open_session(folder), say=_nothing if as_json else click.echo)
    if as_json:
        print_document(show_document(state, psnr=compare_outputs(folder, state)))
    return exit_code(state)


def _conduct(folder: SessionFolder) -> int:
    """Start the session's profiler process and return its pid; where that fails, no half-made session is left."""
    try:
        return conductor.start(folder)
    except conductor.CannotStart:
        sessions.discard(folder)
        raise


def _resolve(options: Options, device: str | None) -> Request:
    """The request with every default; a CommandError with code 2 for what can't be run."""
    try:
        if importlib.util.find_spec("torch") is None:
            raise BadRequest(
                "torch is not installed here: sessions can be viewed, but profiling needs it (pip install torch)"
            )
        options.weights = _weights(options.weights)
        return request.resolve(options, devices.choose(device))
    except BadRequest as error:
        raise CommandError(str(error), BAD_USAGE) from None


def _weights(given: str) -> str:
    """``random``, ``hub`` or a pipeline's folder as an absolute path. Raises BadRequest."""
    if given in ("random", "hub"):
        return given
    folder = Path(given).expanduser().absolute()
    index = folder / "model_index.json"
    if not folder.is_dir():
        raise BadRequest(f"--weights must be random, hub or a pipeline's folder; there is no folder {given}")
    try:
        found = json.loads(index.read_bytes())
    except FileNotFoundError:
        raise BadRequest(f"{given} is no diffusers pipeline: it has no model_index.json") from None
    except (OSError, ValueError, RecursionError):
        raise BadRequest(f"{given} is no diffusers pipeline: its model_index.json can't be read") from None
    if not isinstance(found, dict) or "_class_name" not in found:
        raise BadRequest(f"{given} is no diffusers pipeline: its model_index.json names no pipeline class")
    return str(folder)


def _announce_detached(folder: SessionFolder, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"schema": 1, "session": folder.id, "folder": str(folder.path)}))
    else:
        click.echo(f"session {folder.id} runs in the background: 'stepscope watch {folder.id}' shows it")


@contextmanager
def stopping_on_signals(folder: SessionFolder, tell: Callable[[int, int], None] = os.kill) -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and SIGHUP ask the session to stop; we stay until it has ended.

    The list takes the profiler's pid once it has one: on a full disk no command can be left, and it is told directly.
    """
    profiler: list[int] = []

    def stop(number: int, frame: object) -> None:
        try:
            sessions.send(folder, "stop")
        except OSError:
            with suppress(ProcessLookupError):
                for pid in profiler:
                    tell(pid, signal.SIGTERM)

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, stop) for number in caught}
    try:
        yield profiler
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(state: SessionState) -> int:
    """0 when every run gave a result; 1 when one failed, died or was stopped, or the only one ran out of memory."""
    outcomes = [run.outcome for run in state.runs.values()]
    if state.state != "done" or any(outcome in ("failed", "died", "stopped", None) for outcome in outcomes):
        return RUN_FAILED
    return RUN_FAILED if outcomes == ["oom"] else OK


def _nothing(line: str) -> None:
    """Says nothing: with --json the document is all that is printed."""


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
