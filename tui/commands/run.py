"""``run`` and ``demo``: make a session and start its profiler process."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from profiler import __version__, conductor, devices, request, sessions
from profiler.analysis.state import SessionState
from profiler.report.documents import show_document
from profiler.request import LOOKS, BadRequest, Options, Request
from profiler.request.file import Bench
from profiler.sessions import SessionFolder
from profiler.trust import NOTHING, Trust
from tui.commands.common import (
    BAD_USAGE,
    OK,
    RUN_FAILED,
    CommandError,
    json_option,
    lasting,
    on_terminal,
    open_session,
    pass_root,
    print_document,
    warn_of_logout,
)
from tui.commands.judging import judged, judged_after_screen, judging_option, refuse_uncompiled, refuse_unjudged
from tui.commands.run_options import GroupedCommand
from tui.commands.run_options import options as run_options
from tui.commands.screen_options import screen_options
from tui.commands.stopping import stopping_on_signals
from tui.echo import echo, echo_page
from tui.pictures.names import workload_label
from tui.plain import follow_plainly, plain_say
from tui.settings import Settings

DEMO = Options(pipeline="sd15-txt2img", size="tiny", steps=20, calls=5, repeats=1)


def _front_end(command: Callable[..., int]) -> Callable[..., int]:
    options: list[Callable[[Callable[..., int]], Callable[..., int]]] = [
        click.option(
            "--headless",
            is_flag=True,
            help="No screen: report in plain lines; Ctrl-C, SIGTERM and SIGHUP stop the session.",
        ),
        click.option(
            "--detach", is_flag=True, help="Start the profiler and return at once; 'stepscope watch' shows it."
        ),
        judging_option,
        json_option,
        screen_options,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command("run", cls=GroupedCommand, short_help="Profile a pipeline and show it live.")
@click.argument("pipeline", metavar="[PIPELINE]", required=False)
@run_options
@_front_end
@click.pass_context
def run_command(
    ctx: click.Context,
    /,
    pipeline: str | None,
    headless: bool,
    detach: bool,
    judging: bool,
    as_json: bool,
    settings: Settings,
    **given: Any,
) -> int:
    """Profile PIPELINE and show it live; the profiler goes on when the screen closes.

    PIPELINE is one of the catalogue (see 'stepscope pipelines'), ORG/NAME on the hub, a pipeline's folder, or
    FILE.py:FUNCTION, a function of yours that returns a pipeline. With --file it may be left to the file.
    """
    refuse_unjudged(judging, detach)
    file, device = given.pop("file"), given.pop("device")
    given["queue"] = not given.pop("no_queue")
    if file is not None:
        resolved = _resolve(
            lambda: _from_file(file, pipeline, device, {name: given[name] for name in _typed(ctx, given)})
        )
    elif pipeline is not None:
        resolved = _resolve(lambda: request.resolve(Options(pipeline=pipeline, **given), devices.choose(device)))
    else:
        raise CommandError("PIPELINE is missing: 'stepscope pipelines' lists them; --file TOML works too", BAD_USAGE)
    trust = Trust(given["allow_pickle"], given["trust_remote_code"])
    how = HowToShow(headless or as_json, detach, judging, as_json, settings, trust)
    return _start(ctx.obj, resolved, how)


def _typed(ctx: click.Context, given: Mapping[str, Any]) -> list[str]:
    """The options that were on the command line, by their names."""
    renamed = {"queue": "no_queue"}
    return [
        name
        for name in given
        if ctx.get_parameter_source(renamed.get(name, name)) is click.core.ParameterSource.COMMANDLINE
    ]


def _from_file(path: str, pipeline: str | None, device: str | None, over: Mapping[str, Any]) -> Request:
    return Bench(path, pipeline, over).resolve(devices.choose, device)


@click.command("demo", short_help="A tiny Stable Diffusion 1.5 in all three variants.")
@click.option("--device", metavar="cuda:N|cpu", show_default="cuda:0 if there is one, else cpu", help="Where to run.")
@_front_end
@pass_root
def demo_command(
    root: Path, device: str | None, headless: bool, detach: bool, judging: bool, as_json: bool, settings: Settings
) -> int:
    """Profile a tiny Stable Diffusion 1.5 in all three variants: two minutes on a CPU, no download."""
    refuse_unjudged(judging, detach)
    resolved = _resolve(lambda: request.resolve(DEMO, devices.choose(device)))
    return _start(root, resolved, HowToShow(headless or as_json, detach, judging, as_json, settings))


class HowToShow(NamedTuple):
    """What was asked of the command itself, not of the session."""

    headless: bool
    detach: bool
    judging: bool
    as_json: bool
    settings: Settings
    trust: Trust = NOTHING


def _start(root: Path, resolved: Request, how: HowToShow) -> int:
    judging, as_json, settings = how.judging, how.as_json, how.settings
    refuse_uncompiled(judging, resolved)
    folder = sessions.create(resolved, __version__, root)
    if how.detach:
        _conduct(folder, how.trust)
        _announce_detached(folder, as_json)
        return OK
    if not (how.headless or settings.plain) and on_terminal():
        from tui.commands.watch import show_app

        _conduct(folder, how.trust)
        show_app(root, folder, settings=settings)
        return judged_after_screen(folder, exit_code) if judging else OK
    say = _nothing if as_json else plain_say(settings, lasting(echo, judging))
    # The signals are caught before the profiler starts, so that none of them can leave it running unnoticed.
    with stopping_on_signals(folder) as stopping:
        _conduct(folder, how.trust)
        for line in _announcement(folder, resolved):
            say(line)
        state = follow_plainly(open_session(folder), say=say, wait=stopping.wait, by_ear=settings.plain)
    if as_json:
        lasting(print_document, judging)(show_document(state, folder=folder))
    return judged(state, exit_code(state), aside=as_json) if judging else exit_code(state)


def _conduct(folder: SessionFolder, trust: Trust) -> None:
    """Start the session's profiler process; where that fails, no half-made session is left."""
    try:
        conductor.start(folder, *trust.arguments)
    except conductor.CannotStart:
        sessions.discard(folder)
        raise


