"""Whose doing a recompile is."""

from __future__ import annotations

import pytest

from tests.analysis.triggers.made import BLOCK, CONTROLNET, LEAF, UNET, asked, compiled, last, legs, two_calls

TOKENS = "0/0: tensor 'hidden_states' size mismatch at index 1. expected 4096, actual 1024"
NEXT_BLOCK = {**BLOCK, "fqn": "unet.down_blocks.1.attentions.0.transformer_blocks.0"}
GROUP_NORM = {**LEAF, "module": "GroupNorm", "fqn": "unet.conv_norm_out"}
CONV_IN = {**LEAF, "module": "Conv2d", "fqn": "unet.conv_in"}
CONV_OUT = {**LEAF, "module": "Conv2d", "fqn": "unet.conv_out"}


def test_what_the_caller_changed_is_the_users() -> None:
    found = last(asked(), compiled("0/0", 0, 0, code=BLOCK), compiled("0/1", 1000, 1, TOKENS, code=BLOCK), two_calls())
    assert (found.cause, found.blame) == ("tensor.size", "user")


@pytest.mark.parametrize(
    "reason",
    [TOKENS, "0/0: tensor 'hidden_states' stride mismatch at index 0. expected 512, actual 768"],
)
def test_in_the_first_step_of_the_first_call_shared_code_meets_its_shapes(reason: str) -> None:
    both = [*compiled("0/0", 0, 0, code=BLOCK), *compiled("0/1", 50, 0, reason, code=NEXT_BLOCK)]
    found = last(asked(), both, two_calls())
    assert found.blame == "expected"
    assert "first pass" in found.why
    assert found.advice is not None
    assert found.advice.remedy.startswith("Nothing to do")


def test_each_loop_of_the_first_call_has_a_first_step() -> None:
    found = last(asked(), compiled("0/0", 0, 0, code=BLOCK), compiled("0/1", 50, 0, TOKENS, code=NEXT_BLOCK, loop=1))
    assert found.blame == "expected"


def test_later_steps_of_the_first_call_are_not_its_first_pass() -> None:
    found = last(asked(), compiled("0/0", 0, 0, code=BLOCK), compiled("0/1", 50, 0, TOKENS, code=BLOCK, step=3))
    assert found.blame == "user"


@pytest.mark.parametrize(
    "reason",
    [
        "0/0: tensor 'hidden_states' size mismatch at index 2. expected 320, actual 640",
        (
            "0/0: tensor 'self._modules['norm1']._parameters['bias']' size mismatch at index 0. expected "
            "320, actual 640. "
            "Guard failed on a parameter, consider using torch._dynamo.config.force_parameter_static_shapes = False"
        ),
    ],
)
def test_another_width_of_a_shared_block_is_expected_whenever_it_comes(reason: str) -> None:
    again = compiled("0/1", 1000, 1, reason, code=NEXT_BLOCK, actual="float32[2, 64, 640]")
    found = last(asked(), compiled("0/0", 0, 0, code=BLOCK), two_calls(), again)
    assert found.blame == "expected"
    assert "another width" in found.why


def test_a_controlnet_and_a_unet_share_a_decorators_code() -> None:
    reason = "0/0: len(kwargs) == 5"
    found = last(asked(), compiled("0/0", 0, 0, code=CONTROLNET), compiled("0/1", 50, 0, reason, actual="7: a"))
    assert (found.cause, found.blame) == ("shared.code", "artefact")
    assert found.sentence == (
        "unet UNet2DConditionModel runs through the same code as controlnet ControlNetModel: counted as its recompile"
    )
    assert "'wrapper'" in found.why
    assert "uses up the recompile limit" in found.why
    assert found.advice is not None
    assert found.advice.remedy.endswith("pipe.unet = torch.compile(pipe.unet, isolate_recompiles=True).")


def test_where_torch_has_no_entries_of_their_own_the_limit_is_raised() -> None:
    both = [*compiled("0/0", 0, 0, code=CONTROLNET), *compiled("0/1", 50, 0, "0/0: len(kwargs) == 5")]
    found = last(asked(), both, versions={"torch": "2.8.0+cpu"})
    assert found.advice is not None
    assert found.advice.remedy.endswith("torch._dynamo.config.recompile_limit = 16.")


