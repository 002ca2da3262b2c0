"""The scenarios."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from profiler.catalog import Entry
from profiler.request.model import BadRequest, Leg, Workload
from profiler.scenarios import sweeps
from profiler.scenarios.custom import check_peft


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """``legs`` gives the legs for a workload whose other fields are resolved; ``lacks`` says in one line why an entry
    can't run the scenario, None where it can.
    """

    name: str
    summary: str  # what changes
    triggers: str  # what that makes torch.compile do
    legs: Callable[[Entry, Workload], list[Leg]]
    lacks: Callable[[Entry], str | None]


_ALL = (
    Scenario(
        name="steady",
        summary="all calls alike",
        triggers="nothing after the first call",
        legs=lambda entry, workload: [],
        lacks=sweeps.nothing_lacks,
    ),
    Scenario(
        name="resolution-sweep",
        summary="height and width",
        triggers=(
            "one recompile at the second size, which makes both sides dynamic; further sizes reuse it"
            " (--no-dynamic: one at each new size)"
        ),
        legs=sweeps.resolution_legs,
        lacks=sweeps.resolution_lacks,
    ),
    Scenario(
        name="batch-sweep",
        summary="images a call",
        triggers="one recompile at the second batch size, which makes the batch dynamic; a batch of 1 is its own graph",
        legs=sweeps.batch_legs,
        lacks=sweeps.nothing_lacks,
    ),
    Scenario(
        name="cfg-toggle",
        summary="classifier-free guidance on and off",
        triggers=(
            "one recompile: without guidance the denoiser's batch is halved"
            " (none where guidance is a second denoiser call)"
        ),
        legs=sweeps.cfg_legs,
        lacks=sweeps.cfg_lacks,
    ),
    Scenario(
        name="scheduler-swap",
        summary="the scheduler",
        triggers="one recompile where the new scheduler's timesteps have another type (int64 or float32), else none",
        legs=sweeps.scheduler_legs,
        lacks=sweeps.scheduler_lacks,
    ),
    Scenario(
        name="prompt-length",
        summary="the length of the prompts' embeddings",
        triggers="one recompile at the second length, which makes it dynamic; further lengths reuse it",
        legs=sweeps.token_legs,
        lacks=sweeps.token_lacks,
    ),
    Scenario(
        name="guidance-end",
        summary="a callback turns guidance off after a share of the steps",
        triggers="one recompile in the middle of the first such call: from that step on the denoiser's batch is halved",
        legs=sweeps.guidance_end_legs,
        lacks=sweeps.guidance_end_lacks,
    ),
    Scenario(
        name="controlnet-scale",
        summary="how strongly and how long the ControlNet steers",
        triggers="one recompile of the ControlNet: its scale, a Python float, becomes symbolic",
        legs=sweeps.controlnet_legs,
        lacks=sweeps.controlnet_lacks,
    ),
    Scenario(
        name="memory-format",
        summary="the latents' memory format",
        triggers="one recompile: the strides of the denoiser's input differ",
        legs=sweeps.format_legs,
        lacks=sweeps.format_lacks,
    ),
    Scenario(
        name="grad-mode",
        summary="torch.inference_mode around the call",
        triggers="one recompile: tensors made in inference mode have another dispatch key set",
        legs=sweeps.grad_legs,
        lacks=sweeps.nothing_lacks,
    ),
    Scenario(
        name="lora-swap",
        summary="LoRA adapters, made on the spot: one, another, the first at half strength, none",
        triggers=(
            "one recompile (by region: one a block width) each for the first adapter, a further one and a changed"
            " scale; none where all is as it was. --recompile-limit must leave room for them"
        ),
        legs=sweeps.lora_legs,
        lacks=sweeps.lora_lacks,
    ),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def legs_of(name: str, entry: Entry, workload: Workload) -> tuple[Leg, ...]:
    """The legs of scenario ``name`` for ``workload``. Raises BadRequest where the entry or its size can't run it."""
    reason = SCENARIOS[name].lacks(entry)
    if reason is not None:
        able = [other.name for other in SCENARIOS.values() if other.lacks(entry) is None]
        raise BadRequest(f"{entry.name} can't run the scenario {name}: {reason} (it can run: {', '.join(able)})")
    legs = tuple(SCENARIOS[name].legs(entry, workload))
    check_peft(legs)
    return legs
