"""Our steps against those of other programs on the same GPU: at most 2 % apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from profiler import catalog
from profiler.catalog.build import build
from profiler.events import Event
from profiler.request import Options, resolve
from profiler.subject import Subject
from profiler.worker.measure import Measurement
from tests.gpu.support import peers

pytestmark = pytest.mark.gpu

DEVICE = "cuda:0"
BATCH = 16  # where the device sets the pace on any GPU


@pytest.fixture(scope="module")
def subject() -> Iterator[Subject]:
    """Stable Diffusion 1.5 at full size."""
    yield build(catalog.find("sd15-txt2img"), size="full", weights="random", dtype="bfloat16", device=DEVICE, seed=0)
    torch.cuda.empty_cache()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def measurement(subject: Subject, events: list[Event]) -> Iterator[Measurement]:
    options = Options(
        pipeline="sd15-txt2img",
        variants=["no-compile"],
        batch_sizes=[BATCH],
        steps=20,
        guidance=1.0,
        dtype="bfloat16",
    )
    workload = resolve(options, DEVICE).cases[0].workload
    with Measurement(subject, workload, events.append, device=DEVICE) as made:
        yield made


def test_diffusers_own_method(
    measurement: Measurement,
    events: list[Event],
    subject: Subject,
    record_property: Callable[[str, object], None],
) -> None:
    """torch.utils.benchmark on the denoiser."""
    found = peers.by_benchmark(measurement, events, subject.denoisers[0].module)
    record_property("torch.utils.benchmark", str(found))
    assert found.error <= peers.LIMIT, str(found)


def test_torchs_profiler(
    measurement: Measurement,
    events: list[Event],
    subject: Subject,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """The trace of CUPTI, of the very call that is measured."""
    found = peers.by_profiler(measurement, events, subject.pipe.scheduler, "cuda", tmp_path / "trace.json")
    record_property("torch.profiler", str(found))
    assert found.error <= peers.LIMIT, str(found)