@pytest.mark.parametrize(("code", "entry"), [(GROUP_NORM, CONV_IN), (CONV_OUT, CONV_IN)])
def test_leaves_of_torch_share_a_wrapper(code: dict[str, object], entry: dict[str, object]) -> None:
    reason = "2/0: tensor 'args[0]' size mismatch at index 1. expected 4, actual 16"
    found = last(asked(), compiled("2/0", 0, 0, code=entry), compiled("2/1", 1000, 1, reason, code=code), two_calls())
    assert (found.cause, found.blame) == ("shared.code", "artefact")
    assert "every leaf module" in found.why
    assert found.advice is not None
    assert "compile_repeated_blocks()" in found.advice.remedy


def test_the_same_leaf_with_another_size_is_the_users() -> None:
    reason = "2/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"
    found = last(asked(), compiled("2/0", 0, 0, code=CONV_IN), compiled("2/1", 1000, 1, reason, code=CONV_IN))
    assert found.blame == "user"


def test_two_denoisers_of_one_class_share_its_forward() -> None:
    upscaler = {**UNET, "fqn": "unet_2"}
    reason = "0/0: tensor 'args[0]' size mismatch at index 1. expected 3, actual 6"
    found = last(asked(), compiled("0/0", 0, 0), compiled("0/1", 50, 0, reason, code=upscaler))
    assert found.blame == "artefact"


def test_a_denoiser_that_did_without_an_entry_of_its_own_is_no_artefact_when_something_changes() -> None:
    """Two UNets of the same sizes share entries; that the second one has none doesn't mean that it hadn't run."""
    second = {**UNET, "fqn": "unet_2"}
    first = [*two_calls(), *compiled("0/0", 0, 0)]
    found = last(asked(), first, compiled("0/1", 1000, 1, "0/0: args[1] == 1", code=second, argument="timestep"))
    assert (found.cause, found.blame, found.argument) == ("value", "user", "timestep")


def test_after_a_reset_each_denoiser_has_a_first_call_again() -> None:
    second = {**UNET, "fqn": "unet_2"}
    events = [
        *compiled("0/0", 0, 0),
        *compiled("0/0", 1000, 1),
        *compiled("0/1", 1050, 1, "0/0: args[1] == 1", code=second),
    ]
    for event in events[2:]:
        event.epoch = 1
    assert last(asked(), two_calls(), events).blame == "artefact"


def test_the_entry_of_the_same_module_counts_where_the_worker_named_none() -> None:
    """As in logs of before a worker told which entry should have matched."""
    size = "tensor 'kwargs['controlnet_cond']' size mismatch at index 2. expected 64, actual 96"
    first = [*compiled("0/0", 0, 0, code=CONTROLNET), *compiled("0/1", 50, 0, "0/0: len(kwargs) == 5")]
    again = compiled("0/2", 1000, 1, "0/1: len(kwargs) == 7", f"0/0: {size}", code=CONTROLNET, actual="5")
    found = last(asked(*legs({}, {"height": 96})), first, two_calls(), again)
    assert (found.entry, found.cause, found.blame) == ("0/0", "tensor.size", "user")
    # What it read out of the frame was about the other entry.
    assert (found.argument, found.expected, found.actual) == ("controlnet_cond", "64", "96")
    assert found.sentence == "controlnet_cond height 64 → 96 (64 → 96 px)"


@pytest.mark.parametrize("reason", ["0/0: a new kind of guard", "Unexpected recompilation: runtime guards failed"])
def test_where_the_text_says_too_little_nobody_is_blamed(reason: str) -> None:
    found = last(asked(), compiled("0/0", 0, 0), two_calls(), compiled("0/1", 1000, 1, reason))
    assert found.blame == "unknown"
    assert found.advice is None


def test_first_compiles_are_expected() -> None:
    found = last(asked(), compiled("0/0", 0, 0))
    assert (found.kind, found.cause, found.blame) == ("compile", "first", "expected")
    assert found.sentence == "unet UNet2DConditionModel compiled for the first time"
