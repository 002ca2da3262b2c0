"""How runs end on a GPU, each in a process of its own: out of memory wherever it strikes, a lost context, CUDA graphs
that overwrite each other's outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gpu.support import conducting, endings

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "load": ("load", "too_large_to_load", {}),
    "compile": ("compile", "too_large_at_first", {"variants": ["compile"]}),
    "compiled code": ("compile", "too_large_inside", {"variants": ["compile"]}),
    "warmup": ("warmup", "too_large_at_first", {}),
    "second call": ("call 2", "too_large_later", {"warmup": 1}),
}
"""When it happens, and what of ``madeup`` with which options has it happen then."""


@pytest.mark.parametrize("case", CASES)
def test_out_of_memory(case: str, tmp_path: Path) -> None:
    when, function, options = CASES[case]
    state = conducting.conduct(tmp_path, conducting.asked(function, **options), DEVICE)
    [run] = state.runs.values()
    assert endings.wrong_out_of_memory(endings.last_words(run), when) == [], conducting.told(state)
    assert run.oom is not None
    assert run.oom.total_bytes, "torch knows the device's memory"
    assert len(run.calls_of("measure")) == (when == "call 2"), "what was measured before is kept"


def test_out_of_memory_of_a_real_pipeline_within_a_matrix(tmp_path: Path) -> None:
    """At full size under a limit that its weights don't fit in; the next run of the session isn't touched."""
    options = conducting.asked("sd15-txt2img", size="full", memory_limit_gib=1.0, steps=4, repeats=2)
    state = conducting.conduct(tmp_path, options, DEVICE)
    assert state.state == "done"
    for run in state.runs.values():
        assert endings.wrong_out_of_memory(endings.last_words(run), "load") == [], conducting.told(state)


def test_an_illegal_access_ends_its_run_alone(tmp_path: Path) -> None:
    """Nothing on the device works any more in that process; the next process is as good as new."""
    options = conducting.asked("poisoned_once", batch_sizes=[1, 2], warmup=1, calls=3)
    state = conducting.conduct(tmp_path, options, DEVICE)
    poisoned, healthy = state.runs.values()
    assert endings.wrong_poisoning(state, poisoned, [healthy]) == [], conducting.told(state)
    assert len(healthy.calls_of("measure")) == 3


def test_graphs_that_overwrite_what_is_in_use_fail_with_the_known_error(tmp_path: Path) -> None:
    """Blocks that were compiled one by one, and nobody marks the steps: torch says what happened, and so do we."""
    state = conducting.conduct(tmp_path, conducting.asked("chained", steps=4), DEVICE)
    [run] = state.runs.values()
    assert endings.wrong_overwritten(run) == [], conducting.told(state)
    assert state.state == "done"
