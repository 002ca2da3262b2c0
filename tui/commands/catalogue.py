"""``pipelines`` and ``scenarios``: what can be profiled. Neither needs torch."""

from __future__ import annotations

import click

from profiler import catalog
from profiler.report.catalogue import (
    PipelinesDocument,
    ScenariosDocument,
    pipeline_lines,
    pipeline_row,
    pipelines_lines,
    scenario_rows,
    scenarios_lines,
)
from profiler.request.checking import hint
from tui.commands.common import BAD_USAGE, CommandError, json_option, print_document, print_lines


@click.command("pipelines", short_help="List the pipelines that can be profiled.")
@click.argument("name", required=False)
@json_option
def pipelines_command(name: str | None, as_json: bool) -> None:
    """List the pipelines of the catalogue, or show the one called NAME in full: its components, where its architecture
    comes from, and which schedulers, scenarios and engines of regional-compile work.
    """
    if name is not None and name not in catalog.names():
        known = catalog.names()
        raise CommandError(
            f"no pipeline is called {name!r}{hint(name, known)} (there are: {', '.join(known)})", BAD_USAGE
        )
    rows = [pipeline_row(entry) for entry in catalog.ENTRIES if name in (None, entry.name)]
    if as_json:
        print_document(PipelinesDocument(pipelines=rows))
    else:
        print_lines(pipelines_lines(rows) if name is None else pipeline_lines(rows[0]))


@click.command("scenarios", short_help="List the scenarios: what each changes and triggers.")
@json_option
def scenarios_command(as_json: bool) -> None:
    """List the scenarios: what changes from call to call, what that makes torch.compile do, and which pipelines can't
    run it and why.
    """
    rows = scenario_rows()
    if as_json:
        print_document(ScenariosDocument(scenarios=rows))
    else:
        print_lines(scenarios_lines(rows))
