"""Each leg of a scenario on a real pipeline is explained as somebody who knows diffusers would explain it."""

from __future__ import annotations

import pytest

from tests.worker.triggers.calls import CALLS
from tests.worker.triggers.changes import CHANGES
from tests.worker.triggers.expected import ANY
from tests.worker.triggers.journeys import OTHERS, SCENARIOS, Journey

pytestmark = pytest.mark.usefixtures("fresh_dynamo")


@pytest.mark.parametrize("journey", OTHERS, ids=lambda journey: journey.name)
def test_a_scenario_is_explained(journey: Journey) -> None:
    journey.check(journey.run())


def test_enough_is_asked_of_names_and_values() -> None:
    """What is owed is spelled out for 95 % at least of the guards on tensors and arguments, of many kinds."""
    owed = [says for one in (*CALLS, *CHANGES, *SCENARIOS, *OTHERS) for says in one.expected if says.owed]
    told = [says for says in owed if says.argument not in (None, ANY) and says.actual not in (None, ANY)]
    assert len(owed) >= 40
    assert len({says.cause for says in owed}) >= 12
    assert len(told) / len(owed) >= 0.95
