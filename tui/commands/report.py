"""``report``: a session's figures in the layout of the published benchmark. Needs no torch."""

from __future__ import annotations

from pathlib import Path

import click

from profiler.report.layout import report, report_lines
from tui.commands.common import (
    json_option,
    pass_root,
    print_document,
    print_lines,
    read_session,
    session_argument,
)
from tui.commands.compare import published_gpu


@click.command("report", short_help="Print a session in the layout of the published benchmark.")
@session_argument
@click.option("--layout", type=click.Choice(["published"]), default="published", help="Whose layout.")
@click.option("--against", metavar="GPU", help="Show the figures that were published of this GPU beside ours.")
@click.option("--format", "form", type=click.Choice(["text", "md"]), default="text", help="Plain text or Markdown.")
@json_option
@pass_root
def report_command(root: Path, reference: str, layout: str, against: str | None, form: str, as_json: bool) -> None:
    """Print the figures of SESSION as the published benchmark has them: a table a GPU and batch size, the pipelines by
    the variants, iterations per second in the cells.

    Footnotes say in what the session's workload isn't the published one. OOM: the first call did not come to its end;
    OOM after warmup: the first call alone did; OOM after 2nd iteration: two calls did.
    """
    gpu = published_gpu(against)
    state, _ = read_session(reference, root)
    document = report(state, gpu)
    if as_json:
        print_document(document)
    else:
        print_lines(report_lines(document, markdown=form == "md"))
