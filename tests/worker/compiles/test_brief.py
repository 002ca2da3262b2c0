"""The short form of compile events tells what the long one does: both, of the same compiles, fold to the same state."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import msgspec
import pytest
import torch
from torch import nn

from profiler import events as ev
from profiler.analysis.compiles import Compile
from profiler.events.compiling import CacheFound, Counted, MarkFound
from profiler.worker.compiles import CompileMonitor, records
from profiler.worker.compiles.allowance import Allowance
from profiler.worker.compiles.monitor import TRACE_LOGGER
from profiler.worker.where import Where
from tests.worker.compiles.conftest import folded
from tests.worker.compiles.traced import broken, refused

FOLDER = "/site-packages/"
E = TypeVar("E", bound=ev.Event)


class Fixed(Allowance):
    """The same bounds on texts for both forms, however much is written."""

    def __init__(self, manner: str, brief: bool) -> None:
        super().__init__()
        self._fixed, self._is_brief = manner, brief

    @property
    def _manner(self) -> str:
        return self._fixed

    @property
    def brief(self) -> bool:
        return self._is_brief


class Ticks(logging.Handler):
    """A clock that goes on by a microsecond with each trace record: all monitors see it at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000

    def handle(self, record: logging.LogRecord) -> bool:
        self.now += 1000
        return True


class Told:
    """Numbers, dates and encodes what is told, as a log does."""

    def __init__(self, ticks: Ticks) -> None:
        self._ticks = ticks
        self.lines: list[bytes] = []

    def write(self, event: ev.Event) -> None:
        event.seq, event.t = len(self.lines) + 1, self._ticks.now
        self.lines.append(msgspec.json.encode(event))

    @property
    def bytes(self) -> int:
        return sum(map(len, self.lines))

    def events(self) -> list[ev.Event]:
        """Decoded anew each time: folding puts back what events leave out."""
        return [msgspec.json.decode(line, type=ev.AnyEvent) for line in self.lines]

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events() if isinstance(event, kind)]


class Small(nn.Module):
    def forward(self, sample: torch.Tensor, timestep: object) -> torch.Tensor:
        return sample * timestep


