"""What the text of a failed guard says, on texts that torch wrote (2.13 unless said otherwise)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.worker.compiles import guards

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
    "0/0: not ___dict_contains('forward', self.__dict__)": "self.__dict__['forward']",
    "0/0: not hasattr(s, 'extra')": "s.extra",
    "0/0: ___dict_contains('k', d)      # if 'k' in d:  # t.py:3 in f": "d['k']",
    "0/0: list(dict.keys(kwargs['added']))[0] == 'a'   # for k in added:  # t.py:31 in f": "kwargs['added']",
    "0/0: len(kwargs['added']) != 1": "len(kwargs['added'])",
    "0/0: not len(items)": "len(items)",
    "0/0: ___tuple_iterator_len(r) == 2  # if r is not None:  # t.py:45 in f": "___tuple_iterator_len(r)",
    "0/0: r.stop == 2  # if r is not None:  # t.py:45 in f": "r.stop",
    "0/0: y is x  # y is x  # t.py:45 in f": "y",
    '0/0: Duplicate tensors found: ["x", "args[0]"]': "x",
    "0/0: x is not None": "x",
    "0/0: G['NAME'] == 3": "G['NAME']",
    '0/0: fn.__closure__[0].cell_contents.scale == 2.0 (HINT: guard on "block".scale)': (
        "fn.__closure__[0].cell_contents.scale"
    ),
    "0/0: ___check_torch_function_mode_stack()": None,
    "0/0: Cache line invalidated because L['self'] got deallocated": None,
    "0/0: tensor 'L['x']' size mismatch at index 0. expected 4, actual 5": "L['x']",
    "0/5: GLOBAL_STATE changed: grad_mode ": None,
    "0/1: 'NoneType' object has no attribute 'size'": None,
    "BACKEND_MATCH failure: torch.compile detected different backend callables": None,
    "": None,
}


@pytest.mark.parametrize("reason", SOURCES)
def test_source(reason: str) -> None:
    found = guards.read(reason).sources
    assert (found[0] if found else None) == SOURCES[reason]


def test_a_symbolic_guard_is_about_all_its_sizes() -> None:
    reason = "0/0: args[2].size()[0] == args[0].size()[0]  # duck sizing added this equality because"
    found = guards.read(reason)
    assert (found.how, found.sources) == ("shapes", ("args[2].size()[0]", "args[0].size()[0]"))


def test_global_settings_are_listed() -> None:
    found = guards.read("0/6: GLOBAL_STATE changed: grad_mode autocast(cpu)_enabled ")
    assert (found.how, found.names) == ("state", ("grad_mode", "autocast(cpu)_enabled"))


def test_a_check_that_met_a_none_is_no_expression() -> None:
    assert guards.read("0/1: 'NoneType' object has no attribute 'size'").how == "raised"


@given(st.text(max_size=200))
def test_any_text_is_read(reason: str) -> None:
    for prefix in ("", "0/0: ", "0/0: tensor '", "0/0: len("):
        guards.place(prefix + reason)
        assert all(isinstance(source, str) for source in guards.read(prefix + reason).sources)


@pytest.mark.parametrize("nested", ["args" + "[0]" * 5000, "(" * 5000, "not " * 5000 + "x", "-" * 3000 + "1"])
def test_a_text_that_no_parser_takes_is_unknown(nested: str) -> None:
    assert guards.read(f"0/0: {nested} == 1").sources in ((), ("x",))
    assert guards.chain(nested) == []


def test_the_entry_is_named_before_the_guard() -> None:
    assert guards.entry("12/3: x == 1") == "12/3"
    assert guards.entry("!0/1/2: x == 1") == "!0/1/2"
    assert guards.entry("BACKEND_MATCH failure: x") is None


PLACED = "0/0: k == 1    # if k == 1: # note  # diffusers/a b.py:16 in f"
USER_STACK = """
User stack trace:
  File "/site/diffusers/pipe.py", line 16, in g
    f(k)
  File "/site/diffusers/a b.py", line 16, in f
    if k == 1:
"""


def test_the_place_is_found_in_full_where_torch_tells_the_stack() -> None:
    assert guards.place(PLACED + USER_STACK) == ("/site/diffusers/a b.py", 16)


@pytest.mark.parametrize(
    ("reason", "found"),
    [
        (PLACED, ("diffusers/a b.py", 16)),
        (PLACED.replace("# if k == 1: # note  ", ""), ("diffusers/a b.py", 16)),
        (
            PLACED.replace(" in f", " in f (_dynamo/variables/tensor.py:2606 in evaluate_expr)"),
            ("diffusers/a b.py", 16),
        ),
        ("0/0: tensor 'x' size mismatch at index 0. expected 1, actual 2", None),
        ("0/0: x.stride()[0] == 2  # (unknown source x.stride()[0], please file a bug)", None),
        ("0/0: len(kwargs) != 1", None),
    ],
)
def test_the_place_of_a_guard(reason: str, found: tuple[str, int] | None) -> None:
    assert guards.place(reason) == found
