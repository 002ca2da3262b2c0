"""Which entry should have matched: code is shared, and most entries that fail are another module's."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from diffusers.hooks import HookRegistry, ModelHook
from diffusers.utils.peft_utils import apply_lora_scale
from torch import nn

from profiler.events import CompileEnded, CompileLimit, CompileStarted, DynamicMark, GraphBreak, Recompile, SourceLines
from profiler.worker.compiles import CompileMonitor
from profiler.worker.compiles.places import Places
from tests.worker.compiles.conftest import Events


class Denoiser(nn.Module):
    """Its forward is a decorator's, as of most of diffusers' models."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    @apply_lora_scale("joint_attention_kwargs")
    def forward(
        self,
        sample: torch.Tensor,
        timestep: object = 1,
        joint_attention_kwargs: object = None,
        return_dict: bool = True,
    ) -> torch.Tensor:
        return self.linear(sample) * timestep


class Control(Denoiser):
    pass


def entry(told: Recompile) -> str:
    """The id of the entry that should have matched."""
    return told.reasons[told.matched].partition(": ")[0]


def test_torch_tells_the_most_recently_used_entry_first(monitor: CompileMonitor, events: Events) -> None:
    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        return x * {"a": 2, "b": 3, "c": 4, "d": 5}[mode]

    compiled = torch.compile(scaled, backend="eager")
    for mode in "abcad":
        compiled(torch.zeros(2), mode)
    last = events.of(Recompile)[-1]
    assert [reason.partition(": ")[0] for reason in last.reasons] == ["0/0", "0/2", "0/1"]
    assert (entry(last), last.total_reasons) == ("0/0", 3)


def test_the_own_entry_is_taken_though_another_modules_was_used_last(monitor: CompileMonitor, events: Events) -> None:
    unet, control = Denoiser(), Control(6)
    monitor.name_modules({"unet": unet, "controlnet": control})
    compiled = [torch.compile(module, backend="eager") for module in (unet, control)]
    compiled[0](torch.zeros(2, 4))
    compiled[1](torch.zeros(2, 6))
    compiled[0](torch.zeros(2, 4), timestep=2)
    of_control, of_unet = events.of(Recompile)
    assert (of_control.fqn, entry(of_control)) == ("controlnet", "0/0"), "there is no entry of its own"
    assert (of_unet.fqn, of_unet.matched, entry(of_unet)) == ("unet", 1, "0/0")
    assert of_unet.reasons[0].startswith("0/1: ")
    assert (of_unet.source, of_unet.argument, of_unet.actual) == ("kwargs", "timestep", "dict of 1: timestep")


def test_of_a_first_call_the_entry_of_a_module_of_its_class_is_taken(monitor: CompileMonitor, events: Events) -> None:
    modules = [Denoiser(4), Control(6), Denoiser(8)]
    for module in modules:
        torch.compile(module, backend="eager")(torch.zeros(2, module.linear.in_features))
    last = events.of(Recompile)[-1]
    assert [reason.partition(": ")[0] for reason in last.reasons] == ["0/1", "0/0"]
    assert (last.module, entry(last)) == ("Denoiser", "0/0")


def test_leaf_modules_compare_with_themselves(monitor: CompileMonitor, events: Events) -> None:
    norm, act = nn.LayerNorm(4), nn.SiLU()
    compiled = [torch.compile(leaf, backend="eager") for leaf in (norm, act)]
    for leaf in compiled:
        leaf(torch.zeros(2, 4))
    compiled[0](torch.zeros(3, 4))
    told = events.of(Recompile)[-1]
    assert (told.module, entry(told), told.argument) == ("LayerNorm", "0/0", "input")
    assert told.actual == "float32[3, 4]"


def test_owners_are_forgotten_with_the_entries(monitor: CompileMonitor, events: Events) -> None:
    first, second = Denoiser(4), Control(6)
    torch.compile(first, backend="eager")(torch.zeros(2, 4))
    torch._dynamo.reset()
    for _ in range(2):
        torch.compile(second, backend="eager")(torch.zeros(2, 6))
    torch.compile(first, backend="eager")(torch.zeros(2, 4), return_dict=False)
    told = events.one(Recompile)
    assert (told.epoch, told.matched, entry(told)) == (1, 0, "0/0")
    assert [end.epoch for end in events.of(CompileEnded)] == [0, 1, 1]


