"""What people do to a compiled denoiser between two of its calls, as functions of its loop."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import torch
from peft import LoraConfig
from torch import nn

from tests.worker.triggers import models
from tests.worker.triggers.expected import Says
from tests.worker.triggers.models import WIDTH, Denoiser
from tests.worker.triggers.watched import COMPILE, Loop, Seen, unet_inputs

Act = Callable[[Loop], object]


@dataclass(frozen=True)
class Change:
    """``acts`` in turn on a freshly compiled denoiser; ``expected`` of the occurrences that are no first compile."""

    name: str
    acts: tuple[Act, ...]
    expected: list[Says]
    make: Callable[[], nn.Module] = Denoiser
    compilation: dict[str, Any] = field(default_factory=dict)
    raises: type[Exception] | None = None  # the last of ``acts`` does

    def run(self) -> Seen:
        """What is seen when all is done. Global state and dynamo's configuration are put back."""
        how = msgspec.structs.replace(COMPILE, **self.compilation)
        with as_it_was(), torch.no_grad(), Loop(self.make().eval(), compilation=how) as loop:
            loop.compile()
            for number, act in enumerate(self.acts):
                last = number == len(self.acts) - 1
                with contextlib.suppress(self.raises) if self.raises and last else contextlib.nullcontext():
                    act(loop)
            return loop.seen


@contextlib.contextmanager
def as_it_was() -> Iterator[None]:
    """Puts back what these changes do to torch as a whole."""
    threads, precision, dtype = torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.get_default_dtype()
    try:
        with torch._dynamo.config.patch(recompile_limit=8):
            yield
    finally:
        models.SCALE = 2.0
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.set_default_dtype(dtype)
        torch.set_default_device(None)
        torch.use_deterministic_algorithms(False)


def call(
    batch: int = 2, height: int = 8, width: int = 8, tokens: int = 7, *, timestep: Any = None, **changed: Any
) -> Act:
    """A call as StableDiffusionPipeline makes it; ``changed``: other or further arguments, ``...`` leaves one out."""

    def act(loop: Loop) -> object:
        (sample, moment), keywords = unet_inputs(batch, height, width, tokens)
        given = {**keywords, **changed}
        sample = given.pop("sample", sample)
        rest = {name: value for name, value in given.items() if value is not ...}
        return loop(sample, moment if timestep is None else timestep, **rest)

    return act


def plain(*arguments: Any, **keywords: Any) -> Act:
    return lambda loop: loop(*arguments, **keywords)


def rows(count: int = 2) -> torch.Tensor:
    """Latents as a UNet takes them."""
    return torch.ones(count, 3, WIDTH, WIDTH)


def within(context: Callable[[], contextlib.AbstractContextManager[Any]], act: Act) -> Act:
    def inside(loop: Loop) -> object:
        with context():
            return act(loop)

    return inside


def settings(function: Callable[..., object], *arguments: Any) -> Act:
    return lambda loop: function(*arguments)


def broken(graph: Any, inputs: Any) -> Any:
    raise RuntimeError("boom")


def another_backend(backend: Any) -> Act:
    return lambda loop: loop.module.compile(backend=backend)


def rebuilt(loop: Loop) -> None:
    """Delete the model and build another one."""
    loop.module = nn.Identity()
    gc.collect()
    loop.module = Denoiser().eval()
    loop.monitor.name_modules({"unet": loop.module})
    loop.compile()


def other_scale(loop: Loop) -> None:
    models.SCALE = 5.0


def weaker(loop: Loop) -> None:
    loop.module.strength = 0.5


def adapter(name: str, rank: int = 2) -> Act:
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=["to_q", "to_k"], init_lora_weights=False)
    return lambda loop: loop.module.add_adapter(config, adapter_name=name)


def regions(loop: Loop) -> None:
    loop.module._compiled_call_impl = None
    for name, child in list(loop.module.named_children()):
        setattr(loop.module, name, torch.compile(child, backend="eager"))  # as accelerate's compile_regions does


T = torch.tensor(3)
USUAL = "encoder_hidden_states, timestep_cond, cross_attention_kwargs, added_cond_kwargs"
ONE = torch.ones(2, 3, WIDTH, WIDTH)
