"""Scenarios on real pipelines with real torch.compile: each leg triggers what its scenario says, and nothing stays."""

from __future__ import annotations

from typing import Any

import diffusers
import msgspec
import pytest
import torch

from profiler import catalog, scenarios
from profiler.catalog import Entry
from profiler.request import Compilation, Leg, Workload
from profiler.subject import Subject, plain
from profiler.variants import Unsupported
from profiler.worker import guidance, legs
from profiler.worker.legs import Legs
from tests.worker.triggers.journeys import SCENARIOS
from tests.worker.triggers.watched import COMPILE, NO_COMPILE, Log, Made, drive, make_request, make_subject, seen

pytestmark = pytest.mark.usefixtures("fresh_dynamo")


def make_workload(pipeline: str, scenario: str, **options: Any) -> Workload:
    return make_request(pipeline, scenario, **options).cases[0].workload


def journey(
    scenario: str, *, pipeline: str = "sd15-txt2img", compilation: Compilation = COMPILE, **options: Any
) -> list[Made]:
    """Every leg of a scenario. What is said of its recompiles is right, where ``SCENARIOS`` has it."""
    request = make_request(pipeline, scenario, compilation, **options)
    workload, log = request.cases[0].workload, Log()
    made = drive(make_subject(pipeline), workload, compilation, workload.legs, log)
    assert [one.leg for one in made] == [leg.name for leg in workload.legs]
    # Whatever the legs between them did is undone: the last one is the first one again.
    assert torch.equal(made[-1].latents, made[0].latents)
    same = (pipeline, scenario, compilation)
    known = [one for one in SCENARIOS if (one.pipeline, one.scenario, one.compilation) == same]
    assert known or compilation.variant != "compile"
    for one in known:
        one.check(seen(request, log))
    return made


def compiles(made: list[Made]) -> list[int]:
    return [one.compiles for one in made]


def differs(made: list[Made]) -> list[bool]:
    """Of each leg, whether its latents are others than the first one's."""
    first = made[0].latents
    return [one.latents.shape != first.shape or not torch.equal(one.latents, first) for one in made]


def reasons(one: Made) -> str:
    (recompile,) = one.recompiles
    return "\n".join(recompile.reasons)


# --- what each scenario triggers --------------------------------------------------------------------------------------


def test_steady_compiles_once() -> None:
    made = drive(make_subject("sd15-txt2img"), make_workload("sd15-txt2img", "steady"), COMPILE, [None, None, None])
    assert compiles(made) == [1, 0, 0]
    assert [one.leg for one in made] == [None, None, None]


def test_resolution_sweep_makes_both_sides_dynamic_at_once() -> None:
    made = journey("resolution-sweep")
    assert compiles(made) == [1, 1, 0, 0, 0]
    assert "size mismatch at index 2. expected 8, actual 6" in reasons(made[1])
    assert made[1].recompiles[0].argument == "sample"
    assert sorted(mark.dim or 0 for mark in made[1].dynamic) == [2, 3]


def test_resolution_sweep_without_dynamic_shapes_compiles_at_each_new_size() -> None:
    made = journey("resolution-sweep", compilation=msgspec.structs.replace(COMPILE, dynamic=False))
    assert compiles(made) == [1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("scenario", "expected", "reason", "argument"),
    [
        ("batch-sweep", [1, 1, 0, 0], "size mismatch at index 0. expected 2, actual 4", "sample"),
        ("cfg-toggle", [1, 1, 0], "size mismatch at index 0. expected 2, actual 1", "sample"),
        ("scheduler-swap", [1, 1, 0, 0], "dtype mismatch. expected Long, actual Float", "timestep"),
        ("prompt-length", [1, 1, 0, 0], "size mismatch at index 1. expected 77, actual 154", "encoder_hidden_states"),
        ("memory-format", [1, 1, 0], "stride mismatch at index 1. expected 64, actual 1", "sample"),
        ("grad-mode", [1, 1, 0], "dispatch key set mismatch", "sample"),
    ],
)
def test_the_second_leg_is_compiled_again(scenario: str, expected: list[int], reason: str, argument: str) -> None:
    made = journey(scenario)
    assert compiles(made) == expected
    assert reason in reasons(made[1])
    assert made[1].recompiles[0].argument == argument
    # Memory format and grad mode change nothing but how it is computed.
    changed = differs(made)[1]
    assert changed is (scenario not in ("memory-format", "grad-mode")) or torch.allclose(
        made[1].latents, made[0].latents, atol=1e-5
    )


def test_guidance_end_recompiles_in_the_middle_of_a_call() -> None:
    made = journey("guidance-end", steps=4)
    assert compiles(made) == [1, 1, 0, 0]
    assert "size mismatch at index 0. expected 2, actual 1" in reasons(made[1])
    # PNDM makes 5 evaluations for 4 steps: 2 with guidance, then the first one without.
    assert [recompile.step for one in made for recompile in one.recompiles] == [2]
    assert differs(made) == [False, True, True, False]


