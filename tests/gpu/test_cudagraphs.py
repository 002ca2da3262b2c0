"""CUDA graphs on a GPU: each recording, skip and re-recording is told, and what replays overwrite is right."""

from __future__ import annotations

import pytest

from tests.gpu.support import graphs
from tests.gpu.support.graphs import Scaled, Writing, compiled, copied, measured, seen, wrong_actions, wrong_latents

pytestmark = [pytest.mark.gpu, pytest.mark.inductor]

DEVICE = "cuda:0"
MODE = "reduce-overhead"


def test_a_recording_is_told_once() -> None:
    assert wrong_actions(seen(Scaled(), DEVICE, {}, mode=MODE), "record") == []


def test_a_graph_whose_weights_move_is_recorded_again() -> None:
    module = Scaled()

    def move() -> None:
        module.weight.data = module.weight.data.clone()

    assert wrong_actions(seen(module, DEVICE, {5: move}, mode=MODE), "record", "rerecord") == []


def test_a_graph_that_changes_its_input_is_skipped_for_that_reason() -> None:
    found = seen(Writing(), DEVICE, {}, mode=MODE)
    assert wrong_actions(found, "skip") == []
    assert "mutated inputs" in (found[0].reason or "")


def test_no_graph_is_told_where_none_is_asked_for() -> None:
    assert seen(Scaled(), DEVICE, {}, mode="default") == []


@pytest.mark.parametrize(
    ("pipeline", "guidance", "copies"),
    [("sd15-controlnet", None, False), ("sd15-txt2img", 1.0, True), ("sd15-txt2img", None, False)],
    ids=["controlnet", "pndm without guidance", "pndm with guidance"],
)
def test_what_is_overwritten_is_right(pipeline: str, guidance: float | None, copies: bool) -> None:
    """A ControlNet's outputs are in use when the UNet replays; PNDM keeps outputs over steps without guidance."""
    reference = measured(pipeline, DEVICE, guidance=guidance)
    found = measured(pipeline, DEVICE, compiled(MODE, DEVICE), guidance=guidance)
    assert graphs.recorded(found.events), "nothing was replayed"
    assert wrong_latents(found.latents, reference.latents) == []
    assert bool(copied(found.events)) == copies


@pytest.mark.parametrize("pipeline", ["sd15-txt2img", "sdxl-txt2img"])
def test_graphs_by_block_are_right_or_refused(pipeline: str) -> None:
    """Stable Diffusion XL's blocks hand their outputs on to each other, those of 1.5 stand alone."""
    reference = measured(pipeline, DEVICE)
    by_blocks = compiled(MODE, DEVICE, "regional-compile", pipeline)
    assert graphs.wrong_by_blocks(lambda: measured(pipeline, DEVICE, by_blocks), reference.latents, DEVICE) == []