def test_a_module_that_is_gone_is_not_kept_and_not_mistaken(monitor: CompileMonitor, events: Events) -> None:
    import gc
    import weakref

    module = Denoiser()
    gone = weakref.ref(module)
    torch.compile(module, backend="eager")(torch.zeros(2, 4))
    del module
    torch._dynamo.reset()
    gc.collect()
    assert gone() is None


def test_entries_of_another_bucket_are_told_after_the_own(monitor: CompileMonitor, events: Events) -> None:
    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        return x * {"a": 2, "b": 3, "c": 4}[mode]

    try:
        isolated = torch.compile(scaled, backend="eager", isolate_recompiles=True)
    except TypeError:
        pytest.skip("this torch has no such option")
    torch.compile(scaled, backend="eager")(torch.zeros(2), "a")
    for mode in "bc":
        isolated(torch.zeros(2), mode)
    assert {told.id for told in events.of(Recompile)} <= {end.id for end in events.of(CompileEnded)}
    last = events.of(Recompile)[-1]
    assert "mode == 'b'" in last.reasons[last.matched]


class Plain(nn.Module):
    def forward(this, sample: torch.Tensor, timestep: int = 1) -> torch.Tensor:  # noqa: N805
        return sample * timestep


def put_accelerates_hook(module: nn.Module) -> None:
    add_hook_to_module(module, AlignDevicesHook(execution_device="cpu"))


def put_diffusers_hook(module: nn.Module) -> None:
    HookRegistry.check_if_exists_or_initialize(module).register_hook(ModelHook(), "test")


@pytest.mark.parametrize("prepare", [lambda _: None, put_accelerates_hook, put_diffusers_hook])
def test_a_module_is_known_behind_the_forward_of_a_hook(
    prepare: Callable[[nn.Module], None], monitor: CompileMonitor, events: Events
) -> None:
    module = Plain()
    monitor.name_modules({"unet": module})
    prepare(module)
    module.compile(backend="eager")
    for arguments in ((torch.zeros(2, 4),), (torch.zeros(3, 4),), (torch.zeros(3, 4), 2)):
        module(*arguments)
    assert {(told.module, told.fqn) for told in events.of(CompileStarted) if told.id == "0/0"} == {("Plain", "unet")}
    told = [told for told in events.of(Recompile) if (told.id or "").startswith("0/")]
    assert [(one.fqn, one.argument) for one in told] == [("unet", "sample"), ("unet", "timestep")]


def test_a_mark_names_its_argument(monitor: CompileMonitor, events: Events) -> None:
    compiled = torch.compile(Denoiser(), backend="eager")
    for size in (2, 3):
        compiled(torch.zeros(size, 4))
    mark = events.one(DynamicMark)
    assert (mark.name, mark.argument) == ("L['args'][0]", "sample")


def test_the_stack_is_of_frames_outside_torch(monitor: CompileMonitor, events: Events) -> None:
    def pipeline() -> None:
        model(torch.zeros(2, 4))

    model = nn.Sequential(Denoiser())
    model[0].compile(backend="eager")
    pipeline()
    started = events.one(CompileStarted)
    assert started.caller == started.stack[0]
    assert started.stack[0].endswith("in pipeline")
    assert started.stack[1].endswith("in test_the_stack_is_of_frames_outside_torch")
    assert 2 < len(started.stack) <= 6
    inside = str(Path(torch.__file__).parent)
    assert not any(frame.startswith(inside) for frame in started.stack)


def test_the_code_that_a_guard_is_about_is_told_once(monitor: CompileMonitor, events: Events) -> None:
    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        if mode == "a":
            return x * 2
        return x * 3

    compiled = torch.compile(scaled, backend="eager")
    for mode in "abc":
        compiled(torch.zeros(2), mode)
    line = scaled.__code__.co_firstlineno + 1
    assert {told.at for told in events.of(Recompile)} == {f"{__file__}:{line}"}
    source = events.one(SourceLines)
    assert (source.file, source.line, source.first) == (__file__, line, line - 3)
    assert source.lines == [found.rstrip() for found in linecache.getlines(__file__)[line - 4 : line + 3]]
    assert source.lines[3].strip() == 'if mode == "a":'


