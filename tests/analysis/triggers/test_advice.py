"""What to do: by what the run was asked, what torch did by itself, and only with calls and options that exist."""

from __future__ import annotations

import re
from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis.triggers import Occurrence
from profiler.analysis.triggers.causes import CAUSES
from tests.analysis.triggers.made import BLOCK, asked, compiled, last, legs, two_calls
from tests.analysis.triggers.remedies import HEIGHT, MADE_DYNAMIC, REGIONAL, SEEN, second


def remedy(found: Occurrence) -> str:
    assert found.advice is not None
    return found.advice.remedy


def test_a_size_that_torch_made_dynamic_costs_once() -> None:
    said = remedy(second(HEIGHT, dynamic=MADE_DYNAMIC, **SEEN))
    assert said.startswith("torch made the height dynamic in this compile: further sizes are free.")
    assert "pipe.unet = torch.compile(pipe.unet, dynamic=True) after torch.fx.experimental._config" in said


def test_a_size_that_stays_fixed_has_to_be_warmed_up() -> None:
    assert remedy(second(HEIGHT, **SEEN)).startswith("Warm up with each height that will be asked for")


def test_dynamic_false_is_named_where_it_was_asked_for() -> None:
    said = remedy(second(HEIGHT, options={"dynamic": False}, **SEEN))
    assert said.startswith("It was compiled with dynamic=False")
    assert "dynamic=None" in said


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "pipe.unet = torch.compile(pipe.unet, dynamic=True)"),
        (REGIONAL, "pipe.unet.compile_repeated_blocks(dynamic=True)"),
        (
            {"variants": ["regional-compile"], "engines": ["accelerate"]},
            "pipe.unet = accelerate.utils.compile_regions(pipe.unet, dynamic=True)",
        ),
    ],
)
def test_the_code_to_write_is_the_variants(options: dict[str, Any], code: str) -> None:
    reason = "0/0: tensor 'hidden_states' size mismatch at index 1. expected 64, actual 96"
    assert code in remedy(second(reason, code=BLOCK, options=options, actual="float32[2, 96, 32]"))


@pytest.mark.parametrize(("expected", "actual"), [(2, 1), (1, 2)])
def test_a_size_of_one_is_a_graph_of_its_own(expected: int, actual: int) -> None:
    reason = f"0/0: tensor 'args[0]' size mismatch at index 0. expected {expected}, actual {actual}"
    said = remedy(second(reason, argument="sample", dynamic=[("L['args'][0]", 0, "1", "2")]))
    assert said.startswith("Make one warm-up call with a batch size of 1 and one with another")
    assert "even with dynamic=True" in said


def test_guidance_is_warmed_up_on_and_off() -> None:
    reason = "0/0: tensor 'args[0]' size mismatch at index 0. expected 2, actual 1"
    again = compiled("0/1", 1000, 1, reason, argument="sample")
    found = last(asked(*legs({}, {"guidance": 1.0})), compiled("0/0", 0, 0), again, two_calls())
    assert remedy(found).startswith("Make one warm-up call with guidance and one without (guidance_scale=1.0)")


def test_a_number_that_torch_made_symbolic_costs_once() -> None:
    reason, name = "0/0: kwargs['conditioning_scale'] == 1.0", "L['kwargs']['conditioning_scale']"
    seen = {"argument": "conditioning_scale", "actual": "0.5"}
    assert "further values are free" in remedy(second(reason, dynamic=[(name, None, "1.0", "0.5")], **seen))
    assert "torch.tensor(conditioning_scale)" in remedy(second(reason, **seen))


def test_the_largest_rank_of_the_legs_is_named() -> None:
    reason = "0/0: len(self._modules['to_k']._modules['lora_A']._modules) != 1"
    given = asked(*legs({"lora": "one", "lora_rank": 4}, {"lora": "two", "lora_rank": 16}))
    found = last(given, compiled("0/0", 0, 0), compiled("0/1", 1000, 1, reason), two_calls())
    assert "enable_lora_hotswap(target_rank=16)" in remedy(found)
    assert "target_rank=R" in remedy(second(reason))


@pytest.mark.parametrize("name", sorted(CAUSES))
def test_every_class_is_told_in_full(name: str) -> None:
    cause = CAUSES[name]
    assert cause.title
    assert cause.link is None or re.match(
        r"https://(?:docs\.pytorch\.org|huggingface\.co/docs|github\.com/pytorch)/", cause.link
    )
    filled = (cause.remedy or "").format(what="w", words="d", denoiser="p", module="m", expected="e", actual="a")
    assert "{" not in filled


def test_a_model_without_repeated_blocks_is_compiled_block_by_block() -> None:
    """Its compile_repeated_blocks() raises: a worker says which blocks it found, and compiled."""
    note = ev.Note(
        level="info",
        code="compiled",
        text=(
            "unet: 4 x BasicTransformerBlock; controlnet: no _repeated_blocks of its own; "
            "compiled 2 x BasicTransformerBlock, 3 x ResnetBlock2D, found in it"
        ),
    )
    for root, code in (
        (
            "controlnet",
            "block.compile(dynamic=True) on each BasicTransformerBlock and ResnetBlock2D of pipe.controlnet",
        ),
        ("unet", "pipe.unet.compile_repeated_blocks(dynamic=True)"),
    ):
        block = {**BLOCK, "fqn": f"{root}.mid_block.attentions.0"}
        reason = "0/0: tensor 'hidden_states' size mismatch at index 1. expected 64, actual 96"
        recompile = compiled("0/1", 1000, 1, reason, code=block, argument="hidden_states")
        given = asked(variants=["regional-compile"])
        said = remedy(last(given, [note], compiled("0/0", 0, 0, code=block), two_calls(), recompile))
        assert f"have it dynamic from the start, {code} after" in said


def test_the_width_of_a_parameter_is_told_in_channels() -> None:
    text = (
        "0/0: tensor 'self._modules['conv1']._parameters['weight']' size mismatch at index 1. expected 32, actual 16."
    )
    again = compiled("0/1", 1000, 1, f"{text} Guard failed on a parameter, consider using ...", code=BLOCK)
    found = last(asked(), compiled("0/0", 0, 0, code=BLOCK), two_calls(), again)
    assert found.sentence == "a module of another width: conv1.weight, input channels 32 → 16"


def test_a_dictionary_of_another_class_is_an_object_of_another_type() -> None:
    again = compiled("0/1", 1000, 1, "0/0: TYPE_MISMATCH(d)", argument="d", actual="defaultdict of 1: a")
    found = last(asked(), compiled("0/0", 0, 0), two_calls(), again)
    assert (found.cause, found.sentence) == ("obj.type", "d is a defaultdict now")