def test_controlnet_scale_becomes_symbolic() -> None:
    made = journey("controlnet-scale", pipeline="sd15-controlnet")
    # The first call compiles both denoisers.
    assert compiles(made) == [2, 1, 0, 0, 0]
    assert "kwargs['conditioning_scale'] == 1.0" in reasons(made[1])
    assert made[1].recompiles[0].fqn == "controlnet"
    assert differs(made) == [False, True, True, True, False]


@pytest.mark.parametrize("engine", [None, "diffusers"])
def test_lora_swap_compiles_for_each_new_state_of_the_adapters(engine: str | None) -> None:
    whole_or_blocks = COMPILE
    if engine is not None:
        whole_or_blocks = Compilation(variant="regional-compile", engine=engine, backend="eager", fullgraph=True)
    made = journey("lora-swap", compilation=whole_or_blocks)
    # The blocks of so small a UNet are all of one width.
    assert compiles(made) == [1, 1, 1, 1, 0]
    assert "requires_grad mismatch" in reasons(made[1])  # loading freezes the weights
    assert "['lora_A']._modules) != 1" in reasons(made[2])
    assert "['lora_A']" in reasons(made[3])
    eager = journey("lora-swap", compilation=NO_COMPILE)
    assert differs(eager) == [False, True, True, True, False]
    assert all(torch.allclose(one.latents, like.latents, atol=1e-5) for one, like in zip(made, eager))


# --- LoRA -------------------------------------------------------------------------------------------------------------


def test_an_adapter_has_the_same_effect_where_accelerate_compiled_regions() -> None:
    workload = make_workload("sd15-txt2img", "steady")
    leg = Leg(name="LoRA", changes={"lora": "style", "lora_rank": 2, "lora_scale": 2})
    regions = Compilation(variant="regional-compile", engine="accelerate", backend="eager")
    eager, regional = (drive(make_subject("sd15-txt2img"), workload, how, [leg]) for how in (NO_COMPILE, regions))
    assert torch.allclose(regional[0].latents, eager[0].latents, atol=1e-5)


def test_nothing_of_an_adapter_stays() -> None:
    subject = make_subject("sd15-txt2img")
    unet = subject.pipe.unet
    frozen = unet.conv_in.weight.requires_grad_(False)

    def state() -> dict[str, Any]:
        return {name: (type(module), module._parameters) for name, module in unet.named_modules()}

    before, parameters = state(), dict(unet.named_parameters())
    order = [Leg(name=str(rank), changes={"lora": "same", "lora_rank": rank}) for rank in (2, 3)]
    made = drive(subject, make_workload("sd15-txt2img", "steady"), NO_COMPILE, order)
    assert differs(made) == [False, True]  # another rank is another adapter, whatever its name
    assert {name: kind for name, (kind, _) in state().items()} == {name: kind for name, (kind, _) in before.items()}
    after = dict(unet.named_parameters())
    assert all(torch.equal(after[name], parameter) for name, parameter in parameters.items())
    assert [name for name, parameter in after.items() if not parameter.requires_grad] == ["conv_in.weight"]
    assert unet.conv_in.weight is frozen


def test_adapters_need_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    state = Legs(make_subject("sd15-txt2img"), make_workload("sd15-txt2img", "steady"), "cpu")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unsupported, match=r"^lora-swap needs peft: pip install peft$"):
        state.enter(Leg(name="LoRA", changes={"lora": "style"}))


# --- every pipeline of the catalogue ----------------------------------------------------------------------------------


def able(*names: str) -> list[Any]:
    """The scenarios and a pipeline of every class that can run them."""
    classes = {entry.part.pipeline_cls: entry for entry in reversed(catalog.ENTRIES)}
    return [
        pytest.param(entry.name, name, id=f"{entry.name}-{name}")
        for name in names
        for entry in classes.values()
        if scenarios.SCENARIOS[name].lacks(entry) is None
    ]


@pytest.mark.parametrize(("pipeline", "scenario"), able("scheduler-swap", "guidance-end", "lora-swap"))
def test_what_is_done_to_a_pipeline_takes_effect_and_is_undone(pipeline: str, scenario: str) -> None:
    made = journey(scenario, pipeline=pipeline, compilation=NO_COMPILE)
    assert all(torch.isfinite(one.latents).all() for one in made)
    assert differs(made) == [False] + [True] * (len(made) - 2) + [False]


@pytest.mark.parametrize("entry", catalog.ENTRIES, ids=catalog.names())
def test_what_the_catalogue_says_of_callbacks_and_latents_is_true_of_the_classes(entry: Entry) -> None:
    kind = getattr(diffusers, entry.part.pipeline_cls)
    if entry.part.guidance_kind == "batch" and len(entry.parts) == 1:
        assert scenarios.SCENARIOS["guidance-end"].lacks(entry) == guidance.cannot_end(kind)
    subject = plain(object.__new__(kind), *entry.part.denoisers)
    takes_latents = "latents" in legs.parameters(subject.pipe)
    lacks = scenarios.SCENARIOS["memory-format"].lacks(entry) or ""
    assert ("takes no latents" in lacks) is not takes_latents


