"""What is asserted of a traced run, whatever pipeline and scenario it is of."""

from __future__ import annotations

import pytest

from profiler.analysis import triggers
from tests.truth.account import Account
from tests.truth.costs import held
from tests.truth.traced import Traced


def check(run: Traced) -> Account:
    """Assert that events and trace agree, and costs with the steps' own timing; tlparse's account of the run."""
    theirs = run.theirs()
    assert run.differences(theirs) == []
    assert theirs.ended, "nothing was compiled"
    check_costs(run)
    return theirs


def check_costs(run: Traced) -> None:
    """What a step lost is what its compiles took, and what the explanation of each says."""
    found = {(one.call, one.loop, one.step): one for one in held(run.events)}
    assert found, "no step was held up"
    assert [one for one in found.values() if not one.agrees] == []
    explained: dict[tuple[int | None, int | None, int | None], float] = {}
    for one in triggers.occurrences(run.state()):
        place = (one.place.call, one.place.loop, one.place.step)
        if one.cost is None or place not in found:
            continue
        assert one.place.lost_ms == pytest.approx(found[place].lost_ms, abs=0.01)  # type: ignore[index]
        explained[place] = explained.get(place, 0.0) + one.cost.ms
    assert explained == {place: pytest.approx(one.compiles_ms, abs=0.01) for place, one in found.items()}
