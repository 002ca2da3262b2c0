"""The recompile limit, and the fall to eager that torch keeps silent about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from profiler.events import CompileEnded, CompileLimit, CompileStarted, EagerFallback, Event, Recompile
from profiler.worker.compiles import CompileMonitor, FallbackWatch
from profiler.worker.compiles.graphs import Fallback
from profiler.worker.where import Where
from tests.worker.compiles.conftest import Events


class Scaled(torch.nn.Module):
    def forward(self, sample: torch.Tensor, mode: str) -> torch.Tensor:
        return sample * {"a": 2, "b": 3, "c": 4, "d": 5}[mode]


@pytest.fixture
def limit_of_two() -> Iterator[None]:
    with torch._dynamo.config.patch(recompile_limit=2):
        yield


def steps(monitor: CompileMonitor, here: Where, compiled, modes: str) -> list[int]:
    """Run one step for each mode as the worker does; returns the compiled graphs executed in each."""
    found = []
    for step, mode in enumerate(modes):
        here.step = step
        before = monitor.graphs_executed()
        compiled(torch.ones(2), mode)
        after = monitor.graphs_executed()
        assert before is not None
        assert after is not None
        monitor.on_step(after - before)
        found.append(after - before)
    return found


@pytest.mark.usefixtures("limit_of_two")
def test_the_limit_and_the_silent_fallback_after_it(
    monitor: CompileMonitor, events: Events, here: Where, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Scaled()
    monitor.name_modules({"unet": model})
    graphs = steps(monitor, here, torch.compile(model, backend="eager"), "aabbcdcab")
    assert graphs == [1, 1, 1, 1, 0, 0, 0, 1, 1], "what is compiled already still runs compiled"
    limit = events.one(CompileLimit)
    assert (limit.module, limit.fqn, limit.function, limit.limit) == ("Scaled", "unet", "forward", 2)
    assert not limit.fatal
    assert (limit.id, limit.step) == ("0/2", 4)
    assert "limit" in limit.why
    assert len(events.of(CompileStarted)) == len(events.of(CompileEnded)) == 2
    assert events.of(Recompile)[-1].actual == "'c'"
    fallback = events.one(EagerFallback)
    assert (fallback.graphs, fallback.expected, fallback.step) == (0, 1, 4)
    assert "recompile_limit" not in capsys.readouterr().err, "the warning became an event"


@pytest.mark.usefixtures("limit_of_two")
def test_the_limit_is_fatal_for_fullgraph(monitor: CompileMonitor, events: Events, here: Where) -> None:
    compiled = torch.compile(Scaled(), backend="eager", fullgraph=True)
    steps(monitor, here, compiled, "ab")
    with pytest.raises(torch._dynamo.exc.FailOnRecompileLimitHit):
        compiled(torch.ones(2), "c")
    limit = events.one(CompileLimit)
    assert limit.fatal
    assert limit.limit == 2
    assert "fullgraph" in limit.why


@pytest.mark.usefixtures("limit_of_two")
def test_a_limit_hit_in_the_first_step_is_a_fallback_too(monitor: CompileMonitor, events: Events, here: Where) -> None:
    """Regional compilation: one step runs more kinds of block than the limit allows."""
    compiled = torch.compile(Scaled(), backend="eager")
    monitor.name_modules({"unet": compiled})

    def model(sample: torch.Tensor, _: str) -> torch.Tensor:
        for mode in "abcd":
            sample = compiled(sample, mode)
        return sample

    assert steps(monitor, here, model, "xx") == [2, 2]
    fallback = events.one(EagerFallback)
    assert (fallback.graphs, fallback.expected, fallback.step) == (2, 4, 0), "torch tells of one, the second is silent"


@pytest.mark.usefixtures("limit_of_two")
def test_a_module_first_called_after_the_limit_has_fallen_without_ever_having_run_compiled(
    monitor: CompileMonitor, events: Events, here: Where
) -> None:
    """Of modules that share their code torch names the one that hit the limit: all later ones run eager silently."""
    first, second = (torch.compile(Scaled(), backend="eager") for _ in range(2))
    own = vars(second)["forward"]
    monitor.name_modules({"unet": torch.nn.ModuleList([first]), "super unet": second})
    steps(monitor, here, first, "abc")
    here.loop = 1
    assert steps(monitor, here, second, "dd") == [0, 0]
    told = [(one.loop, one.step, one.graphs, one.expected) for one in events.of(EagerFallback)]
    assert told == [(0, 2, 0, 1), (1, 0, 0, 1)]
    monitor.detach()
    assert vars(second)["forward"] is own


def test_a_compiled_module_within_a_compiled_one_is_traced_as_without_the_monitor(
    monitor: CompileMonitor, events: Events, here: Where
) -> None:
    inner = torch.compile(Scaled(), backend="eager")
    monitor.name_modules({"unet": inner})

    def outer(sample: torch.Tensor, mode: str) -> torch.Tensor:
        return inner(sample, mode) + 1

    compiled = torch.compile(outer, backend="eager", fullgraph=True)
    assert steps(monitor, here, compiled, "aaa") == [1, 1, 1]
    assert len(events.of(CompileStarted)) == 1


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_graphs_are_counted_for_every_backend(monitor: CompileMonitor, here: Where, backend: str) -> None:
    assert steps(monitor, here, torch.compile(Scaled(), backend=backend), "aab") == [1, 1, 1]


def test_graphs_of_a_broken_frame_count_each(monitor: CompileMonitor, here: Where) -> None:
    def broken(sample: torch.Tensor, mode: str) -> torch.Tensor:
        sample = sample + 1
        torch._dynamo.graph_break()
        return sample * 2

    assert steps(monitor, here, torch.compile(broken, backend="eager"), "aaa") == [2, 2, 2]


def test_eager_code_counts_nothing(monitor: CompileMonitor, here: Where) -> None:
    assert steps(monitor, here, Scaled(), "ab") == [0, 0]


def test_a_detached_monitor_cannot_tell(monitor: CompileMonitor) -> None:
    original = torch._dynamo.utils.record_pregraph_bytecode_enter
    monitor.detach()
    assert monitor.graphs_executed() is None
    assert torch._dynamo.utils.record_pregraph_bytecode_enter is not original


@pytest.mark.usefixtures("limit_of_two")
def test_a_writer_that_raises_does_not_reach_the_pipeline(here: Where) -> None:
    def write(event: Event) -> None:
        raise OSError("disk full")

    monitor = CompileMonitor(write, here=here)
    monitor.attach()
    assert steps(monitor, here, torch.compile(Scaled(), backend="eager"), "abc") == [1, 1, 0]
    monitor.detach()


def test_before_the_limit_fewer_graphs_mean_nothing() -> None:
    watch = FallbackWatch()
    assert [watch.on_step(graphs) for graphs in (3, 3, 1, 0)] == [None] * 4


def test_each_drop_is_told_once_and_again_after_a_recovery() -> None:
    watch = FallbackWatch()
    watch.on_step(3)
    watch.limit_hit()
    told = [watch.on_step(graphs) for graphs in (2, 2, 1, 2, 3, 3, 0)]
    assert told == [Fallback(2, 3), None, Fallback(1, 3), None, None, None, Fallback(0, 3)]


def test_loops_and_numbers_of_calls_are_compared_with_their_like() -> None:
    watch = FallbackWatch()
    watch.on_step(10, (0, 2))
    watch.limit_hit()
    assert watch.on_step(9, (0, 2)) == Fallback(9, 10)
    assert watch.on_step(5, (0, 1)) is None, "guidance is off: one call of two"
    assert watch.on_step(4, (1, 2)) is None, "another loop, another denoiser"
    assert watch.on_step(3, (1, 2)) == Fallback(3, 4)


def test_calls_that_ran_no_graph_count_from_the_limit_on() -> None:
    watch = FallbackWatch()
    assert watch.on_step(17, missed=12) is None
    watch.limit_hit()
    told = [watch.on_step(17, missed=12), watch.on_step(17, missed=12), watch.on_step(29), watch.on_step(16, missed=13)]
    assert told == [Fallback(17, 29), None, None, Fallback(16, 29)]


def test_a_step_that_was_not_counted_is_passed_over() -> None:
    watch = FallbackWatch()
    watch.on_step(2)
    watch.limit_hit()
    assert watch.on_step(None) is None
    assert watch.on_step(1) == Fallback(1, 2)
