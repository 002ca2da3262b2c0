"""The class that a person would give each text of torch: texts as torch 2.6 to 2.15 wrote them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.guards import entry_of, read

STACK = '\nUser stack trace:\n  File "/site/diffusers/pipe.py", line 16, in g\n    f(k)\n  File "a.py", line 3, in f\n'
ON_PARAMETER = (
    "Guard failed on a parameter, consider using torch._dynamo.config.force_parameter_static_shapes = False "
    "to allow dynamism on parameters."
)
TO_K = "self._modules['attn1']._modules['to_k']"
TEXTS: list[tuple[str, str]] = [
    ("tensor.size", "0/0: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24"),
    ("tensor.size", "0/1: tensor 'args[0]' size mismatch at index 0. expected 2, actual 4"),
    ("tensor.size", "0/0: tensor 'L['x']' size mismatch at index 0. expected 4, actual 5"),
    ("tensor.size", "tensor 'hidden_states' size mismatch at index 1. expected 4096, actual 1024"),
    ("tensor.size", "0/0: tensor 'kwargs['encoder_hidden_states']' size mismatch at index 1. expected 77, actual 154"),
    (
        "tensor.size",
        "3/7: tensor 'self._modules['conv1']._parameters['bias']' size mismatch at index 0. expected 64, actual 32. "
        + ON_PARAMETER,
    ),
    ("tensor.rank", "0/0: tensor 'args[1]' rank mismatch. expected 1, actual 2"),
    ("tensor.stride", "0/0: tensor 'args[0]' stride mismatch at index 1. expected 256, actual 1"),
    ("tensor.stride", "1/0: tensor 'hidden_states' stride mismatch at index 0. expected 512, actual 768"),
    ("tensor.dtype", "0/0: tensor 'args[1]' dtype mismatch. expected Long, actual Float"),
    (
        "tensor.device",
        "0/0: tensor 'x' Tensor device index mismatch. Expected device index to be 0, actual 1",
    ),
    ("tensor.grad", "0/0: tensor 'x' requires_grad mismatch. expected requires_grad=1"),
    (
        "tensor.grad",
        "0/0: tensor 'self._modules['conv1']._parameters['bias']' requires_grad mismatch. expected requires_grad=1. "
        + ON_PARAMETER,
    ),
    (
        "tensor.dispatch",
        (
            "0/0: tensor 'args[0]' dispatch key set mismatch. expected DispatchKeySet(CPU, BackendSelect, "
            "ADInplaceOrView, AutogradCPU), actual DispatchKeySet(CPU, BackendSelect)"
        ),
    ),
    ("tensor.type", "0/3: expected type of 'args[1]' to be a tensor type, ' but found <class 'int'>"),
    ("tensor.type", "0/3: expected type of 'L['t']' to be a tensor type, ' but found <class 'NoneType'>"),
    (
        "obj.type",
        (
            "0/4: ___check_type_id(args[1], 139785784360160), type=<class 'int'>  # if not "
            "torch.is_tensor(timesteps):  "
            f"# diffusers/models/unets/unet_2d_condition.py:854 in get_time_embed (HINT: type int){STACK}"
        ),
    ),
    ("obj.type", "2/2: ___check_type_id(fn, 943), type=<class 'torch.nn.modules.normalization.GroupNorm'> (HINT: x)"),
    (
        "processor",
        (
            "0/0: ___check_type_id(self.__dict__['_modules']['down_blocks']._modules['attn1'].processor, 9491), "
            "type=<class 'diffusers.models.attention_processor.AttnProcessor2_0'>  # attn_parameters = set(inspect)  "
            "# diffusers/models/attention_processor.py:596 in forward (HINT: type AttnProcessor2_0)"
        ),
    ),
    ("processor", "2/7: ___check_obj_id(L['self']._modules['attn'].processor, 131625166360736)"),
    ("obj.id", "0/0: ___check_obj_id(mode, 7675456), type=<enum 'Mode'>"),
    ("obj.code_id", "0/0: ___check_obj_id(fn.__code__, 139785784360160)"),
    ("global.state", "0/5: GLOBAL_STATE changed: grad_mode "),
    ("global.state", "0/6: GLOBAL_STATE changed: grad_mode autocast(cpu)_enabled "),
    ("torchfn.mode", "0/0: ___check_torch_function_mode_stack()"),
    (
        "len",
        (
            "0/0: len(kwargs) == 1                                         # attention_kwargs = "
            "kwargs.get(kwargs_name)  "
            "# diffusers/utils/peft_utils.py:305 in wrapper"
        ),
    ),
    ("len", "0/0: len(l) == 3"),
    ("len", "0/0: not len(items)"),
    ("len", "0/0: len(x) != 0"),
    ("len", "0/0: ___tuple_iterator_len(r) == 2  # if r is not None:  # t.py:45 in f"),
    ("dict.keys", "0/0: list(dict.keys(d))[0] == 'a'"),
    ("dict.keys", "0/0: list(dict.keys(kwargs['added']))[0] == 'a'   # for k in added:  # t.py:31 in f"),
    ("dict.missing", "0/0: KeyError on d['scale']"),
    ("dict.contains", "0/0: ___dict_contains('k', d)      # if 'k' in d:  # t.py:3 in f"),
    ("dict.contains", "0/0: not ___dict_contains('k', d)"),
    ("dict.contains", "0/0: set.__contains__(names, 'a')"),
    ("module.forward", "0/0: not ___dict_contains('forward', self._modules['conv_in'].__dict__)"),
    (
        "module.training",
        (
            "0/0: "
            "self.__dict__['_modules']['mid_block']._modules['resnets']._modules['0']._modules['dropout'].training "
            "== False  # return F.dropout(input, self.p, self.training, self.inplace)  # nn/modules/dropout.py:73 in "
            "forward"
        ),
    ),
    ("hasattr", "0/0: not hasattr(s, 'extra')"),
    ("hasattr", "0/0: hasattr(self, '_hf_hook')"),
    ("lora", f"0/1: len({TO_K}._modules['lora_A']._modules) != 1"),
    (
        "lora",
        (
            f"0/2: tensor '{TO_K}._modules['lora_A']._modules['two']._parameters['weight']' requires_grad mismatch. "
            f"expected requires_grad=1. {ON_PARAMETER}"
        ),
    ),
    ("lora", f"0/0: {TO_K}.scaling['one'] == 1.0"),
    ("lora", f"0/0: ___check_type_id({TO_K}, 94), type=<class 'peft.tuners.lora.layer.Linear'>"),
    ("lora", f"0/0: list(dict.keys({TO_K}.scaling))[0] == 'one'"),
    ("lora", f"0/0: hasattr({TO_K}, 'lora_A')"),
    ("value", "0/0: kwargs['conditioning_scale'] == 1.0  # a  # diffusers/models/controlnets/controlnet.py:787 in f"),
    ("value", "0/3: k == 'b'"),
    ("value", "3/3: self.output_scale_factor == 1.0    # output = (a + b) / c  # r.py:375 in f"),
    ("value", "args[1] == 10 # torch.float64 if isinstance(timestep, float) else torch.int64"),
    ("none", "0/0: x is None"),
    ("none", "0/0: mask is not None  # if mask is not None:  # a.py:3 in f"),
    ("global.value", "0/0: G['NAME'] == 3"),
    ("iter.range", "0/0: r.stop == 2  # if r is not None:  # t.py:45 in f"),
    ("alias.new", '0/0: Duplicate tensors found: ["x", "y"]'),
    ("alias.new", "0/0: Duplicate tensor found where not expected! x should not alias to anything, but is aliased"),
    ("alias.lost", "0/0: y is x  # y is x  # t.py:45 in f"),
    (
        "sym.zero_one",
        (
            "0/0: 2 <= args[0].size()[0] <= 15  # ... (user code shown is first use of this value--the guard itself is "
            "not due user code but due to 0/1 specialization in the framework; ...)"
        ),
    ),
    (
        "sym.shape",
        (
            "1/2: hidden_states.stride()[0] == 32*hidden_states.size()[1]  # (unknown source "
            "hidden_states.stride()[0], "
            "please file a bug)"
        ),
    ),
    ("sym.shape", "(args[0].size()[2] % 2) == 0  # if dim % default_overall_up_factor != 0: unet_2d_condition.py:1050"),
    (
        "sym.shape",
        (
            "(((-1)*(hidden_states.size()[2] // (2*self._modules['pos_embed'].patch_size))) + (x)) != 0  "
            "# auraflow_transformer_2d.py:84"
        ),
    ),
    (
        "dup.size",
        (
            "0/0: args[0].size()[3] == args[0].size()[2]  # duck sizing added this equality because these "
            "variables had "
            "the same size 8 (to avoid this specialization, set torch.fx.experimental._config.use_duck_shape = False)"
        ),
    ),
    (
        "backend",
        (
            "BACKEND_MATCH failure: torch.compile detected different backend callables. Cached backend: eager. New "
            "backend: inductor."
        ),
    ),
    ("deleted", "0/0: Cache line invalidated because L['self'] got deallocated"),
    ("guard.exception", "0/1: 'NoneType' object has no attribute 'size'"),
    ("guard.exception", "0/1: AttributeError: 'Foo' object has no attribute 'bar'"),
    ("unexpected", "Unexpected recompilation: runtime guards failed even though they passed"),
]
UNKNOWN = [
    "",
    "0/0: something entirely new happened",
    "0/0: the tensor 'x' size mismatch at index 0. expected 1, actual 2",  # not how torch writes it
    "0/0: tensor 'x' size mismatch at index 0. expected one, actual 2",
    "0/0: tensor 'x' fizz mismatch. expected 1, actual 2",
    "0/0: we saw GLOBAL_STATE changed: grad_mode",
    "0/0: a is b is c == d in e",
    "0/0: Errors happen",
]


@pytest.mark.parametrize(("cause", "text"), TEXTS)
def test_every_text_has_the_class_that_a_person_would_give_it(cause: str, text: str) -> None:
    assert read(text).cause == cause
    assert cause in CAUSES


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_text_that_no_rule_knows_stays_as_it_is(text: str) -> None:
    found = read(text)
    assert found.cause == "other"
    assert found.text == text.removeprefix("0/0: ")


def test_every_class_of_a_guard_has_its_texts() -> None:
    told_elsewhere = {"first", "other", "shared.code", "limit", "failure", "break", "eager"}
    of_guards = {name for name in CAUSES if not name.startswith("cudagraph.")} - told_elsewhere
    assert {cause for cause, _ in TEXTS} == of_guards


def test_what_the_texts_say() -> None:
    found = read("0/4: tensor 'args[0]' size mismatch at index 2. expected 16, actual 24")
    assert (found.entry, found.source, found.dim, found.expected, found.actual) == ("0/4", "args[0]", 2, "16", "24")
    found = read(TEXTS[5][1])
    assert found.parameter
    assert found.source == "self._modules['conv1']._parameters['bias']"
    assert read("0/0: tensor 'L['x']' rank mismatch. expected 1, actual 2").source == "x"
    assert read("0/0: ___dict_contains('k', d)").negated is False
    assert read("0/0: not ___dict_contains('k', d)").negated is True
    assert read("0/6: GLOBAL_STATE changed: grad_mode autocast(cpu)_enabled ").actual == (
        "grad_mode autocast(cpu)_enabled"
    )


def test_the_code_and_the_stack_of_a_guard() -> None:
    found = read(next(text for cause, text in TEXTS if cause == "obj.type"))
    assert (found.file, found.line) == ("diffusers/models/unets/unet_2d_condition.py", 854)
    assert (found.function, found.code) == ("get_time_embed", "if not torch.is_tensor(timesteps):")
    assert found.stack == ("/site/diffusers/pipe.py:16 in g", "a.py:3 in f")
    assert found.text == "___check_type_id(args[1], 139785784360160), type=<class 'int'>"


@pytest.mark.parametrize(
    ("text", "entry"),
    [("12/3: x == 1", "12/3"), ("!0/1/2: x == 1", "!0/1/2"), ("[0/2]: x == 1", "0/2"), ("BACKEND_MATCH: x", None)],
)
def test_the_entry_is_named_before_the_guard(text: str, entry: str | None) -> None:
    assert entry_of(text) == read(text).entry == entry


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    for start in ("", "0/0: ", "0/0: tensor '", "0/0: len(", "0/0: x.size()[0] "):
        assert read(start + text).cause in CAUSES


def test_long_texts_are_read_quickly() -> None:
    """A pattern that backtracks over a page of text would take minutes."""
    for text in ("tensor '" + "a" * 20_000, "x" + "[0]" * 5_000 + " == 1", "(x.size()[0] + " * 1_000, "not " * 5_000):
        assert read(f"0/0: {text}").cause in CAUSES
