"""``watch``: come back to a session, running or over, or see it played again."""

from __future__ import annotations

import math
import re
from pathlib import Path

import click

from profiler.replay import FASTEST, SLOWEST, ReplayFollower, Start
from profiler.sessions import SessionFolder
from tui.commands.common import (
    BAD_USAGE,
    CommandError,
    find,
    on_terminal,
    open_session,
    pass_root,
    session_argument,
)
from tui.commands.screen import run_screen
from tui.commands.screen_options import screen_options
from tui.pictures.player import position, speed_text
from tui.settings import Settings

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)%", re.ASCII)
_MOMENT = re.compile(r"(?:(?:(\d{1,6}):)?([0-5]?\d):)?(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
"""Hours, minutes, seconds."""


def _moment(ctx: click.Context, param: click.Parameter, value: str | None) -> Start | None:
    """A place in a session as a Start of speed 1; a usage error where ``value`` is none."""
    if value is None:
        return None
    share = _SHARE.fullmatch(value)
    if share is not None and float(share[1]) <= 100:
        return Start(share=float(share[1]) / 100)
    moment = _MOMENT.fullmatch(value)
    if moment is not None and (moment[2] is None or float(moment[3]) < 60):
        hours, minutes, seconds = (float(part or 0) for part in moment.groups())
        return Start(at_s=3600 * hours + 60 * minutes + seconds)
    why = f"{value!r} is no place in a session: give seconds (90), m:ss (1:30), h:mm:ss or a share (50%)"
    raise click.BadParameter(why, ctx, param)


@click.command("watch", short_help="Come back to a session, or see it played again.")
@session_argument
@click.option("--replay", is_flag=True, help="Play the session again; of one that runs, what there is so far.")
@click.option(
    "--speed",
    type=click.FloatRange(SLOWEST, FASTEST),
    metavar="X",
    help=f"With --replay: seconds of the session per second, {SLOWEST:g} to {FASTEST:g}.",
    show_default="1",
)
@click.option(
    "--from",
    "begin",
    callback=_moment,
    metavar="WHERE",
    help="With --replay: begin at 90 (seconds), 1:30, 1:02:03 or 50%.",
    show_default="the beginning",
)
@screen_options
@pass_root
def watch_command(
    root: Path, reference: str, replay: bool, speed: float | None, begin: Start | None, settings: Settings
) -> int:
    """Show SESSION live; 'q' leaves, the profiler goes on. Without a terminal: plain lines until it is over.

    With --replay it is played again as it went; keys play, pause, step and jump to compiles.
    """
    start = _start(replay, speed, begin)
    folder = find(reference, root)
    follower = open_session(folder)
    if on_terminal() and not settings.plain:
        show_app(root, folder, replay=start, settings=settings)
        return 0
    from tui.plain import follow_plainly, plain_say

    say = plain_say(settings)
    if start is None:
        follow_plainly(follower, say=say, introduce=True, by_ear=settings.plain)
        return 0
    played = ReplayFollower(folder, start)
    played.poll()
    begin_s, length_s = played.span_s
    say(f"replay at {speed_text(start.speed)}, from {position(begin_s)} to {position(length_s)}")
    follow_plainly(played, say=say, introduce=True, by_ear=settings.plain, now_ns=played.now_ns)
    return 0


def _start(replay: bool, speed: float | None, begin: Start | None) -> Start | None:
    """How the replay that is asked for begins; None: none is."""
    if not replay:
        if speed is not None or begin is not None:
            given = "--speed" if speed is not None else "--from"
            raise CommandError(f"{given} is for a replay: give --replay too", BAD_USAGE)
        return None
    begin = begin or Start()
    if speed is not None and math.isnan(speed):
        raise CommandError(f"--speed takes a number from {SLOWEST:g} to {FASTEST:g}", BAD_USAGE)
    return Start(speed=speed or 1.0, at_s=begin.at_s, share=begin.share)


def show_app(
    root: Path, folder: SessionFolder | None, *, replay: Start | None = None, settings: Settings | None = None
) -> None:
    """Run the dashboard on the Sessions screen or on one session, and say afterwards how to come back.

    ``replay``: play the session again, beginning so.
    """
    run_screen(root, folder, replay=replay, settings=settings)
