"""The sentence of a recompile: the field's words, what the calls confirm, and nothing that nobody told."""

from __future__ import annotations

import enum
from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.triggers import Occurrence
from tests.analysis.triggers.made import BLOCK, UNET, asked, compiled, folded, last, legs, run_of, two_calls


def second(reason: str, *changes: dict[str, Any], code: dict[str, Any] = UNET, **seen: Any) -> Occurrence:
    """The recompile of the second call, whose first one was compiled with another leg's settings."""
    first, then = changes or ({}, {})
    again = compiled("0/1", 1000, 1, f"0/0: {reason}", code=code, **seen)
    return last(asked(*legs(first, then)), compiled("0/0", 0, 0, code=code), again, two_calls())


def size(source: str, dim: int, expected: int, actual: int) -> str:
    return f"tensor '{source}' size mismatch at index {dim}. expected {expected}, actual {actual}"


HEIGHT = {"height": 96}
BOTH = {"height": 96, "width": 96}


def test_a_height_is_told_in_pixels_where_both_calls_confirm_it() -> None:
    seen = {"argument": "sample", "actual": "float32[2, 4, 12, 8]"}
    found = second(size("args[0]", 2, 8, 12), {}, HEIGHT, **seen)
    assert found.sentence == "sample height 8 → 12 (64 → 96 px)"
    assert (found.argument, found.dimension, found.expected, found.actual) == ("sample", "height", "8", "12")
    assert (found.cause, found.blame, found.entry) == ("tensor.size", "user", "0/0")
    # A picture of another size than the calls say, or no factor: the numbers are the latents'.
    for other in ({"height": 100}, {}):
        assert second(size("args[0]", 2, 8, 12), {}, other, **seen).sentence == "sample height 8 → 12 (latent)"


def test_two_sides_are_told_at_once() -> None:
    marks = [("L['args'][0]", 2, "8", "12"), ("L['args'][0]", 3, "8", "12")]
    seen = {"argument": "sample", "actual": "float32[2, 4, 12, 12]", "dynamic": marks}
    found = second(size("args[0]", 2, 8, 12), {}, BOTH, **seen)
    assert found.sentence == "sample height 8 → 12 and width 8 → 12 (64x64 → 96x96 px)"
    assert found.dynamic == ["sample dim 2 (height): 8, then 12", "sample dim 3 (width): 8, then 12"]


class AutoDynamic(enum.Enum):
    """As in torch._dynamo.pgo."""

    token = 0


def test_a_size_that_was_dynamic_before_is_not_told_by_torchs_own_token() -> None:
    before = str(AutoDynamic.token), str((2, AutoDynamic.token))
    marks = [("L['args'][0]", 2, before[0], "16"), ("L['args'][0]", None, before[1], "(1, 4)")]
    found = second(size("args[0]", 0, 2, 1), argument="sample", actual="float32[1, 4, 16, 16]", dynamic=marks)
    assert found.dynamic == ["sample dim 2 (height): dynamic already, then 16", "sample: (2, dynamic), then (1, 4)"]


def test_tokens_of_a_packed_picture_are_told_in_pixels() -> None:
    marks = [("L['hidden_states']._base", 2, "8", "6"), ("L['hidden_states']", 1, "64", "24")]
    found = second(
        size("hidden_states", 1, 64, 24),
        {},
        {"height": 48, "width": 32},
        code=BLOCK,
        argument="hidden_states",
        actual="float32[2, 24, 16]",
        dynamic=marks,
    )
    assert found.sentence == "hidden_states tokens 64 → 24 (64x64 → 32x48 px)"
    # A view's base has dimensions of its own: they get no names.
    assert found.dynamic == ["hidden_states._base dim 2: 8, then 6", "hidden_states dim 1 (tokens): 64, then 24"]


@pytest.mark.parametrize(
    ("expected", "actual", "first", "then", "sentence"),
    [
        (2, 4, {}, {"batch_size": 2}, "sample batch 2 → 4: batch size 1 → 2"),
        (2, 1, {}, {"guidance": 1.0}, "sample batch 2 → 1: classifier-free guidance was turned off"),
        (1, 2, {"guidance": 1.0}, {}, "sample batch 1 → 2: classifier-free guidance was turned on"),
        (2, 1, {}, {}, "sample batch 2 → 1"),  # nothing that the calls say explains it
        (2, 1, {"guidance": 1.0}, {}, "sample batch 2 → 1"),  # guidance went the other way
        (2, 6, {}, {"batch_size": 2}, "sample batch 2 → 6"),
    ],
)
def test_why_the_batch_changed(
    expected: int, actual: int, first: dict[str, Any], then: dict[str, Any], sentence: str
) -> None:
    shape = f"float32[{actual}, 4, 8, 8]"
    found = second(size("args[0]", 0, expected, actual), first, then, argument="sample", actual=shape)
    assert found.sentence == sentence


