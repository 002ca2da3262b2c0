"""What the hooks cost and whether the rate agrees with the pipeline's own bar, on the tiny pipeline on a CPU.

Runs in a process of its own (``python -m tests.bench.instrumentation PAIRS CALLS``), so that torch's threads disturb
no other bench.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.bench.table import Row
from tests.bench.watching import ROOT

RATIO_LIMIT = 1.01
RATE_LIMIT = 0.01


def rows(quick: bool) -> Iterator[Row]:
    pairs, calls = (20, 5) if quick else (100, 15)
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.instrumentation", str(pairs), str(calls)],
        cwd=ROOT,
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=900,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    ratio, paired, step_ms = found["ratio"], found["paired_ratio"], found["step_ms"]
    yield Row(
        "hooked / bare denoise loop",
        f"<= {RATIO_LIMIT}",
        f"{ratio:.4f}",
        ratio <= RATIO_LIMIT,
        f"{pairs} pairs, steps of {step_ms:.1f} ms; median of the pairs' ratios {paired:.4f}",
    )
    yield Row("final latents, hooked and bare", "bit-equal", "equal" if found["equal"] else "differ", found["equal"])
    errors = found["errors"]
    middle = statistics.median(errors)
    yield Row(
        "it/s against the pipeline's bar",
        f"within {RATE_LIMIT:.0%}",
        f"{middle:.2%}",
        middle <= RATE_LIMIT,
        f"median of {calls} calls, worst {max(errors):.2%}; {found['rate']:.1f} it/s",
    )


def measure(pairs: int, calls: int) -> dict[str, Any]:
    """The figures, in this process."""
    from profiler import catalog
    from profiler.catalog.build import build
    from profiler.events import Event, Step
    from profiler.request import Options, resolve
    from profiler.worker import bench
    from profiler.worker.measure import Measurement

    workload = resolve(Options(pipeline="sd15-txt2img", size="tiny", variants=["no-compile"]), "cpu").cases[0].workload
    entry = catalog.find(workload.pipeline)
    subject = build(entry, size=workload.size, weights=workload.weights, dtype=workload.dtype, device="cpu")
    events: list[Event] = []
    with Measurement(subject, workload, events.append) as measurement:
        for _ in range(3):
            measurement.bare_call()
        equal = same_latents(measurement)
        cost = bench.overhead(measurement, pairs)
        agreements = [bench.agreement(measurement, events) for _ in range(calls)]
    return {
        "ratio": cost.ratio,
        "paired_ratio": cost.paired_ratio,
        "equal": equal,
        "errors": [agreement.error for agreement in agreements],
        "rate": agreements[-1].measured,
        "step_ms": statistics.median(event.ns for event in events if type(event) is Step) / 1e6,
    }


def same_latents(measurement: Any) -> bool:
    """Whether a hooked and a bare call hand the very same latents to the decoder."""
    import torch

    decoded: list[torch.Tensor] = []
    decode = measurement.pipe.vae.decode

    def listening(latents: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        decoded.append(latents.clone())
        return decode(latents, *arguments, **options)

    measurement.pipe.vae.decode = listening
    try:
        measurement.call("measure")
        measurement.bare_call()
    finally:
        del measurement.pipe.vae.decode
    hooked, bare = decoded
    return bool(torch.equal(hooked, bare)) and hooked.dtype == bare.dtype


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
