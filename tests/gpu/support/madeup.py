"""A made-up diffusion pipeline whose steps last as long as a test wants them to, on any device.

Its denoiser multiplies matrices; its loop waits for the device nowhere unless the scheduler is told to. The functions
at the end are what a session measures as ``FILE:FUNCTION``: this file is loaded alone there, so it imports nothing of
the tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from diffusers import ConfigMixin, DiffusionPipeline, ImagePipelineOutput, ModelMixin, SchedulerMixin
from diffusers.configuration_utils import register_to_config

RAISED_S = 0.3


class MadeUpDenoiser(ModelMixin, ConfigMixin):
    """``products`` matrix products of ``width`` x ``width`` a call, after ``additions`` that only take launching.

    ``outer``: another product whose result has so many rows and columns.
    """

    @register_to_config
    def __init__(self, width: int = 64, products: int = 2, additions: int = 0, outer: int = 0) -> None:
        super().__init__()
        # The product of two such has the variance of one: no step grows or shrinks what the next one gets.
        self.weight = torch.nn.Parameter(torch.randn(width, width) / width**0.5, requires_grad=False)

    def forward(self, sample: torch.Tensor, timestep: int) -> torch.Tensor:
        first = sample[0, :1]
        for _ in range(self.config.additions):
            first = first + 1
        for _ in range(self.config.products):
            sample = sample @ self.weight
        if self.config.outer:
            tall = self.weight[:1, :2].expand(self.config.outer, 2)
            sample = sample + (tall @ tall.T)[0, 0]
        return sample


class MadeUpBlock(torch.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(width, width) / width**0.5, requires_grad=False)

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return sample @ self.weight


class MadeUpChain(ModelMixin, ConfigMixin):
    """Each of its ``length`` blocks gets what the one before it gave."""

    @register_to_config
    def __init__(self, width: int = 64, length: int = 2) -> None:
        super().__init__()
        self.blocks = torch.nn.ModuleList(MadeUpBlock(width) for _ in range(length))

    @property
    def weight(self) -> torch.Tensor:
        return self.blocks[0].weight

    def forward(self, sample: torch.Tensor, timestep: int) -> torch.Tensor:
        for block in self.blocks:
            sample = block(sample)
        return sample


class MadeUpScheduler(SchedulerMixin, ConfigMixin):
    """Keeps its times on the host. ``around``: called at the end of every step, as what waits for the device."""

    order = 1

    @register_to_config
    def __init__(self) -> None:
        self.timesteps: list[int] = []
        self.around: Callable[[], None] | None = None

    def set_timesteps(self, steps: int) -> None:
        self.timesteps = list(range(steps, 0, -1))

    def step(self, noise: torch.Tensor, timestep: int, sample: torch.Tensor, return_dict: bool = False) -> Any:
        sample = sample + 0.01 * noise
        if self.around is not None:
            self.around()
        return (sample,)


class MadeUpPipeline(DiffusionPipeline):
    """Starts from the same noise in every call. ``before_call`` is told how many calls there were before."""

    def __init__(self, unet: Any, scheduler: Any) -> None:
        super().__init__()
        self.register_modules(unet=unet, scheduler=scheduler)
        self.calls = 0
        self.before_call: Callable[[int], None] | None = None

    @torch.no_grad()
    def __call__(self, batch_size: int = 1, num_inference_steps: int = 10) -> ImagePipelineOutput:
        number, self.calls = self.calls, self.calls + 1
        if self.before_call is not None:
            self.before_call(number)
        module = getattr(self.unet, "_orig_mod", self.unet)
        sample = module.weight.repeat(batch_size, 1)
        self.scheduler.set_timesteps(num_inference_steps)
        with self.progress_bar(total=num_inference_steps) as bar:
            for timestep in self.scheduler.timesteps:
                noise = self.unet(sample, timestep)
                sample = self.scheduler.step(noise, timestep, sample, return_dict=False)[0]
                bar.update()
        return ImagePipelineOutput(images=sample)


def made_up(device: torch.device | str, width: int = 64, products: int = 2, additions: int = 0) -> MadeUpPipeline:
    """On CUDA in bfloat16, whose products run on the tensor cores."""
    torch.manual_seed(0)
    unet = MadeUpDenoiser(width, products, additions).eval()
    pipe = MadeUpPipeline(unet, MadeUpScheduler())
    pipe.set_progress_bar_config(disable=True)
    if torch.device(device).type == "cuda":
        unet.to(torch.bfloat16)
    return pipe.to(device)


def device_bound(device: torch.device | str, step_ms: float, width: int = 4096) -> MadeUpPipeline:
    """Steps of about ``step_ms`` that the device takes; the host launches one in a fraction of that."""
    one_ms = timed_ms(made_up(device, width, products=20), device) / 20
    return made_up(device, width, products=max(1, round(step_ms / one_ms)))


def host_bound(device: torch.device | str, step_ms: float) -> MadeUpPipeline:
    """Steps of about ``step_ms`` that the host takes to launch what the device has done at once."""
    one_ms = timed_ms(made_up(device, additions=1000), device) / 1000
    return made_up(device, additions=max(1, round(step_ms / one_ms)))


def timed_ms(pipe: MadeUpPipeline, device: torch.device | str) -> float:
    """Milliseconds of one call of the denoiser, waits at both ends: the middle one of the last seven.

    Calls are made for ``RAISED_S`` at least: a GPU that was idle raises its clocks in that time.
    """
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    sample = pipe.unet.weight.clone()
    found: list[float] = []
    with torch.no_grad():
        until = time.monotonic() + RAISED_S
        while len(found) < 7 or time.monotonic() < until:
            wait()
            began = time.perf_counter_ns()
            pipe.unet(sample, 1)
            wait()
            found.append((time.perf_counter_ns() - began) / 1e6)
    return sorted(found[-7:])[3]


# --- FILE:FUNCTION ----------------------------------------------------------------------------------------------------

SATURATED_MS, SLOWER = 25.0, 1.1


def saturating(device: torch.device) -> tuple[MadeUpPipeline, dict[str, Any]]:
    """Calls of about 4 s on any GPU that keep it busy all the time."""
    return device_bound(device, SATURATED_MS), {"num_inference_steps": 160}


def paced(device: torch.device) -> MadeUpPipeline:
    """The same work in every process, whatever its speed: made to be compared with itself."""
    return made_up(device, *_paced(device))


def slower(device: torch.device) -> MadeUpPipeline:
    """``paced`` with a tenth more work a step."""
    width, products = _paced(device)
    return made_up(device, width, round(products * SLOWER))


def _paced(device: torch.device) -> tuple[int, int]:
    """Never calibrated: two processes must do the same."""
    return (4096, 60) if device.type == "cuda" else (96, 20)


def too_large_to_load(device: torch.device) -> MadeUpPipeline:
    too_much(device)
    return made_up(device)


def too_large_at_first(device: torch.device) -> MadeUpPipeline:
    """Out of memory in the first call, ahead of its loop."""
    return _fails(device, 0, too_much)


def too_large_inside(device: torch.device) -> MadeUpPipeline:
    """Out of memory in the denoiser's first call, in its code: for 512 TiB and more there is no address."""
    pipe = made_up(device)
    unet = MadeUpDenoiser(outer=1 << 24).to(device, pipe.unet.dtype).eval()
    pipe.register_modules(unet=unet)
    return pipe