def test_a_callback_that_ends_guidance_is_named_in_the_middle_of_a_call_alone() -> None:
    for step, said in ((2, ": a callback turned classifier-free guidance off"), (0, "")):
        again = compiled("0/1", 1000, 1, f"0/0: {size('args[0]', 0, 2, 1)}", step=step, argument="sample")
        given = asked(*legs({}, {"guidance_end": 0.5}))
        assert last(given, compiled("0/0", 0, 0), again, two_calls()).sentence == f"sample batch 2 → 1{said}"


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    (
        size("kwargs['encoder_hidden_states']", 1, 77, 154),
        {"argument": "encoder_hidden_states", "actual": "float32[2, 154, 32]"},
        "encoder_hidden_states tokens 77 → 154: the prompt's length",
    ),
    (size("args[7]", 1, 3, 4), {}, "args[7] dim 1 3 → 4"),
    (
        "tensor 'args[1]' dtype mismatch. expected Long, actual Float",
        {"argument": "timestep"},
        "timestep is float32 now (it was int64)",
    ),
    (
        "expected type of 'args[1]' to be a tensor type, ' but found <class 'int'>",
        {"argument": "timestep", "actual": "int 10"},
        "timestep is the int 10 now (it was a tensor)",
    ),
    (
        "___check_type_id(args[1], 139), type=<class 'int'>",
        {"argument": "timestep", "actual": "float 10.0"},
        "timestep is a float now (it was an int)",
    ),
    (
        "___check_type_id(kwargs['mask'], 139), type=<class 'NoneType'>",
        {"argument": "mask", "actual": "float32[2, 77]"},
        "mask is a tensor now (it was None)",
    ),
    ("args[1] == 10", {"argument": "timestep", "actual": "11"}, "timestep 10 → 11"),
    ("args[1] == 10", {"argument": "timestep"}, "timestep is no longer 10"),
    (
        "kwargs['cross_attention_kwargs']['scale'] == 1.0",
        {"argument": "cross_attention_kwargs", "actual": "0.5"},
        "cross_attention_kwargs['scale'] 1.0 → 0.5",
    ),
    ("kwargs['mask'] is None", {"argument": "mask"}, "mask is given now (it was None)"),
    ("kwargs['mask'] is not None", {"argument": "mask"}, "mask is None now"),
    (
        "len(kwargs) == 5",
        {"argument": "attention_kwargs", "actual": "6: timestep, attention_kwargs"},
        "attention_kwargs is given now",
    ),
    ("len(kwargs) == 7", {"argument": "a, b", "actual": "5: c"}, "a and b are no longer given"),
    ("len(kwargs) == 5", {"argument": "a, b", "actual": "5: b"}, "a and b came or went among the keyword arguments"),
    ("len(kwargs) == 5", {"actual": "7"}, "the number of keyword arguments 5 → 7"),
    ("len(kwargs['ids']) == 3", {"argument": "ids", "actual": "1"}, "ids has 1 item now (it had 3)"),
    ("not len(kwargs['ids'])", {"argument": "ids", "actual": "2: a, b"}, "ids has 2 items now (it had 0): a, b"),
    ("KeyError on kwargs['d']['scale']", {"argument": "d"}, "d['scale'] is gone"),
    ("___dict_contains('k', kwargs['d'])", {"argument": "d"}, "d no longer has k"),
    ("not ___dict_contains('k', kwargs['d'])", {"argument": "d"}, "d has k now"),
    (
        "list(dict.keys(kwargs['d']))[0] == 'a'",
        {"argument": "d", "actual": "2: b, c"},
        "the keys of d changed: 'a' is no longer where it was, now b, c",
    ),
    (
        "not ___dict_contains('forward', self._modules['conv_in'].__dict__)",
        {},
        "the forward of conv_in was replaced",
    ),
    ("self._modules['dropout'].training == False", {"actual": "True"}, "dropout is in train mode now"),
    ("hasattr(self, '_hf_hook')", {}, "self no longer has _hf_hook"),
    (
        "___check_type_id(self._modules['attn1'].processor, 9), type=<class 'diffusers.models.AttnProcessor2_0'>",
        {"actual": "AttnProcessor"},
        "the attention processor of attn1 is AttnProcessor now (it was AttnProcessor2_0)",
    ),
    ("___check_obj_id(self._modules['attn1'].processor, 9)", {}, "the attention processor of attn1 was set anew"),
    (
        "GLOBAL_STATE changed: grad_mode ",
        {"actual": "grad_mode on"},
        "grad mode is on (it was off when it was compiled)",
    ),
    (
        "GLOBAL_STATE changed: autocast(cpu)_enabled num_threads ",
        {"actual": "autocast(cpu)_enabled off, num_threads 4"},
        "autocast on cpu is off (it was on when it was compiled); the number of threads is 4 now",
    ),
    ("GLOBAL_STATE changed: grad_mode ", {}, "grad mode changed"),
    (
        "tensor 'args[0]' stride mismatch at index 1. expected 64, actual 1",
        {"argument": "sample", "actual": "float32[2, 4, 8, 8] stride [256, 1, 32, 4]"},
        "sample is channels_last now",
    ),
    (
        "tensor 'hidden_states' stride mismatch at index 1. expected 1, actual 16",
        {"actual": "float32[2, 64, 16] stride [1024, 16, 1]", "argument": "hidden_states"},
        "hidden_states lies in memory differently: stride of its tokens 1 → 16",
    ),
    (
        (
            "tensor 'args[0]' dispatch key set mismatch. expected DispatchKeySet(CPU, ADInplaceOrView, AutogradCPU), "
            "actual DispatchKeySet(CPU)"
        ),
        {"argument": "sample"},
        "sample was made in inference mode (before: outside of it)",
    ),
    (
        "2 <= args[0].size()[0] <= 15  # (due to 0/1 specialization in the framework)",
        {"argument": "sample", "actual": "1"},
        "sample batch is 1 now: torch compiles a size of 1 by itself",
    ),
    (
        "2 <= args[0].size()[0] <= 15  # (due to 0/1 specialization in the framework)",
        {"argument": "sample", "actual": "16"},
        "sample batch 16 doesn't fit the dynamic code, which holds for 2 to 15",
    ),
    (
        "args[0].size()[3] == args[0].size()[2]  # duck sizing added this equality because",
        {"argument": "sample"},
        "sample width and height are no longer equal",
    ),
    ("args[1] is args[0]", {"argument": "timestep"}, "timestep and args[0] are no longer the same tensor"),
    ('Duplicate tensors found: ["x", "y"]', {}, "x and y are the same tensor now"),
    ("'NoneType' object has no attribute 'size'", {"argument": "mask"}, "mask is None now"),
    ("'NoneType' object has no attribute 'size'", {}, "an input became None"),
    ("it failed in a new way", {}, "it failed in a new way"),
]


