"""The variants on the real pipeline, with cheap backends; with inductor itself once each."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from accelerate.utils import compile_regions

from profiler import toolchain, variants
from profiler.catalog.weights import Fill as _Fill
from profiler.catalog.weights import skeleton
from profiler.events import Event, Step
from profiler.request import Compilation
from profiler.subject import Denoiser, plain, single
from profiler.worker.compiles import CompileMonitor
from profiler.worker.failures import classify
from profiler.worker.measure import Capture, Measurement
from tests.worker.conftest import ENTRY, make_compilation, make_workload

pytestmark = pytest.mark.usefixtures("fresh_dynamo")
# SD 1.5's layout of four levels, at a fortieth of its width.
FOUR_LEVELS = {
    "block_out_channels": [8, 16, 32, 32],
    "layers_per_block": 2,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "attention_head_dim": 2,
    "norm_num_groups": 4,
}


ONE_LEVEL = {
    "block_out_channels": [16],
    "down_block_types": ["CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D"],
}


def make_unet(config: dict[str, Any]) -> torch.nn.Module:
    """The tiny UNet with another layout."""
    tiny = ENTRY.part.sizes["tiny"].components["unet"]
    component = msgspec.structs.replace(tiny, config={**tiny.config, **config})
    return _Fill(0, torch.float32, "cpu")(skeleton(component))


def run(pipe: Any, compilation: Compilation, calls: int = 1) -> list[Event]:
    """Apply, compile and call, with everything a real run has attached."""
    events: list[Event] = []
    monitor = CompileMonitor(events.append, {"unet": pipe.unet})
    monitor.attach()
    try:
        variants.apply(plain(pipe, "unet"), compilation)
        capture = Capture(graphs=monitor.graphs_executed, on_step=monitor.on_step)
        workload = make_workload(3)
        with Measurement(plain(pipe, "unet"), workload, events.append, capture=capture, live=False) as measurement:
            for _ in range(calls):
                measurement.call("compile")
    finally:
        monitor.detach()
    return events


def graphs(events: list[Event]) -> list[int | None]:
    return [event.graphs for event in events if isinstance(event, Step)]


def latents_of(pipe: Any) -> torch.Tensor:
    with Measurement(plain(pipe, "unet"), make_workload(3), [].append) as measurement:
        measurement.call("measure")
    return measurement.latents


def test_no_compile_leaves_the_pipeline_alone(tiny_pipe: Any) -> None:
    unet = tiny_pipe.unet
    assert variants.apply(plain(tiny_pipe, "unet"), make_compilation("no-compile")) == []
    assert tiny_pipe.unet is unet
    assert not any(module._compiled_call_impl for module in unet.modules())


@pytest.mark.parametrize(
    ("variant", "options", "what", "compiled"),
    [
        ("compile", {}, ["unet"], 1),
        ("regional-compile", {}, ["unet: 4 x BasicTransformerBlock"], 4),
        ("regional-compile", {"engines": ["accelerate"]}, None, 20),
    ],
)
def test_a_variant_runs_compiled_and_gives_the_same_latents(
    tiny_pipe: Any, variant: str, options: dict[str, Any], what: list[str] | None, compiled: int
) -> None:
    reference = latents_of(tiny_pipe)
    compilation = make_compilation(variant, **options)
    names = variants.apply(plain(tiny_pipe, "unet"), compilation)
    assert what is None or names == what
    events = run(tiny_pipe, make_compilation("no-compile"), calls=2)
    assert torch.allclose(latents_of(tiny_pipe), reference, atol=1e-5)
    ran = graphs(events)
    assert len(ran) == 8
    assert min(graph or 0 for graph in ran) >= compiled
    assert len(set(ran[4:])) == 1


def test_hooks_are_never_compiled(tiny_pipe: Any) -> None:
    """One graph, the whole denoiser: a hook inside it would break the graph, which fullgraph forbids."""
    events = run(tiny_pipe, make_compilation("compile", "aot_eager"), calls=2)
    assert graphs(events) == [1] * 8
    assert "forward" in vars(tiny_pipe.unet)  # OptimizedModule's own, put back


def test_hooks_on_a_denoiser_that_is_compiled_in_place(tiny_pipe: Any) -> None:
    tiny_pipe.unet.compile(backend="eager", fullgraph=True)
    inside = tiny_pipe.unet._compiled_call_impl
    assert graphs(run(tiny_pipe, make_compilation("no-compile"))) == [1] * 4
    assert tiny_pipe.unet._compiled_call_impl is inside
    assert "forward" not in vars(tiny_pipe.unet)


def _by_torch(pipe: Any) -> None:
    pipe.unet = torch.compile(pipe.unet, backend="aot_eager")


def _in_place(pipe: Any) -> None:
    pipe.unet.compile(backend="aot_eager")


def _by_region(pipe: Any) -> None:
    pipe.unet.compile_repeated_blocks(backend="aot_eager")


def _by_accelerate(pipe: Any) -> None:
    pipe.unet = compile_regions(pipe.unet, backend="aot_eager")


@pytest.mark.parametrize("compile_it", [_by_torch, _in_place, _by_region, _by_accelerate])
def test_what_came_compiled_is_compiled_anew(tiny_pipe: Any, compile_it: Callable[[Any], None]) -> None:
    original = tiny_pipe.unet
    compile_it(tiny_pipe)
    regional = variants.apply(plain(tiny_pipe, "unet"), make_compilation("regional-compile"))
    assert regional == ["unet: 4 x BasicTransformerBlock", "in place of how unet came compiled"]
    assert tiny_pipe.unet is original
    assert sum(module._compiled_call_impl is not None for module in original.modules()) == 4
    whole = variants.apply(plain(tiny_pipe, "unet"), make_compilation("compile"))
    assert whole == ["unet", "in place of how unet came compiled"]
    assert tiny_pipe.unet._orig_mod is original
    assert all(module._compiled_call_impl is None for module in original.modules())


def test_what_came_compiled_runs_as_the_variant_says(tiny_pipe: Any) -> None:
    tiny_pipe.unet = torch.compile(tiny_pipe.unet.eval(), backend="aot_eager")
    assert graphs(run(tiny_pipe, make_compilation("compile"))) == [1] * 4


def test_accelerate_on_four_levels_fails_with_fullgraph(tiny_pipe: Any) -> None:
    tiny_pipe.unet = make_unet(FOUR_LEVELS)
    compilation = make_compilation("regional-compile", engines=["accelerate"], fullgraph=True)
    with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit) as caught:
        run(tiny_pipe, compilation)
    ended, _ = classify(caught.value, "compile", "cpu")
    assert ended.outcome == "failed"
    assert ended.reason == "recompile limit of 8 hit, and fullgraph=True forbids going on in eager"


def test_a_compiled_module_without_length_is_true_once_mended() -> None:
    variants.mend_truth_of_compiled_modules()
    optimized = torch.compile(torch.nn.GroupNorm(2, 4), backend="eager")
    assert bool(optimized) is True
    assert bool(torch.compile(torch.nn.ModuleList(), backend="eager")) is False


def test_an_engine_that_does_not_work_on_a_denoiser_is_unsupported(tiny_pipe: Any) -> None:
    subject = single("sd15-txt2img", tiny_pipe, (Denoiser("unet", tiny_pipe, "unet", engines=("diffusers",)),))
    with pytest.raises(variants.Unsupported, match="accelerate does not work on sd15-txt2img's unet"):
        variants.apply(subject, make_compilation("regional-compile", engines=["accelerate"]))


def test_repeated_blocks_are_found_where_a_model_names_none(tiny_pipe: Any) -> None:
    tiny_pipe.unet._repeated_blocks = []
    what = variants.apply(plain(tiny_pipe, "unet"), make_compilation("regional-compile"))
    assert what == ["unet: no _repeated_blocks of its own; compiled 4 x BasicTransformerBlock, found in it"]
    assert sum(module._compiled_call_impl is not None for module in tiny_pipe.unet.modules()) == 4
    assert min(graphs(run(tiny_pipe, make_compilation("no-compile"))) or [0]) == 4


def test_blocks_that_the_catalogue_lists_are_taken(tiny_pipe: Any) -> None:
    tiny_pipe.unet._repeated_blocks = ["NoSuchBlock"]
    denoiser = Denoiser("unet", tiny_pipe, "unet", blocks=("ResnetBlock2D",))
    what = variants.apply(single("mine", tiny_pipe, (denoiser,)), make_compilation("regional-compile"))
    assert what == ["unet: its _repeated_blocks (NoSuchBlock) are not in it; compiled 8 x ResnetBlock2D, found in it"]


def test_a_denoiser_without_any_repeated_blocks_is_unsupported() -> None:
    pipe = SimpleNamespace(unet=torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)))
    subject = single("mine", pipe, (Denoiser("unet", pipe, "unet"),))
    with pytest.raises(variants.Unsupported, match="unet has no repeated blocks"):
        variants.apply(subject, make_compilation("regional-compile"))


@pytest.mark.parametrize(
    ("compilation", "says"),
    [
        (Compilation(variant="compile", backend="inducto"), r"no backend 'inducto' here \(it has .*eager, inductor"),
        (
            Compilation(variant="compile", backend="inductor", options={"max-autotun": True}),
            "inductor has no option 'max-autotun': did you mean max_autotune or",
        ),
        (Compilation(variant="compile", backend="inductor", options={"q": 1}), r"no option 'q': .*list_options\(\)"),
        (
            Compilation(variant="compile", backend="inductor", options={"max_autotune": "yes"}),
            "Unexpected type of attr max_autotune, got str should be bool",
        ),
        (Compilation(variant="compile", backend="eager", options={"max_autotune": True}), "need the backend inductor"),
        (Compilation(variant="compile", backend="inductor", mode="fast"), "should be one of: default,"),
    ],
)
def test_what_torch_does_not_have_is_refused_before_loading(compilation: Compilation, says: str) -> None:
    with pytest.raises(variants.Unsupported, match=says) as caught:
        variants.check(compilation)
    assert "\n" not in str(caught.value)


def test_what_torch_has_is_not_refused() -> None:
    variants.check(make_compilation("no-compile"))
    variants.check(make_compilation("compile"))
    variants.check(
        Compilation(variant="compile", backend="inductor", mode="max-autotune", options={"max-autotune": True})
    )


def test_options_come_on_top_of_the_modes() -> None:
    options = {"triton.cudagraphs": False, "epilogue-fusion": False}
    compilation = Compilation(variant="compile", backend="inductor", mode="max-autotune", options=options)
    assert variants.compile_arguments(compilation) == {
        "backend": "inductor",
        "options": {
            "max_autotune": True,
            "coordinate_descent_tuning": True,
            "triton.cudagraphs": False,
            "epilogue_fusion": False,
        },
    }
    assert not variants.uses_cuda_graphs(compilation, "cuda:0")


def test_a_recompile_limit_of_ones_own(tiny_pipe: Any) -> None:
    tiny_pipe.unet = make_unet(FOUR_LEVELS)
    own = msgspec.structs.replace(make_compilation("regional-compile"), recompile_limit=2)
    with torch._dynamo.config.patch(recompile_limit=8, accumulated_recompile_limit=1):
        with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit) as caught:
            run(tiny_pipe, own)  # its blocks have three widths
        assert torch._dynamo.config.accumulated_recompile_limit == 2
        assert classify(caught.value, "compile", "cpu").event.reason == (
            "recompile limit of 2 hit, and fullgraph=True forbids going on in eager"
        )


def test_layers_with_hooks_are_in_no_graph(tiny_pipe: Any) -> None:
    tiny_pipe.unet = make_unet(ONE_LEVEL)
    tiny_pipe.unet.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=torch.float32)
    for variant in ("compile", "regional-compile"):
        with pytest.raises(variants.Unsupported, match="use --no-fullgraph"):
            variants.apply(plain(tiny_pipe, "unet"), make_compilation(variant, fullgraph=True))
    events = run(tiny_pipe, make_compilation("regional-compile", fullgraph=False))
    assert min(graph or 0 for graph in graphs(events)) > 4  # pieces of the blocks


def test_a_model_that_is_offloaded_is_compiled_in_its_place(tiny_pipe: Any) -> None:
    from accelerate import cpu_offload_with_hook

    unet, _ = cpu_offload_with_hook(tiny_pipe.unet, "cpu")
    with pytest.raises(variants.Unsupported, match="use --no-fullgraph"):
        variants.apply(plain(tiny_pipe, "unet"), make_compilation("compile", fullgraph=True))
    with pytest.raises(variants.Unsupported, match="accelerate compiles nothing of unet under model offload"):
        variants.apply(plain(tiny_pipe, "unet"), make_compilation("regional-compile", engines=["accelerate"]))
    assert graphs(run(tiny_pipe, make_compilation("compile", fullgraph=False))) == [1] * 4
    assert tiny_pipe.unet is unet


def test_a_backend_that_fails_is_a_failure_in_one_line(tiny_pipe: Any) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no kernels today\nreally")

    tiny_pipe.unet = torch.compile(tiny_pipe.unet, backend=broken)
    with pytest.raises(Exception, match="no kernels today") as caught:
        run(tiny_pipe, make_compilation("no-compile"))
    ended, _ = classify(caught.value, "compile", "cpu")
    assert ended.outcome == "failed"
    assert ended.reason is not None
    assert ended.reason.startswith("BackendCompilerFailed: RuntimeError: no kernels today (test_variants.py:")
    assert ended.reason.endswith(" in broken)")


@pytest.mark.inductor
@pytest.mark.skipif(toolchain.missing("cpu") is not None, reason="inductor can't compile here")
@pytest.mark.parametrize("variant", ["compile", "regional-compile"])
def test_inductor(tiny_pipe: Any, variant: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    # A few of the kernels: compiling them is what takes the time.
    tiny_pipe.unet = make_unet({**ONE_LEVEL, "layers_per_block": 1, "mid_block_type": None})
    reference = latents_of(tiny_pipe)
    events = run(tiny_pipe, make_compilation(variant, "inductor"), calls=2)
    ran = graphs(events)
    assert min(graph or 0 for graph in ran) >= 1
    assert len(set(ran[4:])) == 1
    assert torch.allclose(latents_of(tiny_pipe), reference, atol=1e-3)
