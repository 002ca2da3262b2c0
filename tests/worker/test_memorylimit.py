"""A limit for what a run may allocate."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from profiler.worker import memorylimit

ROOT = Path(__file__).resolve().parents[2]
IN_A_PROCESS_OF_ITS_OWN = """
import resource, torch
from profiler.worker import memorylimit
from profiler.worker.failures import classify

before = resource.getrlimit(resource.RLIMIT_DATA)
memorylimit.apply(None, "cpu")
assert resource.getrlimit(resource.RLIMIT_DATA) == before
torch.set_num_threads(24)
memorylimit.apply(0.25, "cpu")
held_bytes = memorylimit.held_bytes()
torch.ones(1 << 20, dtype=torch.uint8)
torch.nn.functional.conv2d(torch.ones(1, 8, 64, 64), torch.ones(8, 8, 3, 3))
assert memorylimit.held_bytes() - held_bytes < 64 << 20  # the stacks of torch's threads, 8 MiB each, are not the run's
unsupported = RuntimeError("could not create a primitive")
assert memorylimit.refusal(unsupported) is unsupported  # there is memory enough: it is something else
torch.zeros(100 << 20, dtype=torch.uint8)  # 100 MiB and 200 MiB fit
torch.zeros(200 << 20, dtype=torch.uint8)
try:
    torch.zeros(300 << 20, dtype=torch.uint8)
except RuntimeError as error:
    outcome = classify(error, "call 2", "cpu")
print(outcome.event.outcome, outcome.out_of_memory.when, outcome.out_of_memory.asked_bytes)
held = []
try:
    while True:
        held.append(bytearray(1 << 20))
except MemoryError as error:
    print(classify(error, "load", "cpu").event.outcome)
other = RuntimeError("shapes differ")
assert memorylimit.refusal(other) is other
print(classify(memorylimit.refusal(unsupported), "load", "cpu").event.reason)
memorylimit.lift()
assert resource.getrlimit(resource.RLIMIT_DATA)[0] == before[1]
torch.zeros(300 << 20, dtype=torch.uint8)
"""


def test_on_a_cpu_what_goes_beyond_the_limit_is_out_of_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    one, two, three = done.stdout.splitlines()
    assert (one, two) == ("oom call 2 314572800", "oom")
    assert three.startswith("out of memory during load: ")
    assert three.endswith("of the memory limit, and that was not enough: could not create a primitive")


class FakeCuda:
    def __init__(self) -> None:
        self.fractions: list[tuple[float, str]] = []

    def get_device_properties(self, device: str) -> SimpleNamespace:
        return SimpleNamespace(total_memory=80 << 30)

    def set_per_process_memory_fraction(self, fraction: float, device: str) -> None:
        self.fractions.append((fraction, device))


@pytest.mark.parametrize(("limit_gib", "fraction"), [(20.0, 0.25), (0.5, 0.00625), (200.0, 1.0)])
def test_on_cuda_it_is_the_allocators(limit_gib: float, fraction: float) -> None:
    cuda = FakeCuda()
    memorylimit.apply(limit_gib, "cuda:1", cuda)
    assert cuda.fractions == [(pytest.approx(fraction), "cuda:1")]