@pytest.mark.parametrize(("reason", "seen", "sentence"), SENTENCES)
def test_the_sentence_of(reason: str, seen: dict[str, Any], sentence: str) -> None:
    assert second(reason, **seen).sentence == sentence


def test_a_scheduler_that_took_anothers_place_is_named() -> None:
    reason = "tensor 'args[1]' dtype mismatch. expected Long, actual Float"
    found = second(reason, {}, {"scheduler": "EulerDiscreteScheduler"}, argument="timestep")
    assert found.sentence.endswith("(it was int64): EulerDiscreteScheduler gives float32 timesteps")
    assert found.blame == "user"


@pytest.mark.parametrize(
    ("first", "then", "sentence"),
    [
        ({"lora": "one"}, {"lora": "two"}, "LoRA one → two"),
        ({}, {"lora": "one"}, "LoRA one was loaded"),
        ({"lora": "one"}, {}, "LoRA one was taken off"),
        ({"lora": "one"}, {"lora": "one", "lora_scale": 0.5}, "the scale of LoRA one 1 → 0.5"),
        ({}, {}, "LoRA: to_k.lora_A has 2 items now (it had 1): one, two"),
    ],
)
def test_what_was_done_to_the_adapters(first: dict[str, Any], then: dict[str, Any], sentence: str) -> None:
    found = second("len(self._modules['to_k']._modules['lora_A']._modules) != 1", first, then, actual="2: one, two")
    assert (found.cause, found.sentence.replace("._modules", "")) == ("lora", sentence)


def test_an_unknown_text_says_nothing_that_nobody_told() -> None:
    found = second("a new kind of guard\nwith a second line")
    assert found.sentence == "a new kind of guard"
    assert (found.cause, found.blame, found.why, found.advice) == ("other", "unknown", "", None)
    assert found.guard == "0/0: a new kind of guard\nwith a second line"


def test_the_other_entries_and_the_code_of_the_guard() -> None:
    reasons = (f"0/1: {size('args[0]', 0, 4, 2)}", f"0/0: {size('args[0]', 2, 8, 12)}")
    again = compiled("0/2", 1000, 1, *reasons, matched=1, at="/site/unet.py:5", argument="sample")
    told = [
        ev.SourceLines(file="/site/unet.py", line=5, first=4, lines=["a", "b", "c"]),
        ev.SourceLines(file="/app/mine.py", line=7, first=7, lines=["go()"]),
    ]
    given = asked(*legs({}, {}))
    found = last(given, compiled("0/0", 0, 0), compiled("0/1", 100, 0, step=1), two_calls(), again, told)
    assert (found.entry, found.dimension) == ("0/0", "height")
    assert found.others == [reasons[0]]
    assert found.code is not None
    assert (found.code.what, found.code.line, found.code.lines) == ("the guard's code", 5, ["a", "b", "c"])
    # Where the worker told no place of the guard, the caller's code is shown.
    found = last(given, compiled("0/0", 0, 0), two_calls(), compiled("0/1", 1000, 1, reasons[1]), told)
    assert found.code is not None
    assert (found.code.what, found.code.lines) == ("called from", ["go()"])


def test_explaining_one_compile_is_the_same_as_explaining_all() -> None:
    session = folded(asked(), compiled("0/0", 0, 0), compiled("0/1", 1000, 1, f"0/0: {size('args[0]', 2, 8, 12)}"))
    run = run_of(session)
    each = [triggers.explained(run, found) for found in run.compiles.values()]
    assert each == triggers.occurrences(session)
