"""The one way to standard output and standard error: what is said there holds nothing that a terminal obeys.

Names of folders, texts from logs, what a user typed and what an exception says all go through here; a test looks for
other ways.
"""

from __future__ import annotations

import click

from profiler.report.text import unsteering
from tui import safe

LONGEST = 4000
"""Characters of a line; of a longer one the rest is cut with a sign."""


def echo(line: str = "", *, aside: bool = False) -> None:
    """One line on stdout, ``aside`` on stderr."""
    click.echo(safe.line(line, LONGEST), err=aside)


def echo_page(text: str) -> None:
    r"""Text of many lines on stdout, as long as it is: a help, or a document, in which ``\u001b`` is JSON's own."""
    click.echo(unsteering(text))
