"""The real tiny pipeline, built anew for every test: variants and hooks change it in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from profiler import catalog
from profiler.catalog.build import build
from profiler.events import Event
from profiler.request import Compilation, Options, Workload, resolve

ENTRY = catalog.find("sd15-txt2img")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Intra-op threads spin while they wait, which on a busy machine makes tiny tensors a thousand times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny_pipe() -> Any:
    return build(ENTRY, size="tiny", weights="random", dtype="float32", device="cpu").pipe


@pytest.fixture
def fresh_dynamo() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def make_workload(steps: int = 4, **options: Any) -> Workload:
    """The workload of a no-compile case of the tiny pipeline."""
    request = resolve(Options(pipeline=ENTRY.name, size="tiny", variants=["no-compile"], steps=steps, **options), "cpu")
    return request.cases[0].workload


def make_compilation(variant: str, backend: str = "eager", **options: Any) -> Compilation:
    request = resolve(Options(pipeline=ENTRY.name, size="tiny", variants=[variant], backend=backend, **options), "cpu")
    return request.cases[0].compilation


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    return [event for event in events if type(event) is kind]


class Ticks:
    """A clock that stands still unless it is told to move."""

    def __init__(self) -> None:
        self.ns = 0

    def __call__(self) -> int:
        return self.ns

    def seconds(self) -> float:
        return self.ns / 1e9

    def takes(self, ns: int, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, which takes ``ns`` to run."""

        def slow(*args: Any, **kwargs: Any) -> Any:
            self.ns += ns
            return function(*args, **kwargs)

        return slow
