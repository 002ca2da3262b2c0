"""The scenarios on small pipelines, and what should be said of each leg that something compiles in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from diffusers import UNet2DConditionModel

from profiler.request import Compilation
from profiler.subject import Subject
from tests.worker.triggers.expected import ANY, Says, differences
from tests.worker.triggers.watched import COMPILE, REGIONAL, Seen, make_subject, run

STATIC = msgspec.structs.replace(COMPILE, dynamic=False)
DYNAMIC = msgspec.structs.replace(COMPILE, dynamic=True)
ACCELERATE = msgspec.structs.replace(REGIONAL, engine="accelerate", fullgraph=False)
UNET = {"module": "UNet2DConditionModel", "fqn": "unet"}
FLUX = {"module": "FluxTransformer2DModel", "fqn": "transformer"}


@dataclass(frozen=True)
class Journey:
    """A scenario's run; ``expected`` of what is no first compile, ``places`` the leg and step of each."""

    pipeline: str
    scenario: str
    expected: list[Says]
    places: list[tuple[str | None, int]]
    compilation: Compilation = COMPILE
    subject: Callable[[], Subject] | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        how = self.compilation
        dynamic = "" if how.dynamic is None else f" dynamic={how.dynamic}"
        engine = f" by {how.engine}" if how.engine else ""
        return f"{self.pipeline} {self.scenario}{dynamic}{engine}"

    def check(self, found: Seen) -> None:
        """Raises AssertionError where something is said otherwise than expected, or of another leg or step."""
        assert differences(found.occurrences, self.expected) == []
        assert [(one.place.leg, one.place.step) for one in found.occurrences] == self.places
        assert all(one.place.phase == ("measure" if one.place.call else "compile") for one in found.occurrences)
        assert not any(run.monitor_errors for run in found.session.runs.values())

    def run(self) -> Seen:
        subject = self.subject() if self.subject else None
        return run(self.pipeline, self.scenario, self.compilation, subject, **self.options)


def size(argument: str, dimension: str, before: int, now: int, says: str, **more: Any) -> Says:
    return Says(
        cause="tensor.size",
        argument=argument,
        dimension=dimension,
        expected=str(before),
        actual=str(now),
        says=says,
        **{"remedy": "dynamic=True|warm up", **more},
    )


def lora(says: str, **more: Any) -> Says:
    remedy = "enable_lora_hotswap.*hotswap=True"
    return Says(cause="lora", says=says, remedy=remedy, expected=ANY, actual=ANY, owed=False, **more)


def frozen(**more: Any) -> Says:
    """What the first LoRA does to a denoiser whose weights could be trained: loading it freezes them."""
    return Says(
        cause="tensor.grad",
        says="no longer wants gradients: loading (a LoRA|LoRA one)",
        remedy="before|enable_lora_hotswap",
        expected="True",
        actual="False",
        owed=False,
        **more,
    )


def shared(says: str, fqn: str) -> Says:
    """A module's first compile, which torch counts as a recompile of another that runs through the same function."""
    return Says(cause="shared.code", blame="artefact", says=says, expected=ANY, fqn=fqn, owed=False)


def two_widths() -> Subject:
    """A UNet whose transformer blocks have two widths."""
    subject = make_subject("sd15-txt2img")
    config = {**subject.pipe.unet.config, "block_out_channels": [16, 32]}
    config |= {
        "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        "up_block_types": ["UpBlock2D", "UpBlock2D"],
    }
    subject.pipe.unet = UNet2DConditionModel(
        **{name: value for name, value in config.items() if name[:1] != "_"}
    ).eval()
    return subject


INFERENCE = Says(
    cause="tensor.dispatch",
    argument="sample",
    expected=ANY,
    actual="CPU, BackendSelect",
    says="sample.* inference mode",
    remedy=r"same mode.*torch\.inference_mode\(\)",
    **UNET,
)

