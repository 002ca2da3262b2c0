"""A process that compiles under the monitor while torch writes its own trace: ``python -m ... EVENTS.jsonl``.

Run with TORCH_TRACE=FOLDER, which torch reads when it is imported. A small UNet takes every kind of change that has an
argument's name to find; small functions take what a UNet doesn't do.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel

from profiler.eventlog import EventLog
from profiler.events import Header
from profiler.worker.compiles import CompileMonitor, self_test
from profiler.worker.where import HERE


def small_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(8,),
        down_block_types=("CrossAttnDownBlock2D",),
        mid_block_type=None,
        up_block_types=("CrossAttnUpBlock2D",),
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=4,
    )
    return unet.eval()


def denoise(unet: UNet2DConditionModel) -> None:
    """Steps that change the sample's size, the timestep's type, the prompt's length, and the number of keywords."""
    sample, timestep, prompt = torch.zeros(2, 4, 8, 8), torch.tensor(3), torch.zeros(2, 6, 8)
    calls = [
        (sample, timestep, prompt),
        (sample, timestep, prompt),
        (torch.zeros(2, 4, 16, 16), timestep, prompt),
        (sample, timestep.float(), prompt),
        (sample, timestep.float(), torch.zeros(2, 9, 8)),
    ]
    for HERE.step, arguments in enumerate(calls):
        unet(*arguments, return_dict=False)
    HERE.step = len(calls)
    unet(*calls[-1])


def broken(x: torch.Tensor, mode: str) -> torch.Tensor:
    y = x + 1
    torch._dynamo.graph_break()
    return y * 2 if mode == "a" else y * 3


def refused(graph, inputs):
    raise RuntimeError("this backend refuses")


def main(path: str) -> None:
    log = EventLog(Path(path))
    log.write(Header(writer="worker"))
    assert self_test() is None
    unet = small_unet()
    monitor = CompileMonitor(log.write, {"unet": unet})
    monitor.attach()
    HERE.call, HERE.stage, HERE.loop = 0, "denoise", 0
    with torch.no_grad():
        denoise(torch.compile(unet, backend="eager"))
        with torch._dynamo.config.patch(recompile_limit=2):
            compiled = torch.compile(broken, backend="eager")
            for mode in "abcc":
                compiled(torch.zeros(3), mode)
        with contextlib.suppress(torch._dynamo.exc.BackendCompilerFailed):
            torch.compile(lambda x: x.cos(), backend=refused)(torch.zeros(3))
        torch._dynamo.reset()
        torch.compile(lambda x: x.sin(), backend="eager")(torch.zeros(3))
    monitor.detach()
    log.close()
    assert monitor.errors == 0


if __name__ == "__main__":
    main(sys.argv[1])
