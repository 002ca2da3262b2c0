"""``python -m tests.bench [--quick] [--only NAME]...``: measure and print one table."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from tests.bench.table import Row, table

BENCHES = {
    "demo": "the demo's wall time",
    "instrumentation": "what the hooks cost; it/s against the pipeline's bar",
    "compiles": "what following torch.compile costs",
    "wire": "bytes through a pseudo-terminal, and CPU",
    "living": "keys, whole-screen changes, memory over an hour",
    "starting": "first paint; step on screen",
    "loading": "a session of a million events",
    "replaying": "a session of a million events played again",
    "listing": "20 running and 500 finished sessions in their list",
    "comparing": "50 runs compared",
}


def main() -> int:
    """Run the benches one after the other; 1 if a promise was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__,
        epilog="; ".join(f"{name}: {what}" for name, what in BENCHES.items()),
    )
    parser.add_argument("--quick", action="store_true", help="shorter spans and fewer repeats")
    parser.add_argument("--only", action="append", choices=BENCHES, metavar="NAME", help="this bench alone")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each start of the program compiles all of its modules
    rows: list[Row] = []
    for name in options.only or BENCHES:
        print(f"measuring {BENCHES[name]} ...", file=sys.stderr)
        try:
            rows += import_module(f"tests.bench.{name}").rows(options.quick)
        except Exception as error:
            # One bench that can't be made must not cost the others' figures.
            rows.append(Row(name, "", "", None, f"{type(error).__name__}: {error}".partition("\n")[0]))
    print(table(rows))
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
