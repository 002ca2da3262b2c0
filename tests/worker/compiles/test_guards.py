"""A failed guard's source, argument and actual value, on texts that torch 2.13 wrote."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from profiler.worker.compiles import guards
from profiler.worker.compiles.frames import Target

STACK = "# if k == 'b':  # t.py:16 in f\nUser stack trace:\n  File \"t.py\""
SOURCES = {
    "0/0: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24": "args[0]",
    "0/3: expected type of 'args[1]' to be a tensor type, ' but found <class 'int'>": "args[1]",
    "0/4: ___check_type_id(args[1], 139785784360160), type=<class 'int'>  # if x:  # a.py:8 in f": "args[1]",
    "0/0: tensor 'args[1]' dtype mismatch. expected Long, actual Float": "args[1]",
    "0/0: len(kwargs) == 1      # attention_kwargs = kwargs.get(name)  # peft_utils.py:305 in wrapper": "len(kwargs)",
    f"1/0: k == 'a'             {STACK}": "k",
    "0/0: self.__dict__['_modules']['mid'].training == False  # x  # d.py:7 in f": (
        "self.__dict__['_modules']['mid'].training"
    ),
    "3/3: self.output_scale_factor == 1.0    # output = (a + b) / c  # r.py:375 in f": "self.output_scale_factor",
    "2/2: ___check_type_id(fn, 93), type=<class 'torch.nn.GroupNorm'> (HINT: type GroupNorm)": "fn",
    "0/0: 2 <= args[0].size()[0] <= 15  # ... 0/1 specialization": "args[0].size()[0]",
    "1/2: hidden_states.stride()[0] == 32*hidden_states.size()[1]  # (unknown source)": "hidden_states.stride()[0]",
    "0/0: (x.size()[0] % 2) == 0  # y": "x.size()[0]",
    "0/0: mask is None  # if mask is not None:  # a.py:3 in f": "mask",
    "0/0: KeyError on kwargs['scale']": "kwargs['scale']",
    "0/0: not ___dict_contains('forward', self.__dict__)": "self.__dict__",
    "0/0: not hasattr(s, 'extra')": "s",
    "0/0: tensor 'L['x']' size mismatch at index 0. expected 4, actual 5": "L['x']",
    "0/5: GLOBAL_STATE changed: grad_mode ": None,
    "0/1: 'NoneType' object has no attribute 'size'": None,
    "BACKEND_MATCH failure: torch.compile detected different backend callables": None,
    "": None,
}


@pytest.mark.parametrize("reason", SOURCES)
def test_source(reason: str) -> None:
    assert guards.source(reason) == SOURCES[reason]


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
    return Target(function.__code__, dict(inspect.signature(function).bind(*args, **kwargs).arguments), {"LIMIT": 3})


@pytest.fixture
def wrapped() -> Target:
    return target_of(wrapper, Denoiser(), torch.zeros(2, 4), 7, torch.zeros(1), mask=None)


def test_arguments_of_a_wrapped_forward_have_its_names(wrapped: Target) -> None:
    assert guards.argument("args[0]", wrapped) == "sample"
    assert guards.argument("args[1]", wrapped) == "timestep"
    assert guards.argument("L['args'][2]", wrapped) == "encoder_hidden_states"
    assert guards.argument("args[0].size()[1]", wrapped) == "sample"
    assert guards.argument("kwargs['mask']['a']", wrapped) == "mask"


@pytest.mark.parametrize("expression", ["args[9]", "len(kwargs)", "self.scale", "other", "a b", "args[x]", "1 + 2"])
def test_what_is_no_argument_has_no_name(expression: str, wrapped: Target) -> None:
    assert guards.argument(expression, wrapped) is None


def test_arguments_of_a_plain_function_have_their_own_names() -> None:
    assert guards.argument("timestep", target_of(Denoiser.forward, Denoiser(), 1, 2, 3)) == "timestep"


def test_a_wrapped_leaf_module_is_known_by_the_function_it_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    code = inner.__code__.replace(co_filename="/site/torch/_dynamo/external_utils.py")
    leaf = nn.Conv2d(1, 1, 1)
    target = Target(code, {"fn": leaf, "args": (torch.zeros(1),), "kwargs": {}}, {})
    assert target.module is leaf
    assert guards.argument("args[0]", target) == "input"
    assert guards.actual("___check_type_id(fn, 3)", "fn", target) == "Conv2d"
    assert Target(inner.__code__, target.locals, {}).module is None


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("args[1]", "7"),
        ("args[0]", "float32[2, 4]"),
        ("args[0].size()[1]", "4"),
        ("len(kwargs)", "1"),
        ("kwargs['mask']", "None"),
        ("self.scale", "2.0"),
        ("L['args'][1]", "7"),
        ("G['LIMIT']", "3"),
        ("args", "tuple of 3"),
        ("kwargs", "dict of 1"),
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
    assert guards.actual("0/0: x == 1", expression, wrapped) == found


def test_a_type_guard_tells_the_type(wrapped: Target) -> None:
    assert guards.actual("0/0: ___check_type_id(args[1], 1), type=<class 'float'>", "args[1]", wrapped) == "int 7"


def test_a_stride_guard_tells_the_strides(wrapped: Target) -> None:
    reason = "0/0: tensor 'args[0]' stride mismatch at index 1. expected 256, actual 1"
    assert guards.actual(reason, "args[0]", wrapped) == "float32[2, 4] stride [4, 1]"


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_foreign_objects_are_only_named() -> None:
    assert guards.describe(Hostile()) == "Hostile"
    assert guards.describe([Hostile()]) == "list of 1"
    assert len(guards.describe("x" * 10_000)) <= guards.VALUE_LIMIT
