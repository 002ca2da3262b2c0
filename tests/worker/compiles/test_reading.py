"""A monitor that reads the user's objects runs none of their code, and takes whatever torch can be given."""

from __future__ import annotations

import collections
import linecache

import pytest
import torch
from torch import nn

from profiler.events import CompileEnded, CompileLimit, CompileStarted, Recompile
from profiler.worker.compiles import CompileMonitor, reading
from tests.worker.compiles.conftest import Events


class Touchy(dict):
    """A dictionary, a list's and an object's worth of code that must not run."""

    touched: list[str] = []

    def __getitem__(self, key: object) -> object:
        self.touched.append("item")
        return super().__getitem__(key)

    def __missing__(self, key: object) -> object:
        self.touched.append("missing")
        self[key] = 0
        return 0

    def __len__(self) -> int:
        self.touched.append("len")
        return super().__len__()

    def __iter__(self):
        self.touched.append("iter")
        return super().__iter__()

    def items(self):
        self.touched.append("items")
        return super().items()

    @property
    def slow(self) -> int:
        self.touched.append("property")
        return 1

    def __repr__(self) -> str:
        self.touched.append("repr")
        return "touchy"


class Word(str):
    def __repr__(self) -> str:
        raise AssertionError("nobody asked")


class Loud(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        raise AssertionError("nobody asked")


@pytest.fixture
def touchy() -> Touchy:
    found = Touchy(a=1)
    found.touched.clear()
    return found


def test_nothing_of_a_users_object_runs(touchy: Touchy) -> None:
    assert reading.item(touchy, "a") == 1
    with pytest.raises(KeyError):
        reading.item(touchy, "b")
    assert reading.length(touchy) == 1
    assert list(reading.members(touchy, 9)) == [("a", 1)]
    with pytest.raises(LookupError, match="slow is computed"):
        reading.attribute(touchy, "slow")
    with pytest.raises(LookupError):
        reading.item(object(), 0)
    assert reading.plain(touchy) is None
    assert touchy.touched == []
    assert reading.plain(Word("x")) == "'x'"
    assert reading.shape(torch.zeros(2, 3).as_subclass(Loud)) == (2, 3)
    assert reading.attribute(torch.zeros(2).as_subclass(Loud), "dtype") is torch.float32


def test_what_is_kept_as_it_is_is_read() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.SiLU())
    assert reading.attribute(module, "training") is True
    assert reading.attribute(module, "0") is module[0]
    assert reading.item(module, 1) is module[1]
    assert reading.length(module) == 2
    assert reading.attribute(module[0], "weight") is module[0].weight
    assert reading.attribute(module, "__dict__") is module.__dict__
    module.forward = module.forward
    assert reading.attribute(module, "forward") is module.forward, "a bound method in the object itself"
    assert reading.attribute(nn.SiLU(), "forward").__func__ is nn.SiLU.forward
    assert reading.attribute(nn.SiLU.forward, "__code__") is nn.SiLU.forward.__code__
    assert reading.attribute(torch, "float32") is torch.float32
    for holder in (module, torch, type("Empty", (), {})()):
        with pytest.raises((KeyError, AttributeError)):
            reading.attribute(holder, "absent")


def test_a_dictionary_that_makes_what_it_is_asked_for_stays_as_it_is(monitor: CompileMonitor, events: Events) -> None:
    def scaled(x: torch.Tensor, options: dict[str, int]) -> torch.Tensor:
        return x * 2 if "a" in options else x

    compiled = torch.compile(scaled, backend="eager")
    compiled(torch.zeros(2), collections.defaultdict(int, a=1))
    options = collections.defaultdict(int, b=1)
    compiled(torch.zeros(2), options)
    assert dict(options) == {"b": 1}
    assert events.one(Recompile).actual == "missing; keys: b"


@pytest.mark.filterwarnings("ignore")
def test_odd_arguments_hide_no_compile(monitor: CompileMonitor, events: Events) -> None:
    """A tensor without sizes, keys without a text: the compile is told all the same."""

    class Key:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    def plain(x: torch.Tensor, other: object = None) -> torch.Tensor:
        return x + 1

    compiled = torch.compile(plain, backend="eager", dynamic=False)
    odd = [
        {Key(): 1},
        nn.UninitializedParameter(),
        torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
        torch.zeros(2, device="meta"),
    ]
    for size, argument in enumerate(odd, start=2):
        compiled(torch.zeros(size), argument)
    assert len(events.of(CompileStarted)) == len(odd)
    assert monitor.errors == 0


def test_a_compile_within_a_compile_goes_on(monitor: CompileMonitor, events: Events) -> None:
    """torch gathers the metrics of both in one place, and fails the inner one where a hook sets the same metric."""

    def compiling_backend(graph, inputs):
        torch.compile(lambda x: x * 2, backend="eager")(torch.zeros(3))
        return graph

    torch.compile(lambda x: x + 1, backend=compiling_backend)(torch.zeros(2))
    assert [(ended.id, ended.ok) for ended in events.of(CompileEnded)] == [("1/0", True), ("0/0", True)]


def test_a_compile_within_a_compile_ends_whatever_becomes_of_it(monitor: CompileMonitor, events: Events) -> None:
    """It has no metrics of its own: those of both go to the outer one."""

    def scaled(x: torch.Tensor, mode: str) -> torch.Tensor:
        return x * 2 if mode == "a" else x * 3

    inner = torch.compile(scaled, backend="eager")

    def compiling_backend(graph, inputs):
        for mode in "abcd":
            inner(torch.zeros(3), mode)
        return graph

    with torch._dynamo.config.patch(recompile_limit=2):
        torch.compile(lambda x: x + 1, backend=compiling_backend)(torch.zeros(2))
    done = {event.id for event in [*events.of(CompileEnded), *events.of(CompileLimit)]}
    assert done == {event.id for event in events if event.id is not None}
    assert [limit.id for limit in events.of(CompileLimit)] == ["1/2"]


def test_a_guard_too_deep_to_be_read_is_told(monitor: CompileMonitor, events: Events, feed) -> None:
    for number, guard in enumerate((f"x{'.y' * 1900} == 3", f"{'-' * 3000}x == 3", "[" * 200_000)):
        metadata = {"artifact": {"name": "recompile_reasons"}, "frame_id": number, "frame_compile_id": 1}
        monitor.handle(feed(metadata, guard))
    assert len(events.of(Recompile)) == 3
    assert all(told.reasons for told in events.of(Recompile))


def test_what_is_no_plain_file_is_not_opened(
    monitor: CompileMonitor, events: Events, feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script that was piped in has the pipe's name: to read it would wait for ever."""
    opened: list[str] = []
    monkeypatch.setattr(linecache, "getlines", lambda file: opened.append(file) or [])
    text = "Graph break in user code at /dev/stdin:3\nGraph Break Reason: because"
    metadata = {"artifact": {"name": "dynamo_graph_break_reason"}, "frame_id": 0, "frame_compile_id": 0}
    monitor.handle(feed(metadata, text))
    assert opened == []
