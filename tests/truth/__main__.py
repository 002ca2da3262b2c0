"""``python -m tests.truth [PIPELINE]... [--scenario NAME]...``: compile events against tlparse, over the catalogue.

Every scenario of every pipeline (tiny, aot_eager), compiled whole and by region with either engine, each run traced by
torch and read by tlparse. Prints a table; ends with 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from profiler import catalog, scenarios

ROOT = Path(__file__).resolve().parents[2]
COUNTS = ("compiles", "recompiles", "reasons", "breaks", "restarts", "failures")
LINE = "{:16} {:17} {:11}" + " {:>10}" * len(COUNTS) + " {:>9} {:>9}  {}"


def main() -> int:
    """Run the pipelines one after another; 1 if something differed or a process died."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth", description=__doc__)
    parser.add_argument("pipelines", nargs="*", metavar="PIPELINE", help="these alone")
    parser.add_argument("--scenario", action="append", default=[], choices=scenarios.SCENARIOS, metavar="NAME")
    options = parser.parse_args()
    unknown = sorted(set(options.pipelines) - set(catalog.names()))
    if unknown:
        parser.error(f"no pipeline {', '.join(unknown)} in the catalogue (there are {', '.join(catalog.names())})")
    _say(LINE.format("pipeline", "scenario", "compiled", *COUNTS, "trace MB", "events KB", "verdict"))
    rows: list[dict[str, Any]] = []
    died = [name for name in options.pipelines or catalog.names() if not _pipeline(name, options.scenario, rows)]
    made = [row for row in rows if "without" not in row]
    wrong = [row for row in made if row["differences"]]
    for row in wrong:
        _say(f"\n{row['pipeline']}, {row['scenario']}, {row['way']}:")
        for difference in row["differences"]:
            _say(f"  {difference}")
    for name in died:
        _say(f"{name}: its process died")
    sums = ", ".join(f"{sum(row.get(name, 0) for row in made)} {name}" for name in COUNTS)
    _say(f"\n{len(made)} runs ({len(rows) - len(made)} can't be made): {sums}; {len(wrong)} runs differ")
    return 1 if wrong or died or not made else 0


def _pipeline(name: str, chosen: list[str], rows: list[dict[str, Any]]) -> bool:
    """Print and add the rows of a pipeline as they come; False if its process failed."""
    command = [sys.executable, "-m", "tests.truth.pipeline", name, *chosen]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        for line in process.stdout:
            row = json.loads(line)
            rows.append(row)
            _say(_line(row))
        if process.wait() == 0:
            return True
        errors.seek(0)
        sys.stderr.write(errors.read()[-4000:])
        return False


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _line(row: dict[str, Any]) -> str:
    head = (row["pipeline"], row["scenario"], row["way"])
    if "without" in row:
        return LINE.format(*head, *["-"] * (len(COUNTS) + 2), row["without"])
    verdict = f"{len(row['differences'])} DIFFER" if row["differences"] else "the same"
    if "compiles" not in row:
        return LINE.format(*head, *["-"] * (len(COUNTS) + 2), verdict)
    sizes = (f"{row['trace_bytes'] / 1e6:.2f}", f"{row['event_bytes'] / 1e3:.1f}")
    ended = f"; it ended with {row['error']}" if row["error"] else ""
    return LINE.format(*head, *(row[name] for name in COUNTS), *sizes, verdict + ended[:100])


if __name__ == "__main__":
    sys.exit(main())
