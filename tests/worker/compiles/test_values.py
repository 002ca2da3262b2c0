"""Whose argument a failed guard is about, and the value that failed it, read from the frame."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from profiler.worker.compiles import arguments, guards, values
from profiler.worker.compiles.frames import Target
from profiler.worker.compiles.guards import Failed


class Denoiser(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = 2.0

    def forward(
        self, sample: torch.Tensor, timestep: object, encoder_hidden_states: object, *, mask: object = None
    ): ...


def wrapper(self, *args, **kwargs): ...


def inner(*args, **kwargs): ...


def target_of(function, *args: object, **kwargs: object) -> Target:
    bound = inspect.signature(function).bind(*args, **kwargs)
    bound.apply_defaults()
    return Target(function.__code__, dict(bound.arguments), {"LIMIT": 3})


def actual(reason: str, target: Target) -> str | None:
    return values.actual(guards.read(reason), reason, target)


@pytest.fixture
def wrapped() -> Target:
    return target_of(wrapper, Denoiser(), torch.zeros(2, 4), 7, torch.zeros(1), mask=None)


def test_arguments_of_a_wrapped_forward_have_its_names(wrapped: Target) -> None:
    assert arguments.name("args[0]", wrapped) == "sample"
    assert arguments.name("args[1]", wrapped) == "timestep"
    assert arguments.name("L['args'][2]", wrapped) == "encoder_hidden_states"
    assert arguments.name("args[0].size()[1]", wrapped) == "sample"
    assert arguments.name("kwargs['mask']['a']", wrapped) == "mask"


@pytest.mark.parametrize("expression", ["args[9]", "len(kwargs)", "self.scale", "other", "a b", "args[x]", "1 + 2"])
def test_what_is_no_argument_has_no_name(expression: str, wrapped: Target) -> None:
    assert arguments.name(expression, wrapped) is None


def test_arguments_of_a_plain_function_have_their_own_names() -> None:
    assert arguments.name("timestep", target_of(Denoiser.forward, Denoiser(), 1, 2, 3)) == "timestep"


def test_a_wrapped_leaf_module_is_known_by_the_function_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    code = inner.__code__.replace(co_filename="/site/torch/_dynamo/external_utils.py")
    leaf = nn.Conv2d(1, 1, 1)
    target = Target(code, {"fn": leaf, "args": (torch.zeros(1),), "kwargs": {}}, {})
    assert target.module is leaf
    assert arguments.name("args[0]", target) == "input"
    assert actual("___check_type_id(fn, 3)", target) == "Conv2d"
    assert Target(inner.__code__, target.locals, {}).module is None


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("args[1]", "7"),
        ("args[0]", "float32[2, 4]"),
        ("args[0].size()[1]", "4"),
        ("len(kwargs)", "1: mask"),
        ("kwargs['mask']", "None"),
        ("self.scale", "2.0"),
        ("L['args'][1]", "7"),
        ("G['LIMIT']", "3"),
        ("args", "tuple of 3"),
        ("kwargs", "dict of 1: mask"),
        ("self", "Denoiser"),
        ("kwargs['nothing']", None),
        ("self.nothing", None),
        ("__import__('os').getpid()", None),
        ("self.eval()", None),
        ("args[0].cpu()", None),
        ("(((", None),
        ("args" + "[0]" * 5000, None),
    ],
)
def test_the_actual_value_is_read_from_the_frame(expression: str, found: str | None, wrapped: Target) -> None:
    assert values.actual(Failed("value", (expression,)), "", wrapped) == found


def test_a_type_guard_tells_the_type(wrapped: Target) -> None:
    assert actual("0/0: ___check_type_id(args[1], 1), type=<class 'float'>", wrapped) == "int 7"


def test_a_stride_guard_tells_the_strides(wrapped: Target) -> None:
    reason = "0/0: tensor 'args[0]' stride mismatch at index 1. expected 256, actual 1"
    assert actual(reason, wrapped) == "float32[2, 4] stride [4, 1]"


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_foreign_objects_are_only_named() -> None:
    assert values.describe(Hostile()) == "Hostile"
    assert values.describe([Hostile()]) == "list of 1"
    assert len(values.describe("x" * 10_000)) <= values.VALUE_LIMIT


def test_a_dictionary_tells_its_keys() -> None:
    assert values.describe({"a": 1, "b": 2}) == "dict of 2: a, b"
    assert values.describe(dict.fromkeys("abcdefgh", 1)) == "dict of 8: a, b, c, d, e, f, …"
    assert values.describe({Hostile(): 1}) == "dict of 1"


def test_a_function_tells_its_name() -> None:
    assert values.describe(wrapper) == f"function {__name__}.wrapper"


PRESENCE = {
    "0/0: ___dict_contains('a', kwargs['mask'])": "missing; keys: b",
    "0/0: not ___dict_contains('b', kwargs['mask'])": "2",
    "0/0: not hasattr(self, 'scale')": "2.0",
    "0/0: hasattr(self, 'gone')": "missing",
    "0/0: KeyError on kwargs['return_dict']": "missing; keys: mask",
    "0/0: list(dict.keys(kwargs['mask']))[0] == 'a'": "1: b",
}


@pytest.mark.parametrize("reason", PRESENCE)
def test_what_is_there_and_what_is_not(reason: str) -> None:
    target = target_of(wrapper, Denoiser(), torch.zeros(2, 4), mask={"b": 2})
    assert actual(reason, target) == PRESENCE[reason]


def test_a_keyword_that_was_dropped_or_added_is_named() -> None:
    before = arguments.outline(target_of(wrapper, Denoiser(), 1, mask=None, return_dict=False))
    now = target_of(wrapper, Denoiser(), 1, mask=None)
    failed = guards.read("0/0: len(kwargs) == 2")
    assert values.argument(failed, now, before) == "return_dict"
    assert (
        values.argument(failed, target_of(wrapper, Denoiser(), 1, ids=[1], mask=None, return_dict=1), before) == "ids"
    )
    assert values.argument(failed, target_of(wrapper, Denoiser(), 1), before) == "mask, return_dict"
    assert values.argument(failed, now, None) is None


def test_a_positional_argument_that_was_dropped_or_added_is_named() -> None:
    before = arguments.outline(target_of(wrapper, Denoiser(), 1, 2))
    failed = guards.read("0/0: len(args) == 2")
    assert values.argument(failed, target_of(wrapper, Denoiser(), 1, 2, 3), before) == "encoder_hidden_states"
    assert values.argument(failed, target_of(wrapper, Denoiser()), before) == "sample, timestep"
    assert values.argument(failed, target_of(wrapper, Denoiser(), 1, 2, 3), None) is None


def test_another_class_of_the_same_name_is_told_with_its_module() -> None:
    other = type("Denoiser", (nn.Module,), {"__module__": "other"})()
    target = target_of(wrapper, other)
    reason = "0/0: ___check_type_id(self, 9), type=<class 'tests.Denoiser'>  # x"
    assert actual(reason, target) == "other.Denoiser"
    assert actual("0/0: ___check_type_id(self, 9), type=<class 'tests.Other'>  # x", target) == "Denoiser"


def test_of_several_sizes_the_one_that_changed_comes_first() -> None:
    before = arguments.outline(target_of(wrapper, Denoiser(), torch.zeros(2, 4), 7, torch.zeros(2, 6)))
    now = target_of(wrapper, Denoiser(), torch.zeros(1, 4), 7, torch.zeros(2, 6))
    reason = "0/0: args[2].size()[0] == args[0].size()[0]"
    failed = values.concrete(guards.read(reason), now, before)
    assert failed.sources == ("args[0].size()[0]", "args[2].size()[0]")
    assert (values.argument(failed, now, before), values.actual(failed, reason, now)) == ("sample", "1")


def test_a_check_that_met_a_none_is_about_the_tensor_that_went() -> None:
    before = arguments.outline(
        target_of(wrapper, Denoiser(), torch.zeros(2), None, torch.zeros(1), mask=[torch.ones(1)])
    )
    now = target_of(wrapper, Denoiser(), torch.zeros(2), None, None, mask=[torch.ones(1)])
    reason = "0/0: 'NoneType' object has no attribute 'size'"
    failed = values.concrete(guards.read(reason), now, before)
    assert values.argument(failed, now, before) == "encoder_hidden_states"
    assert values.actual(failed, reason, now) == "None"
    unknown = values.concrete(guards.read(reason), now, None)
    assert (values.argument(unknown, now, None), values.actual(unknown, reason, now)) == (None, None)


def test_two_that_are_one_tensor() -> None:
    tensor = torch.zeros(3)
    target = target_of(wrapper, Denoiser(), tensor, tensor, torch.zeros(3))
    reason = '0/0: Duplicate tensors found: ["args[0]", "args[1]"]'
    assert values.argument(guards.read(reason), target, None) == "sample, timestep"
    assert actual(reason, target) == "float32[3], the same object"
    assert actual("0/0: args[0] is args[2]", target) == "float32[3], two objects"


def test_an_outline_keeps_no_value_and_is_bounded() -> None:
    outline = arguments.outline(
        target_of(wrapper, Denoiser(), torch.zeros(2, 3), [1, None], mask={"a": torch.zeros(1)})
    )
    assert outline == {
        "args[0]": (2, 3),
        "args[1]": "list",
        "args[1][0]": "int",
        "args[1][1]": "NoneType",
        "kwargs['mask']": "dict",
        "kwargs['mask']['a']": (1,),
    }
    assert len(arguments.outline(target_of(wrapper, Denoiser(), *([[1, 2]] * 500)))) < 100


STATES = {
    "grad_mode": "grad_mode off",
    "default_dtype": "default_dtype float32",
    "autocast": "autocast off",
    "autocast(cpu)_enabled": "autocast(cpu)_enabled off",
    "autocast(cpu)_dtype": "autocast(cpu)_dtype bfloat16",
    "allow_tf32": "allow_tf32 off",
    "deterministic_algorithms": "deterministic_algorithms off",
    "grad_mode something_new default_dtype": "grad_mode off, default_dtype float32",
    "something_new": None,
}


@pytest.mark.parametrize("names", STATES)
def test_a_global_setting_is_told_as_it_is(names: str, wrapped: Target) -> None:
    with torch.no_grad():
        assert actual(f"0/0: GLOBAL_STATE changed: {names} ", wrapped) == STATES[names]


def test_the_number_of_threads_is_the_present_one(wrapped: Target) -> None:
    assert actual("0/0: GLOBAL_STATE changed: num_threads ", wrapped) == f"num_threads {torch.get_num_threads()}"


def test_active_modes_are_named(wrapped: Target) -> None:
    with torch.device("cpu"):
        assert actual("0/0: ___check_torch_function_mode_stack()", wrapped) == "DeviceContext"
