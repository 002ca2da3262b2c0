"""The order in which runs are made, and what they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiler.request.model import Run


def rounds(cases: Sequence[str], numbers: range, *, made: Mapping[str, int] | None = None, first: int = 1) -> list[Run]:
    """One run of each of ``cases`` a round, begun one place further on each time: A B C, B C A, C A B.

    Drift of the machine must not side with one variant: after as many rounds as there are cases each has stood at each
    place once. ``numbers`` are the rounds' own, from 1, so that rounds that are added later go on where the order was;
    ``made`` is how many runs a case has already (None: none), ``first`` the number of the first run.
    """
    repeats = {case: 0 if made is None else made.get(case, 0) for case in cases}
    runs: list[Run] = []
    for number in numbers:
        shift = (number - 1) % len(cases) if cases else 0
        for case in (*cases[shift:], *cases[:shift]):
            repeats[case] += 1
            name = run_name(first + len(runs), case, repeats[case])
            runs.append(Run(name=name, case=case, repeat=repeats[case]))
    return runs


def run_name(number: int, case: str, repeat: int) -> str:
    return f"{number:03d}-{case}-r{repeat}"
