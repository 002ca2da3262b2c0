"""``compare``: cases and runs of any sessions, side by side. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from profiler.analysis.cases import CaseFigures
from profiler.analysis.lots import Lot
from profiler.report import published
from profiler.report.comparetext import compare_lines, compared_rows
from profiler.report.comparison import CompareDocument
from profiler.report.slower import OPTION, BadLimit, judge_slower, parse_limit, slower_lines
from tui.commands.common import (
    BAD_USAGE,
    OK,
    RUN_FAILED,
    CommandError,
    json_option,
    lasting,
    on_terminal,
    pass_root,
    print_document,
    print_lines,
    terminal_width,
)
from tui.commands.screen import run_screen
from tui.commands.screen_options import screen_options
from tui.commands.things import Things
from tui.plain import plain_say
from tui.settings import Settings


@click.command("compare", short_help="Compare cases and runs, of one session or of several.")
@click.argument("references", metavar="[THING]...", nargs=-1)
@click.option("--baseline", metavar="THING", help="What the others are compared with. Default: a no-compile case.")
@click.option("--published", "gpu", metavar="GPU", help="Show what was published of this GPU beside ours.")
@click.option(
    OPTION,
    "limit",
    metavar="PERCENT",
    help="Exit with 1 when a case takes surely this much longer than the baseline, as 5% or 0.05.",
)
@click.option("--open", "opening", is_flag=True, help="Open the Compare screen instead of printing.")
@json_option
@screen_options
@pass_root
def compare_command(
    root: Path,
    references: tuple[str, ...],
    baseline: str | None,
    gpu: str | None,
    limit: str | None,
    opening: bool,
    as_json: bool,
    settings: Settings,
) -> int:
    """Compare THINGs: a session (all its cases; 'last' without any), SESSION/CASE or SESSION/RUN. SESSION is an id, a
    unique prefix, 'last' or a folder (./copied), from anywhere. CASE and RUN are names as the tables shorten them,
    unique beginnings of names, or a run's number. What is running is compared as far as it is.

    The baseline is --baseline, else the no-compile case of the same workload, else the first one.

    --fail-if-slower judges verdicts alone: a case fails when it is SLOWER and its whole interval lies beyond the limit,
    so that even the most favourable end takes that much longer than the baseline. Cases that are UNCLEAR, have too few
    runs for a verdict, or made no measured call are named on stderr and fail nothing.
    """
    printing = {"--json": as_json, OPTION: limit is not None}
    if opening and any(printing.values()):
        which = ", ".join(name for name, given in printing.items() if given)
        raise CommandError(f"--open shows a screen: leave out {which}", BAD_USAGE)
    allowed = _limit(limit)
    about = published_gpu(gpu)
    things = Things(root)
    given = references or ("last",)
    lots = things.lots(given)
    chosen = things.baseline(baseline, lots, given) if baseline is not None else None
    if opening and not settings.plain:
        _open(root, things, given, chosen, about, settings)
        return OK
    document = things.document(lots, chosen, gpu=about)
    compared = _candidates(document)
    if allowed is not None:
        document.slower = judge_slower(allowed, compared)
    write = lasting(print_document if as_json else partial(_print, settings), allowed is not None)
    write(document)
    if document.slower is None:
        return OK
    lasting(partial(print_lines, aside=True))(slower_lines(document.slower, compared))
    return RUN_FAILED if document.slower.failed else OK


def _print(settings: Settings, document: CompareDocument) -> None:
    say = plain_say(settings)
    for line in compare_lines(document, terminal_width(), by_ear=settings.plain):
        say(line)


def _candidates(document: CompareDocument) -> list[tuple[str, CaseFigures]]:
    return [(row.called, row.figures) for row in compared_rows(document) if row.baseline]


def _limit(text: str | None) -> float | None:
    try:
        return None if text is None else parse_limit(text)
    except BadLimit as error:
        raise CommandError(str(error), BAD_USAGE) from None


def published_gpu(name: str | None) -> str | None:
    """The published name of a GPU. Raises CommandError, code 2, where nothing was published of one called so."""
    gpu = published.find_gpu(name) if name is not None else None
    if name is not None and gpu is None:
        raise CommandError(
            f"nothing was published of a GPU called {name!r} (there are: {', '.join(published.gpus())})", BAD_USAGE
        )
    return gpu


def _open(
    root: Path, things: Things, references: Sequence[str], baseline: Lot | None, gpu: str | None, settings: Settings
) -> None:
    if not on_terminal():
        raise CommandError("the Compare screen needs a terminal: without --open the comparison is printed", BAD_USAGE)
    pinned = None if baseline is None else (things.folder_of(baseline), baseline.name)
    marks = things.marks(references)
    compare = [*marks, pinned] if pinned is not None else marks
    run_screen(root, compare=compare, baseline=pinned, gpu=gpu, settings=settings)
