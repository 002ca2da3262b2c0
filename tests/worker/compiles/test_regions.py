"""Regional compilation of a UNet as deep as Stable Diffusion's, narrow enough for a test."""

from __future__ import annotations

import msgspec
import pytest
import torch
from accelerate.utils import compile_regions
from diffusers import UNet2DConditionModel
from torch._dynamo.eval_frame import OptimizedModule

from profiler.events import CompileEnded, CompileLimit, CompileStarted, EagerFallback, Recompile
from profiler.worker.compiles import CompileMonitor
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events, folded


@pytest.fixture
def unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16,
        layers_per_block=1,
        block_out_channels=(4, 8, 12, 12),
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=4,
    ).eval()


def denoise(unet: torch.nn.Module, monitor: CompileMonitor, here: Where, size: int) -> int:
    before = monitor.graphs_executed()
    unet(torch.zeros(2, 4, size, size), torch.tensor(3), torch.zeros(2, 6, 8))
    after = monitor.graphs_executed()
    assert before is not None
    assert after is not None
    monitor.on_step(after - before, 1)
    here.step = (here.step or 0) + 1
    return after - before


def test_regions_of_accelerate_hit_the_limit_in_the_first_step(
    unet: UNet2DConditionModel,
    monitor: CompileMonitor,
    events: Events,
    here: Where,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # torch 2.10 to 2.15: the wrapper of a module without a length can't be asked whether it is there.
    monkeypatch.setattr(OptimizedModule, "__bool__", lambda self: True, raising=False)
    monitor.name_modules({"unet": unet})
    here.step = 0
    regions = compile_regions(unet, backend="eager")
    graphs = [denoise(regions, monitor, here, 16) for _ in range(3)]
    assert graphs[0] == graphs[1] == graphs[2] > 20

    run = folded(events)
    (limit,) = run.limits
    assert (limit.module, limit.limit, limit.fatal, limit.step) == ("ResnetBlock2D", 8, False, 0)
    assert limit.fqn is not None
    assert limit.fqn.startswith("unet.up_blocks.")
    fallback = events.one(EagerFallback)
    assert (fallback.graphs, fallback.step) == (graphs[0], 0)
    assert fallback.expected > fallback.graphs

    compiles = run.compiles.values()
    assert len(compiles) - len(run.limits) == len(events.of(CompileEnded)) > 20
    names = dict(unet.named_modules())
    for found in compiles:
        assert found.fqn is not None
        assert type(names[found.fqn.removeprefix("unet.")]).__name__ == found.module
    resnets = [event for event in events.of(Recompile) if event.module == "ResnetBlock2D"]
    assert [event.id for event in resnets] == [f"{limit.id.partition('/')[0]}/{n}" for n in range(1, 9)]
    assert all(event.argument == "input_tensor" for event in resnets if event.source == "input_tensor")
    assert sum(len(msgspec.json.encode(event)) + 40 for event in events) < 50_000
    assert monitor.errors == 0


def test_repeated_blocks_stay_under_it(
    unet: UNet2DConditionModel, monitor: CompileMonitor, events: Events, here: Where
) -> None:
    monitor.name_modules({"unet": unet})
    unet.compile_repeated_blocks(backend="eager", fullgraph=True)
    graphs = [denoise(unet, monitor, here, size) for size in (16, 16, 24)]
    assert len(set(graphs)) == 1
    named = [*events.of(CompileStarted), *events.of(Recompile)]
    assert {event.module for event in named} - {None} == {"BasicTransformerBlock"}
    assert all("transformer_blocks.0" in event.fqn for event in named if event.fqn is not None)
    assert {event.argument for event in events.of(Recompile)} == {"hidden_states"}
    assert events.of(CompileLimit) == []
    assert events.of(EagerFallback) == []
