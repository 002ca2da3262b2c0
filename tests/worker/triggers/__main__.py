"""``python -m tests.worker.triggers``: what the program says of every change and scenario, as a table."""

from __future__ import annotations

import sys
import warnings

import torch

from tests.worker.triggers.calls import CALLS
from tests.worker.triggers.changes import CHANGES
from tests.worker.triggers.expected import differences
from tests.worker.triggers.journeys import OTHERS, SCENARIOS
from tests.worker.triggers.slow import SLOW


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(wanted: list[str]) -> int:
    """Runs those whose name has one of ``wanted`` in it; all without. Returns 1 where something is said wrong."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    wrong = owed = named = 0
    for one in (*CALLS, *CHANGES, *SCENARIOS, *OTHERS, *SLOW):
        if wanted and not any(word in one.name for word in wanted):
            continue
        torch._dynamo.reset()
        seen = one.run()
        found = seen.occurrences
        differs = differences(found, one.expected)
        wrong += bool(differs)
        say(f"\n{'WRONG' if differs else 'ok':5} {one.name}")
        for occurrence in found:
            say(f"      {occurrence.kind} | {occurrence.cause} | {occurrence.blame} | {occurrence.sentence}")
            say(
                f"        {occurrence.fqn} {occurrence.module}; {occurrence.argument} {occurrence.dimension}:"
                f" {occurrence.expected} -> {occurrence.actual}; why: {occurrence.why}"
            )
            say(f"        do: {occurrence.advice.remedy if occurrence.advice else None}")
            say(f"        guard: {(occurrence.guard or '').splitlines()[:1]}"[:200])
        for line in differs:
            say(f"      ! {line}")
        pairs = [(found_, says) for found_, says in zip(found, one.expected) if says.owed]
        owed += sum(says.owed for says in one.expected)
        named += sum(says.names(found_) for found_, says in pairs)
    say(f"\n{wrong} wrong; {named} of {owed} that name a tensor or an argument have its name and value")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
