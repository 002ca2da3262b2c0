"""CUDA graphs without a GPU: denoisers that take their outputs back as replays do."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from profiler.events import CudaGraph
from profiler.worker.cudagraphs import CudaGraphSteps
from tests.gpu.support.graphs import (
    Outcome,
    Replays,
    Scaled,
    copied,
    measured,
    overwritten,
    seen,
    wrong_actions,
    wrong_by_blocks,
    wrong_latents,
)

pytestmark = [
    pytest.mark.usefixtures("fresh_dynamo"),
    pytest.mark.filterwarnings("ignore:invalid value encountered in cast"),  # pictures of latents that were spoilt
]

CASES: dict[str, dict[str, Any]] = {
    "controlnet": {"pipeline": "sd15-controlnet"},
    "pndm": {"pipeline": "sd15-txt2img", "guidance": 1.0},
}


def latents(case: str) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """With replays, and without."""
    found = measured(**CASES[case], device="cpu", compiling=Replays(), calls=2)
    plain = measured(**CASES[case], device="cpu", calls=1)
    return found.latents, plain.latents, copied(found.events)


@pytest.mark.parametrize("case", CASES)
def test_what_is_overwritten_is_right(case: str) -> None:
    found, reference, copies = latents(case)
    assert wrong_latents(found, reference) == []
    assert bool(copies) == (case == "pndm")


def test_outputs_that_are_kept_and_not_copied_are_spoilt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaGraphSteps, "keep", lambda self, output: output)
    found, reference, _ = latents("pndm")
    assert wrong_latents(found, reference) == ["they aren't finite"]


def test_a_step_that_is_marked_for_every_denoiser_spoils_a_controlnets_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    keep = CudaGraphSteps.keep

    def marking(self: CudaGraphSteps, output: Any) -> Any:
        self.begin_step()
        return keep(self, output)

    monkeypatch.setattr(CudaGraphSteps, "keep", marking)
    found, reference, _ = latents("controlnet")
    assert wrong_latents(found, reference) == ["they aren't finite"]


def test_steps_that_nobody_marks_spoil_a_controlnets_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CudaGraphSteps, "begin_step", lambda self: None)
    found, reference, _ = latents("controlnet")
    assert wrong_latents(found, reference) == ["they aren't finite"]


def test_graphs_by_block_must_be_right_or_refused_in_the_known_words() -> None:
    reference = torch.ones(3)
    told = [CudaGraph(action="record", id="0/0", ns=1000)]

    def wrong(outcome: Outcome | Exception) -> list[str]:
        def measure() -> Outcome:
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        return wrong_by_blocks(measure, reference, "cpu")

    assert wrong(Outcome(reference, told)) == []
    assert wrong(overwritten()) == []
    assert wrong(Outcome(reference, [])) == ["no graph was recorded: nothing was replayed"]
    assert wrong(Outcome(reference * 2, told))[0].startswith("off by 1")
    assert wrong(RuntimeError("CUDA error: misaligned address"))[0].startswith(
        "it failed otherwise: RuntimeError: CUDA"
    )


def test_latents_that_differ_show() -> None:
    reference = torch.tensor([1.0, -2.0, 0.5])
    assert wrong_latents(reference + 0.01, reference) == []
    assert wrong_latents(reference + 0.1, reference)[0].startswith("off by 0.1")
    assert wrong_latents(reference[:2], reference) == ["shape (2,), not (3,)"]


def test_nothing_is_told_of_graphs_on_a_cpu() -> None:
    assert seen(Scaled(), "cpu", {}, backend="eager") == []


def test_actions_that_are_missing_or_bare_show() -> None:
    def told(action: str, **fields: Any) -> CudaGraph:
        return CudaGraph(action=action, **{"id": "0/0", "ns": 1000} | fields)

    record, again = told("record"), told("rerecord")
    skip = told("skip", ns=None, reason="mutated inputs")
    assert wrong_actions([record, record, again], "record", "rerecord") == []
    assert wrong_actions([skip], "skip") == []
    assert wrong_actions([record], "record", "rerecord") == ["told ['record'], not ['record', 'rerecord']"]
    assert wrong_actions([], "skip") == ["told [], not ['skip']"]
    assert wrong_actions([told("record", ns=None)], "record") == ["record without its duration"]
    assert wrong_actions([told("skip")], "skip") == ["a skip without its reason"]
    assert wrong_actions([told("record", id=None)], "record") == ["record of no compile"]
