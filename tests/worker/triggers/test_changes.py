"""What people do to a compiled denoiser between two calls: cause, culprit, values, sentence and advice are right."""

from __future__ import annotations

import pytest

from tests.worker.triggers.acts import Change
from tests.worker.triggers.calls import CALLS
from tests.worker.triggers.changes import CHANGES
from tests.worker.triggers.expected import differences

pytestmark = pytest.mark.usefixtures("fresh_dynamo")


@pytest.mark.parametrize("change", CALLS + CHANGES, ids=lambda change: change.name)
def test_a_change_is_explained(change: Change) -> None:
    seen = change.run()
    assert differences(seen.occurrences, change.expected) == []
    assert seen.session.runs and not any(run.monitor_errors for run in seen.session.runs.values())