def looking(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Callable[..., Any]:
    """A backend that looks into two caches."""
    for name in ("fx_graph_cache_miss", "aotautograd_cache_miss"):
        torch._logging.trace_structured(
            "artifact", metadata_fn=lambda name=name: {"name": name, "encoding": "json"}, payload_fn=lambda: "{}"
        )
    return graph


def compile_much(here: Where) -> None:
    """Recompiles of every kind, from several places; graph breaks, refusals, a failure, ids that repeat."""
    here.call, here.stage, here.loop = 0, "denoise", 0
    unet = torch.compile(Small(), backend=looking)
    for side in (8, 16):
        unet(torch.zeros(2, 4, side, side), 3)
    unet(torch.zeros(3, 4, 8, 8), 3.0)
    linear = torch.compile(nn.Linear(4, 4), backend="eager")  # its code is a package's
    for size in (2, 3):
        linear(torch.zeros(size, 4))
    here.call = 1
    scale = torch.compile(lambda x, times: x * times, backend="eager", dynamic=False)
    for size in range(2, 6):
        here.step = size
        scale(torch.zeros(size), 2)
        scale(torch.zeros(2, size), 2)
    with torch._dynamo.config.patch(recompile_limit=1):
        for name in ("first", "second"):
            here.call = 2
            code = compile(f"def {name}(x, mode):\n    return x * 2 if mode == 'a' else x * 3\n", __file__, "exec")
            made: dict[str, Any] = {}
            exec(code, made)
            function = torch.compile(made[name], backend="eager")
            for mode in "abc":
                function(torch.zeros(3), mode)
        parts = torch.compile(broken, backend="eager")
        for mode in "abb":
            parts(torch.zeros(3), mode)
    with contextlib.suppress(torch._dynamo.exc.BackendCompilerFailed):
        torch.compile(lambda x: x.cos(), backend=refused)(torch.zeros(3))
    torch._dynamo.reset()
    for size in (2, 3, 4):
        scale(torch.zeros(size), 3)


def plain(event: ev.CompileEvent, **also: Any) -> ev.CompileEvent:
    """``event`` without what isn't part of what it tells."""
    return msgspec.structs.replace(event, seq=0, t=0, **also)


def whole(found: Compile) -> Compile:
    """``found`` without how it was told, and without how long the monitor itself took."""
    assert found.end is None or found.limit is None
    if found.end is not None:
        assert found.end.handler_ns
        found = replace(found, end=plain(found.end, handler_ns=0, overhead_ns=0, caches=[]))
    return replace(
        found,
        starts=False,
        dynamic=[plain(mark, more=[]) for mark in found.dynamic],
        caches=[plain(one) for one in found.caches],
        breaks=[plain(one, lines=[], first=0) for one in found.breaks],
        limit=None if found.limit is None else plain(found.limit),
        caller=None if found.limit else found.caller,  # the short form tells it of one that is refused, too
        stack=() if found.limit else found.stack,
    )


@pytest.fixture(scope="module")
def logs() -> dict[tuple[str, bool], Told]:
    """The same compiles as told with either bounds on texts, in the long form and in the short one (True)."""
    ticks, here, trace = Ticks(), Where(phase="measure"), logging.getLogger(TRACE_LOGGER)
    logs = {(manner, brief): Told(ticks) for manner in ("short", "least") for brief in (False, True)}
    monitors = []
    for form, log in logs.items():
        with mock.patch.object(records, "Allowance", functools.partial(Fixed, *form)):
            monitors.append(CompileMonitor(log.write, here=here, clock=lambda: ticks.now))
    torch._dynamo.reset()
    handlers = list(trace.handlers)
    for monitor in monitors:
        monitor.attach()
    trace.handlers.insert(0, ticks)
    with torch.no_grad():
        compile_much(here)
    for monitor in monitors:
        monitor.detach()
    trace.handlers = handlers
    torch._dynamo.reset()
    assert [monitor.errors for monitor in monitors] == [0] * 4
    return logs


@pytest.fixture(params=["short", "least"])
def told(request: pytest.FixtureRequest, logs: dict[tuple[str, bool], Told]) -> dict[str, Told]:
    return {"long": logs[request.param, False], "short": logs[request.param, True]}


def test_both_forms_fold_to_the_same(told: dict[str, Told]) -> None:
    long, short = folded(told["long"].events()), folded(told["short"].events())
    assert list(short.compiles) == list(long.compiles)
    for key, found in long.compiles.items():
        assert whole(short.compiles[key]) == whole(found)
    packages = str(Path(torch.__file__).parents[1])
    assert any(found.file.startswith(packages) for found in short.compiles.values())
    for name in ("limits", "loose_breaks", "fallbacks", "cudagraphs"):
        one, other = getattr(short, name), getattr(long, name)
        assert [plain(event) for event in one] == [plain(event) for event in other], name
    assert {place: (lines.first, lines.lines) for place, lines in short.sources.items()} == {
        place: (lines.first, lines.lines) for place, lines in long.sources.items()
    }
    # All that can be left out was there to be.
    assert any(found.limit for found in long.compiles.values())
    assert any(found.breaks for found in long.compiles.values())
    assert any(found.caches for found in long.compiles.values())
    assert any(len(found.dynamic) > 1 for found in long.compiles.values())
    assert any(found.epoch for found in long.compiles.values())
    assert all(found.caller for found in short.compiles.values() if found.limit)
    events = told["short"].events()
    once, again = folded(events).compiles, folded(events).compiles
    assert [whole(found) for found in once.values()] == [whole(found) for found in again.values()]


def test_the_short_form_is_short(told: dict[str, Told]) -> None:
    long, short = told["long"], told["short"]
    assert short.bytes < 0.75 * long.bytes
    assert not short.of(ev.SourceLines)
    assert not short.of(ev.CacheLookup)
    assert len(short.of(ev.CompileStarted)) < len(long.of(ev.CompileStarted))
    assert any(event.like for event in short.of(ev.Recompile))
    assert any(event.like for event in short.of(ev.CompileLimit))
    assert any(event.more for event in short.of(ev.DynamicMark))
    assert all(event.counted for event in short.of(ev.CompileEnded))
    assert any(event.lookups for event in short.of(ev.CompileEnded))
    assert any(event.beside for event in short.of(ev.Recompile))
    assert len(short.of(ev.Folder)) == 1


def test_a_compile_is_told_as_it_starts(told: dict[str, Told]) -> None:
    """Whoever watches sees each compile before its end, with its module and why."""
    events = told["short"].events()
    for at, event in enumerate(events):
        if isinstance(event, ev.CompileEnded):
            before = folded(events[:at]).compiles[event.epoch, event.id or ""]
            assert before.running
            assert before.file or not event.ok


# --- what was lost is unknown, never wrong ----------------------------------------------------------------------------

REASON = "0/0: tensor 'x' size mismatch at index 0. expected 2, actual 3"


def test_a_text_that_was_lost_is_not_known() -> None:
    run = folded(
        [
            ev.Recompile(id="0/2", reasons=["0/1: "], like="0/1", starts=True, caller="a.py:1 in f", below=True),
            ev.CompileLimit(id="0/2", like="0/7", setting="recompile_limit", limit=8),
            ev.Recompile(id="1/1", reasons=["1/0: "], matched=-1, like="0/2", starts=True),
            ev.DynamicMark(id="1/1", name="x", more=[MarkFound("", 1)]),
            ev.CompileEnded(t=900, id="1/1", ns=400, counted=Counted(3), caches=[CacheFound("fx", "hit")]),
            ev.CompileStarted(id="2/0", beside="9/9"),
            ev.CompileEnded(t=900, id="2/0", ns=400, phases={"new": 3}, counted=Counted(phases=[9, 0, 7, 6, 5, 4, 3])),
        ]
    )
    one, other, last = run.compiles.values()
    assert one.reasons == ("0/1: ",)
    assert one.caller == "a.py:1 in f"
    assert run.limits[0].why == ""
    assert other.reasons == ("1/0: ",)
    assert [(mark.name, mark.dim) for mark in other.dynamic] == [("x", None), ("x", 1)]
    assert other.end is not None
    assert (other.end.start_ns, other.end.operators, other.end.guards, other.end.breaks) == (500, 3, None, 0)
    assert last.call is None
    assert last.end is not None
    assert last.end.phases == {"new": 3, "dynamo": 9, "inductor": 7, "codegen": 6, "kernels": 5, "autotune": 4}


def test_a_damaged_log_does_not_grow_in_memory() -> None:
    long = REASON + " " * 10_000
    told: list[ev.Event] = [
        ev.Folder(path="/" * 10_000),
        ev.Recompile(id="0/1", reasons=[long], file="a.py", below=True),
        ev.Recompile(id="0/2", reasons=["0/1: "], like="0/1", indent=10**12, lines=["x"], at="a.py:3", below=True),
        ev.Recompile(id="0/3", reasons=["0/2: more than an entry "], like="0/1"),
    ]
    run = folded(told)
    assert run.compiles[0, "0/1"].file == "a.py"
    assert [found.reasons[0] for found in run.compiles.values()] == [long, "0/1: ", "0/2: more than an entry "]
    assert run.sources["a.py", 3].lines == ["x"]


def test_paths_are_below_the_folder_unless_absolute() -> None:
    run = folded(
        [
            ev.Folder(path=FOLDER),
            ev.Recompile(
                id="0/1", reasons=[REASON], file="m.py", line=3, starts=True, caller="/mine.py:2 in go", below=True,
                at="n.py:7", first=7, lines=["if x:", "", "    y"], indent=4,
            ),
            ev.GraphBreak(id="0/1", file="b.py", line=9, below=True, first=9, lines=["z"]),
        ]
    )  # fmt: skip
    (one,) = run.compiles.values()
    assert (one.file, one.caller, one.at) == (f"{FOLDER}m.py", "/mine.py:2 in go", f"{FOLDER}n.py:7")
    assert run.sources[f"{FOLDER}n.py", 7].lines == ["    if x:", "", "        y"]
    assert one.breaks[0].file == f"{FOLDER}b.py"
    assert run.sources[f"{FOLDER}b.py", 9].lines == ["z"]
