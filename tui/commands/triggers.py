"""``triggers``: why things were compiled, for scripts and pipes. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from profiler.analysis import triggers
from profiler.analysis.state import SessionState
from profiler.analysis.triggers import BadFilter, Occurrence
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.filters import FIELDS, Term, parsed
from profiler.report.triggers import trigger_lines, triggers_document
from tui.commands.common import (
    BAD_USAGE,
    CommandError,
    json_option,
    pass_root,
    pick_runs,
    print_document,
    print_lines,
    read_session,
    session_argument,
    some,
    terminal_width,
)


@click.command("triggers", short_help="Print why things were compiled, what it cost, and what to do.")
@session_argument
@click.option("--run", "runs", metavar="RUN", multiple=True, help="Of this run: a name, its beginning, or its number.")
@click.option("--variant", "variants", metavar="V", multiple=True, help="Of this variant.")
@click.option("--class", "classes", metavar="C", multiple=True, help="Of this class of causes, as tensor.size.")
@click.option("--module", "modules", metavar="M", multiple=True, help="Of modules whose class or name holds this.")
@click.option("--filter", "words", metavar="TEXT", help="As on the screen: 'kind:recompile -blame:artefact height'.")
@click.option("--all", "every", is_flag=True, help="Tell every occurrence, not only the groups.")
@click.option("--format", "form", type=click.Choice(["text", "md"]), default="text", help="Plain text or Markdown.")
@json_option
@pass_root
def triggers_command(
    root: Path,
    reference: str,
    runs: tuple[str, ...],
    variants: tuple[str, ...],
    classes: tuple[str, ...],
    modules: tuple[str, ...],
    words: str | None,
    every: bool,
    form: str,
    as_json: bool,
) -> None:
    """Print what torch.compile did in SESSION and why: the same trigger as one row with its count and its cost, then
    what failed, what that means, and what to do.

    Each of --run, --variant, --class and --module may be given several times: what fits one of them is shown.
    """
    state, copied = read_session(reference, root)
    found = triggers.occurrences(state)
    terms: list[Term] = []
    if runs:
        terms.append(Term("run", tuple(name.casefold() for name in pick_runs(state, runs))))
    terms += _terms("variant", variants, found, _variants(state))
    terms += _terms("class", classes, found, sorted({one.cause for one in found}), tuple(CAUSES))
    terms += _terms("module", modules, found, sorted({one.module or one.function for one in found}))
    terms += _free(words)
    kept = triggers.matching(found, tuple(terms))
    if as_json:
        given = [f"run:{one}" for one in runs] + [f"variant:{one}" for one in variants]
        given += [f"class:{one}" for one in classes] + [f"module:{one}" for one in modules] + ([words] if words else [])
        print_document(triggers_document(state, kept, filters=given, copied=copied))
        return
    lines = trigger_lines(state, kept, width=terminal_width(), every=every, markdown=form == "md")
    print_lines([*([] if kept else [_nothing(state, found)]), *lines])


def _variants(state: SessionState) -> list[str]:
    return list(dict.fromkeys(case.compilation.variant for case in state.request.cases))


def _terms(
    field: str, given: Sequence[str], found: Sequence[Occurrence], there: Sequence[str], known: Sequence[str] = ()
) -> list[Term]:
    """The condition of one option; a CommandError with code 2 for a value that fits nothing ``there`` or ``known``."""
    for value in given:
        fits = any(FIELDS[field][1](value.casefold(), one.casefold()) for one in (*there, *known))
        if not value or not (fits or triggers.matching(found, (Term(field, (value.casefold(),)),))):
            values = f"there are: {some(there)}" if there else "nothing was compiled"
            raise CommandError(f"no {field} is called {value!r} here ({values})", BAD_USAGE)
    return [Term(field, tuple(value.casefold() for value in given))] if given else []


def _free(words: str | None) -> list[Term]:
    try:
        return list(parsed(words or ""))
    except BadFilter as error:
        raise CommandError(str(error), BAD_USAGE) from None


def _nothing(state: SessionState, found: Sequence[Occurrence]) -> str:
    if found:
        return f"session {state.session}: nothing fits; without filters there are {len(found)} events"
    yet = "" if state.over else " so far"
    return f"session {state.session}: nothing was compiled{yet}"
