"""The advice works: what the program says to do is done, and the recompile is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import nn

from profiler.analysis.triggers import Occurrence
from profiler.worker.lora import adapter
from tests.worker.triggers.acts import Act, as_it_was, call, plain, rows
from tests.worker.triggers.models import Denoiser, Doubling, Kinds, attending, unet
from tests.worker.triggers.watched import COMPILE, REGIONAL, Loop, make_subject, run

pytestmark = pytest.mark.usefixtures("fresh_dynamo")
T = torch.tensor(3)


def told(make: Callable[[], nn.Module], *acts: Act, before: Act | None = None, **how: Any) -> list[Occurrence]:
    """What is said of ``acts`` on a denoiser that was compiled after ``before``."""
    loop = Loop(make().eval(), compilation=msgspec.structs.replace(COMPILE, **how))
    with as_it_was(), torch.no_grad(), loop:
        if before is not None:
            before(loop)
        loop.compile()
        for act in acts:
            act(loop)
    return loop.seen.occurrences


def advice(found: list[Occurrence]) -> str:
    """Of the only occurrence."""
    (one,) = found
    assert one.advice is not None
    return one.advice.remedy


@pytest.fixture
def no_duck_shape() -> Iterator[None]:
    with torch.fx.experimental._config.patch(use_duck_shape=False):
        yield


# --- sizes ------------------------------------------------------------------------------------------------------------

SIZES = tuple(plain(torch.ones(2, 4, *size)) for size in ((8, 8), (6, 4), (8, 6), (4, 8), (8, 8)))


def test_one_call_at_a_second_size_pays_for_all_further_ones() -> None:
    found = told(Doubling, *SIZES)
    assert [one.place.call for one in found] == [1]
    assert re.search("further sizes are free.*warm-up call with a(nother| second)", advice(found))


def test_dynamic_shapes_without_duck_sizing_need_no_second_graph(no_duck_shape: None) -> None:
    calls = (call(2, 8, 8), call(2, 6, 4), call(4, 4, 8, 14))
    assert told(unet, *calls, dynamic=True) == []


def test_dynamic_shapes_that_began_with_two_different_sides_need_none_either() -> None:
    found = told(Doubling, *SIZES[:2], dynamic=True)
    assert "first call with different height and width" in advice(found)
    torch._dynamo.reset()
    assert told(Doubling, plain(torch.ones(2, 4, 8, 12)), *SIZES, dynamic=True) == []


def test_regions_are_dynamic_with_all_that_the_advice_names(no_duck_shape: None) -> None:
    found = run("sd15-txt2img", "resolution-sweep", REGIONAL).occurrences
    assert [one.dimension for one in found] == ["tokens"]
    assert re.search(r"dynamic=True\) after .*use_duck_shape = False", advice(found))
    torch._dynamo.reset()
    dynamic = msgspec.structs.replace(REGIONAL, dynamic=True)
    assert run("sd15-txt2img", "resolution-sweep", dynamic).occurrences == []


def test_a_batch_of_one_takes_one_call_more() -> None:
    found = told(Denoiser, *(plain(rows(count), T) for count in (2, 1, 2, 1)))
    assert [one.place.call for one in found] == [1]
    assert "warm-up call" in advice(found)
    assert "exactly one graph more" in advice(found)


def test_dynamic_shapes_do_not_help_a_batch_of_one(no_duck_shape: None) -> None:
    """So nobody is told that they would."""
    assert "dynamic=True)" not in advice(told(Denoiser, plain(rows(1), T), plain(rows(2), T), plain(rows(3), T)))
    torch._dynamo.reset()
    assert told(Denoiser, plain(rows(1), T), plain(rows(2), T), dynamic=True) != []


# --- tensors and values -----------------------------------------------------------------------------------------------


def test_contiguous_latents() -> None:
    strided = torch.ones(2, 3, 8, 16)[..., ::2]
    assert ".contiguous()" in advice(told(Denoiser, plain(rows(), T), plain(strided, T)))
    torch._dynamo.reset()
    assert told(Denoiser, plain(rows(), T), plain(strided.contiguous(), T)) == []


def test_detached_latents() -> None:
    wanting = rows().requires_grad_()
    assert re.search(r"detach\(\)|requires_grad_\(False\)", advice(told(Denoiser, plain(rows(), T), plain(wanting, T))))
    torch._dynamo.reset()
    assert told(Denoiser, plain(rows(), T), plain(wanting.detach(), T)) == []


def test_a_tensor_in_the_place_of_a_number() -> None:
    assert "torch.tensor" in advice(told(Denoiser, plain(rows(), T), plain(rows(), 4)))
    torch._dynamo.reset()
    assert told(Denoiser, *(plain(rows(), torch.tensor(moment)) for moment in (3, 4, 5))) == []


@pytest.mark.parametrize("values", [(3, 4, 5, 7), (0.5, 0.25, 0.75)])
def test_numbers_are_free_after_the_second(values: tuple[float, ...]) -> None:
    found = told(Denoiser, *(plain(rows(), value) for value in values))
    assert [one.place.call for one in found] == [1]
    assert "further values are free" in advice(found)


def test_clones_of_an_input_that_is_given_twice() -> None:
    same = rows()
    assert "clone()" in advice(told(Denoiser, plain(rows(), T, rows()), plain(same, T, same)))
    torch._dynamo.reset()
    assert told(Denoiser, plain(rows(), T, rows()), plain(same, T, same.clone())) == []


# --- what is done before compiling ------------------------------------------------------------------------------------


def test_processors_that_are_set_before_compiling_cost_nothing() -> None:
    def act(loop: Loop) -> None:
        loop.module.set_attn_processor(AttnProcessor())

    assert re.search(r"before compiling: pipe\.unet\.set_attn_processor", advice(told(attending, call(), act, call())))
    torch._dynamo.reset()
    assert told(attending, call(), call(), before=act) == []


def hotswap(*acts: Callable[[Any, Callable[[int], dict[str, torch.Tensor]]], object]) -> list[Occurrence]:
    """What is said of ``acts`` on a pipeline whose LoRA was made exchangeable before it was compiled, as advised."""
    pipe = make_subject("sd15-txt2img").pipe
    numbers = torch.Generator().manual_seed(0)

    def weights(rank: int) -> dict[str, torch.Tensor]:
        return adapter(pipe.unet, "unet", rank, torch.float32, numbers)

    pipe.enable_lora_hotswap(target_rank=8)
    pipe.load_lora_weights(weights(4), adapter_name="one")
    with torch.no_grad(), Loop(pipe.unet) as loop:
        loop.compile()
        call()(loop)
        for act in acts:
            act(pipe, weights)
            call()(loop)
    return loop.seen.occurrences


def test_lora_hotswap() -> None:
    # Of a larger and of a smaller rank than the one that it was compiled with; then at three other scales.
    found = hotswap(
        lambda pipe, weights: pipe.load_lora_weights(weights(8), adapter_name="one", hotswap=True),
        lambda pipe, weights: pipe.load_lora_weights(weights(2), adapter_name="one", hotswap=True),
        *(lambda pipe, weights, to=to: pipe.set_adapters(["one"], [to]) for to in (0.5, 0.7, 0.9)),
    )
    assert [one.place.call for one in found] == [3]
    assert found[0].cause == "lora"
    assert re.search("warm-up call with another scale.*further scales are free", advice(found))


# --- compiling itself -------------------------------------------------------------------------------------------------


def test_the_limit_that_is_advised_is_enough() -> None:
    sizes = [plain(rows(count), T) for count in (2, 3, 4, 5, 2)]
    how = {"fullgraph": False, "dynamic": False}
    found = told(Denoiser, *sizes, recompile_limit=2, **how)
    assert [one.kind for one in found] == ["recompile", "limit", "eager"]
    assert found[1].advice is not None
    limit = re.search(r"recompile_limit = (\d+)", found[1].advice.remedy)
    assert limit is not None
    torch._dynamo.reset()
    assert {one.kind for one in told(Denoiser, *sizes, recompile_limit=int(limit[1]), **how)} == {"recompile"}


def isolated(module: nn.Module) -> list[Occurrence]:
    """What is said when each layer is compiled for itself, with an entry list of its own."""
    with torch.no_grad(), Loop(module) as loop:
        for name, child in list(module.named_children()):
            setattr(module, name, torch.compile(child, backend="eager", isolate_recompiles=True))
        plain(rows())(loop)
    return loop.seen.occurrences


def test_isolated_modules_do_not_count_as_recompiles_of_each_other() -> None:
    assert isolated(Kinds()) == []


def test_another_backend_for_code_of_its_own() -> None:
    module = Denoiser().eval()
    with torch.no_grad(), Loop(module) as loop:
        for backend in ("eager", "aot_eager"):
            loop.module = torch.compile(module, backend=backend, isolate_recompiles=True)
            plain(rows(), T)(loop)
    assert loop.seen.occurrences == []