def _resolve(resolving: Callable[[], Request]) -> Request:
    """The request with every default; a CommandError with code 2 for what can't be run."""
    try:
        if importlib.util.find_spec("torch") is None:
            raise BadRequest(
                "torch is not installed here: sessions can be viewed, but profiling needs it (pip install torch)"
            )
        return resolving()
    except BadRequest as error:
        raise CommandError(str(error), BAD_USAGE) from None


def _announcement(folder: SessionFolder, resolved: Request) -> list[str]:
    """What was made of the request, in two lines."""
    cases, runs = _count(len(resolved.cases), "case"), _count(len(resolved.runs), "run")
    more = ", then those of the search for the largest batch" if resolved.find_max_batch else ""
    if resolved.until_sure:
        more = f", up to {max(LOOKS[-1], resolved.repeats) * len(resolved.cases)} until every verdict is settled,"
    return [f"session {folder.id}: {cases}, {runs}{more} on {resolved.device}", workload_label(resolved)]


def _announce_detached(folder: SessionFolder, as_json: bool) -> None:
    if as_json:
        echo_page(json.dumps({"schema": 1, "session": folder.id, "folder": str(folder.path)}))
    else:
        echo(f"session {folder.id} runs in the background: 'stepscope watch {folder.id}' shows it")
    warn_of_logout()


def exit_code(state: SessionState) -> int:
    """0 when every run gave a result; 1 when one failed, died or was stopped, or the only one ran out of memory.

    Repeats that ``--until-sure`` has added may be stopped: --max-time was spent, one of the two ends that it has.
    """
    asked = state.request.repeats if state.request.until_sure else None
    outcomes = [
        run.outcome
        for run in state.runs.values()
        if asked is None or run.run.repeat <= asked or run.outcome not in ("stopped", None)
    ]
    if state.state != "done" or any(outcome in ("failed", "died", "stopped", None) for outcome in outcomes):
        return RUN_FAILED
    return RUN_FAILED if outcomes == ["oom"] else OK


def _nothing(line: str) -> None:
    """Says nothing: with --json the document is all that is printed."""


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