# --- pipelines that aren't the catalogue's ----------------------------------------------------------------------------


def foreign(pipeline: str, **fields: Any) -> tuple[Subject, Workload]:
    """A pipeline of which nothing is known but its denoisers, and a workload that leaves everything to it."""
    subject = make_subject(pipeline)
    names = [denoiser.name for denoiser in subject.denoisers]
    workload = make_workload(pipeline, "steady")
    unknown = {"height": None, "width": None, "steps": None, "guidance": None, "strength": None}
    return plain(subject.pipe, *names), msgspec.structs.replace(workload, **unknown | fields)


def test_scenarios_of_other_pipelines_start_from_what_the_pipeline_does_by_itself() -> None:
    subject, workload = foreign("sd15-txt2img", scenario="resolution-sweep")
    side = subject.pipe.unet.config.sample_size * 8
    subject.pipe.unet = torch.compile(subject.pipe.unet, backend="eager")  # whose truth can't be asked for
    assert [leg.name for leg in legs.legs_of(subject, workload)][:2] == [
        f"{side}x{side}",
        f"{side // 2}x{side * 3 // 4}",
    ]
    subject, workload = foreign("sd15-txt2img", scenario="scheduler-swap")
    assert [leg.name for leg in legs.legs_of(subject, workload)] == ["PNDM", "EulerDiscrete", "DDIM", "PNDM again"]
    subject, workload = foreign("sd15-txt2img", scenario="guidance-end", height=64, width=64, steps=3)
    order = legs.legs_of(subject, workload)
    assert differs(drive(subject, workload, NO_COMPILE, order)) == [False, True, True, False]


@pytest.mark.parametrize(
    ("pipeline", "scenario", "reason"),
    [
        ("sd15-txt2img", "prompt-length", "embeddings of a chosen length"),
        ("sd15-txt2img", "controlnet-scale", "it has no controlnet"),
        ("flux1-dev", "cfg-toggle", "a number that the model takes"),
        ("pixart-sigma", "guidance-end", "no callback_on_step_end"),
        ("pixart-sigma", "lora-swap", "can't load LoRAs"),
        ("sd15-img2img", "memory-format", "it takes no latents"),
    ],
)
def test_scenarios_that_another_pipeline_cannot_run(pipeline: str, scenario: str, reason: str) -> None:
    with pytest.raises(Unsupported, match=reason):
        legs.legs_of(*foreign(pipeline, scenario=scenario))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"scheduler": "FlowMatchEulerDiscreteScheduler"},
            r"can't take the place of PNDMScheduler \(these can: .*DDIM",
        ),
        ({"scheduler": "DPMSolverSDEScheduler"}, "DPMSolverSDEScheduler can't be made with PNDMScheduler's .*torchsde"),
        ({"tokens": 9}, "for the catalogue's pipelines alone"),
        ({"frames": 9}, "takes no num_frames"),
        ({"lora": "style", "scheduler": "LCMScheduler"}, "LCMScheduler can't take the place"),
    ],
)
def test_a_leg_that_another_pipeline_cannot_enter(changes: dict[str, Any], message: str) -> None:
    subject, workload = foreign("sd15-txt2img")
    own = subject.pipe.scheduler
    state = Legs(subject, workload, "cpu")
    for ask in (state.check, state.enter):
        with pytest.raises(Unsupported, match=message):
            ask(Leg(name="wrong", changes=changes))
    assert subject.pipe.scheduler is own
    assert not hasattr(subject.pipe.unet, "peft_config")


def test_a_chain_of_pipelines_has_no_callback_for_all() -> None:
    subject = make_subject("deepfloyd-if")
    state = Legs(subject, make_workload("deepfloyd-if", "steady"), "cpu")
    with pytest.raises(Unsupported, match="it chains pipelines"):
        state.enter(Leg(name="wrong", changes={"guidance_end": 0.5}))


@pytest.mark.parametrize(("share", "guided"), [(0.01, 1), (0.5, 5), (0.8, 8), (1.0, 10)])
def test_the_share_of_steps_that_has_guidance(share: float, guided: int) -> None:
    """``guided`` of ten steps; the callback is told of each step when it has been made."""
    pipe = make_subject("sd15-txt2img").pipe
    pipe._num_timesteps, pipe._guidance_scale = 10, 7.5
    arguments = guidance.ending(pipe, share)
    steps = 0
    for index in range(10):
        steps += pipe.do_classifier_free_guidance
        tensors = {"latents": torch.zeros(3, 4, 8, 8), "prompt_embeds": torch.arange(6.0).view(6, 1, 1)}
        after = arguments["callback_on_step_end"](pipe, index, None, tensors)
        if after:
            assert after["prompt_embeds"].flatten().tolist() == [3.0, 4.0, 5.0]
    assert steps == guided