def test_files_are_found_by_what_torch_leaves_of_their_path() -> None:
    from torch.utils._traceback import shorten_filename

    places = Places(lambda _: None)
    for file in (__file__, linecache.__file__, nn.modules.dropout.__file__, Path(torch.__file__).parent / "version.py"):
        assert places.full(shorten_filename(str(file))) == str(file)
    assert places.full("no/such/file.py") == "no/such/file.py"


def test_few_places_are_told_and_lines_are_cut(tmp_path: Path) -> None:
    told: list[SourceLines] = []
    places = Places(told.append)
    file = tmp_path / "long.py"
    file.write_text("\n".join("x" * 1000 for _ in range(100)))
    for line in (1, 1, 100, 101, 0, -5):
        places.tell(str(file), line)
    assert [(source.line, source.first, len(source.lines)) for source in told] == [(1, 1, 4), (100, 97, 4)]
    assert all(len(line) == 160 for source in told for line in source.lines)
    places.tell(str(tmp_path / "gone.py"), 3)
    for line in range(2, 90):
        places.tell(str(file), line)
    assert len(told) == 24


def test_of_a_guard_without_a_place_the_callers_lines_are_told(monitor: CompileMonitor, events: Events) -> None:
    compiled = torch.compile(Denoiser(), backend="eager")
    for size in (2, 3):
        compiled(torch.zeros(size, 4))
    assert events.one(Recompile).at is None
    first, second = events.of(CompileStarted)
    source = events.one(SourceLines)
    assert f"{source.file}:{source.line}" == (first.caller or "").partition(" in ")[0]
    assert second.caller is None, "the same as the first's"
    assert "compiled(torch.zeros(size, 4))" in source.lines[source.line - source.first]


def test_the_lines_of_a_graph_break_are_told(monitor: CompileMonitor, events: Events) -> None:
    def broken(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return x * 2

    torch.compile(broken, backend="eager")(torch.zeros(2))
    told, source = events.one(GraphBreak), events.one(SourceLines)
    assert (source.file, source.line) == (told.file, told.line)
    restarts = [end.restart_reasons for end in events.of(CompileEnded)]
    assert [len(reasons) for reasons in restarts] == [1, 0]
    assert restarts[0][0]


def test_an_error_on_recompile_tells_its_guards_too(monitor: CompileMonitor, events: Events) -> None:
    compiled = torch.compile(Denoiser(), backend="eager")
    compiled(torch.zeros(2, 4))
    with torch._dynamo.config.patch(error_on_recompile=True), pytest.raises(torch._dynamo.exc.RecompileError):
        compiled(torch.zeros(3, 4))
    told = events.one(Recompile)
    assert (told.id, told.argument, told.actual) == ("0/1", "sample", "float32[3, 4]")
    ended = events.of(CompileEnded)[-1]
    assert (ended.id, ended.ok, ended.failure) == ("0/1", False, "RecompileError")


@pytest.mark.parametrize(
    "setting", [{"recompile_limit": 2}, {"accumulated_recompile_limit": 2}], ids=lambda setting: next(iter(setting))
)
@pytest.mark.parametrize("fullgraph", [False, True])
def test_both_limits_are_told_by_their_names(
    setting: dict[str, int], fullgraph: bool, monitor: CompileMonitor, events: Events
) -> None:
    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        return x * {"a": 2, "b": 3, "c": 4}[mode]

    compiled = torch.compile(scaled, backend="eager", fullgraph=fullgraph)
    with torch._dynamo.config.patch(**setting):
        for mode in "ab":
            compiled(torch.zeros(2), mode)
        if fullgraph:
            with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
                compiled(torch.zeros(2), "c")
        else:
            compiled(torch.zeros(2), "c")
    limit = events.one(CompileLimit)
    assert (limit.setting, limit.limit, limit.fatal) == (next(iter(setting)), 2, fullgraph)


def test_the_own_cost_is_told(monitor: CompileMonitor, events: Events) -> None:
    torch.compile(Denoiser(), backend="eager")(torch.zeros(2, 4))
    ended = events.one(CompileEnded)
    assert ended.handler_ns is not None
    assert 0 < ended.handler_ns <= monitor.spent_ns
    assert ended.handler_ns < ended.ns
