"""``doctor``: what works on this machine and what would mend the rest."""

from __future__ import annotations

from pathlib import Path

import click

from profiler.doctor import examine
from profiler.report.documents import DoctorDocument
from profiler.report.text import align
from tui.commands.common import OK, RUN_FAILED, json_option, pass_root, print_document, print_lines


@click.command("doctor")
@json_option
@pass_root
def doctor_command(root: Path, as_json: bool) -> int:
    """Check what profiling needs here. Exit code 1 if something is missing."""
    findings = examine(root)
    if as_json:
        print_document(DoctorDocument(findings=findings))
    else:
        print_lines(
            align(
                [
                    [found.level, found.name, found.text + (f" -> {found.remedy}" if found.remedy else "")]
                    for found in findings
                ]
            )
        )
    return RUN_FAILED if any(found.level == "missing" for found in findings) else OK