SCENARIOS = (
    Journey(
        "sd15-txt2img",
        "resolution-sweep",
        [size("sample", "height", 8, 6, r"sample height 8 → 6 and width 8 → 4 \(64x64 → 32x48 px\)", **UNET)],
        [("32x48", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "resolution-sweep",
        [
            size("sample", "height", 8, 6, "sample height 8 → 6", **UNET),
            size("sample", "width", 4, 6, "sample width 4 → 6", **UNET),
            size("sample", "height", 6, 4, "sample height 6 → 4", **UNET),
        ],
        [("32x48", 0), ("48x48", 0), ("64x32", 0)],
        STATIC,
    ),
    Journey(
        "sd15-txt2img",
        "batch-sweep",
        [size("sample", "batch", 2, 4, "sample batch 2 → 4.*(1 → 2|2 pictures|2 images)", **UNET)],
        [("batch 2", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "cfg-toggle",
        [size("sample", "batch", 2, 1, "sample batch 2 → 1.*guidance", remedy="guidance|warm", **UNET)],
        [("guidance off", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "guidance-end",
        [size("sample", "batch", 2, 1, "sample batch 2 → 1.*guidance", remedy="guidance|warm", **UNET)],
        [("guidance until 50%", 2)],
        options={"steps": 4},
    ),
    Journey(
        "sd15-txt2img",
        "scheduler-swap",
        [
            Says(
                cause="tensor.dtype",
                argument="timestep",
                expected="int64",
                actual="float32",
                says="timestep.*float32.*int64.*EulerDiscreteScheduler",
                remedy="scheduler|timestep",
                **UNET,
            )
        ],
        [("EulerDiscrete", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "prompt-length",
        [
            size(
                "encoder_hidden_states",
                "tokens",
                77,
                154,
                "encoder_hidden_states tokens 77 → 154.*prompt",
                **UNET,
            )
        ],
        [("154 tokens", 0)],
    ),
    Journey(
        "sd15-txt2img",
        "memory-format",
        [
            Says(
                cause="tensor.stride",
                argument="sample",
                dimension="channels",
                expected="64",
                actual="1",
                says="sample is channels_last",
                remedy=r"contiguous\(\)",
                **UNET,
            )
        ],
        [("latents channels_last", 0)],
    ),
    Journey("sd15-txt2img", "grad-mode", [INFERENCE], [("inference_mode", 0)]),
    Journey(
        "sd15-txt2img",
        "lora-swap",
        [
            frozen(**UNET),
            lora("LoRA one → two", **UNET),
            lora("LoRA two → one", **UNET),
        ],
        [("LoRA one, rank 4", 0), ("LoRA two, rank 8", 0), ("LoRA one at 0.5", 0)],
    ),
    Journey(
        "sd15-controlnet",
        "controlnet-scale",
        [
            Says(
                cause="shared.code",
                blame="artefact",
                expected=ANY,
                actual=ANY,
                says="UNet2DConditionModel.*ControlNetModel",
                remedy=None,
                owed=False,
                **UNET,
            ),
            Says(
                cause="value",
                argument="conditioning_scale",
                expected="1.0",
                actual="0.5",
                says="conditioning_scale 1.0 → 0.5",
                remedy="conditioning_scale",
                module="ControlNetModel",
                fqn="controlnet",
            ),
        ],
        [("scale 1.0", 0), ("scale 0.5", 0)],
    ),
)
"""What ``tests/worker/test_scenarios.py`` runs anyway."""

OTHERS = (
    Journey(
        "flux1-dev",
        "resolution-sweep",
        [
            size(
                "hidden_states",
                "tokens",
                16,
                6,
                r"hidden_states tokens 16 → 6.*px",
                remedy="use_duck_shape = False",
                **FLUX,
            )
        ],
        [("32x48", 0)],
        options={"height": 64, "width": 64},
    ),
    Journey(
        "flux1-dev",
        "resolution-sweep",
        [
            Says(
                cause="tensor.stride",
                blame="expected",
                argument="hidden_states",
                dimension="batch",
                expected="2048",
                actual="2560",
                says="hidden_states",
                module="FluxSingleTransformerBlock",
                fqn="transformer.single_transformer_blocks.1",
            ),
            size(
                "hidden_states",
                "tokens",
                64,
                24,
                "hidden_states tokens 64 → 24",
                module="FluxTransformerBlock",
                fqn="transformer.transformer_blocks.0",
            ),
            size(
                "hidden_states",
                "tokens",
                64,
                24,
                "hidden_states tokens 64 → 24",
                module="FluxSingleTransformerBlock",
                fqn="transformer.single_transformer_blocks.0",
            ),
            size(
                "hidden_states",
                "tokens",
                64,
                24,
                "hidden_states tokens 64 → 24",
                module="FluxSingleTransformerBlock",
                fqn="transformer.single_transformer_blocks.1",
            ),
        ],
        [("128x128", 0), ("64x96", 0), ("64x96", 0), ("64x96", 0)],
        REGIONAL,
    ),
    Journey(
        "sd15-txt2img",
        "resolution-sweep",
        [
            size(
                "hidden_states",
                "tokens",
                64,
                24,
                "hidden_states tokens 64 → 24",
                module="BasicTransformerBlock",
                fqn="unet.up_blocks.0.attentions.0.transformer_blocks.0",
            )
        ],
        [("32x48", 0)],
        REGIONAL,
    ),
    Journey(
        "sd15-txt2img",
        "steady",
        [
            Says(
                cause="tensor.size",
                blame="expected",
                argument="hidden_states",
                dimension="tokens",
                expected="64",
                actual="16",
                says="hidden_states tokens 64 → 16 and channels 16 → 32",
                remedy="nothing to do",
                module="BasicTransformerBlock",
                fqn="unet.down_blocks.1.attentions.0.transformer_blocks.0",
            )
        ],
        [(None, 0)],
        REGIONAL,
        two_widths,
    ),
)