def too_large_later(device: torch.device) -> MadeUpPipeline:
    """Out of memory in the third call: with one warm-up the second one measured."""
    return _fails(device, 2, too_much)


def poisoned_once(device: torch.device) -> MadeUpPipeline:
    """Its third call reads and writes where nothing is, if the batch is 1; of larger batches nothing goes wrong."""
    pipe = made_up(device)
    call = type(pipe).__call__

    class Poisoned(type(pipe)):  # type: ignore[misc]
        def __call__(self, batch_size: int = 1, num_inference_steps: int = 10) -> ImagePipelineOutput:
            if batch_size == 1 and self.calls == 2:
                poison(device)
            return call(self, batch_size, num_inference_steps)

    pipe.__class__ = Poisoned
    return pipe


def chained(device: torch.device) -> MadeUpPipeline:
    """Blocks that replay a CUDA graph each, on a GPU: the second one is to read what the first one's may overwrite."""
    pipe = made_up(device)
    unet = MadeUpChain().to(device, pipe.unet.dtype).eval()
    for block in unet.blocks:
        block.compile(**({"mode": "reduce-overhead"} if device.type == "cuda" else {"backend": "eager"}))
    pipe.register_modules(unet=unet)
    return pipe


def too_much(device: torch.device) -> None:
    """Ask for twice what there is: torch's own allocator says no."""
    total = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 1 << 55
    torch.empty(2 * total, dtype=torch.uint8, device=device)


def poison(device: torch.device) -> None:
    """Write to an address at which nothing is mapped: the context is lost, and every later call on it fails."""
    if device.type != "cuda":
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    code = "template <typename T> T stray(T x) { *reinterpret_cast<volatile int*>(0x1000ull) = 1; return x; }"
    stray = torch.cuda.jiterator._create_jit_fn(code)
    stray(torch.ones(32, device=device))


def _fails(device: torch.device, at: int, fail: Callable[[torch.device], None]) -> MadeUpPipeline:
    pipe = made_up(device)

    def before(number: int) -> None:
        if number == at:
            fail(device)

    pipe.before_call = before
    return pipe
