"""``--find-max-batch``: adds the runs that the search for the largest batch still needs, one at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from profiler.analysis.batches import probe, searches
from profiler.request import Case, Request, Run
from profiler.sessions import LONGEST_NAME, SessionFolder, extend


class BatchSearch:
    """Goes by what is known of the session alone; ``request`` grows with every probe."""

    def __init__(self, folder: SessionFolder, request: Request) -> None:
        self.request = request
        self._folder = folder

    def next(self, outcomes: Mapping[str, str]) -> Run | None:
        """Add the next probe to the session and return it; None when nothing is left to try.

        ``outcomes``: of the runs that have ended. Raises OSError, SessionUnreadable: then nothing was added.
        """
        for search in searches(self.request, outcomes):
            batch = probe(search)
            if batch is not None:
                case, run = added(self.request, search.start, batch)
                self.request = extend(self._folder, [case], [run])
                return run
        return None


def added(request: Request, start: Case, batch: int) -> tuple[Case, Run]:
    """The case of ``start`` with another batch and its only run, under names that ``request`` doesn't have."""
    number = f"{len(request.runs) + 1:03d}"
    # A run's name is a folder's, and has a bound.
    room = LONGEST_NAME - len(f"{number}--r1")
    head, tail = _named(start, batch)
    taken = {case.name for case in request.cases}
    name, again = head[: room - len(tail)] + tail, 1
    while name in taken:
        again += 1
        mark = f"{tail}-{again}"
        name = head[: room - len(mark)] + mark
    workload = msgspec.structs.replace(start.workload, batch_size=batch)
    case = msgspec.structs.replace(start, name=name, workload=workload)
    return case, Run(name=f"{number}-{name}-r1", case=name, repeat=1)


def _named(start: Case, batch: int) -> tuple[str, str]:
    """``start``'s name with ``batch`` in the place of its own, ``...-b1`` as ``...-b16``, and cut before that."""
    found = list(re.finditer(rf"-b{start.workload.batch_size}(?![0-9A-Za-z])", start.name))
    if not found:
        return start.name, f"-b{batch}"
    own = found[-1]
    return start.name[: own.start()], f"-b{batch}{start.name[own.end() :]}"
