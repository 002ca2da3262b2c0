"""What following torch.compile costs: steady steps, compiles, bytes; and whether the costs told are right.

Runs in a process of its own (``python -m tests.bench.compiles PAIRS``), with inductor and a cold cache, on a CPU.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.table import Row
from tests.bench.watching import ROOT

RATIO_LIMIT = 1.005
HANDLER_LIMIT_MS = 15.0
BYTES_LIMIT = 50_000
STRETCH = 4
"""Steps timed in a row with the monitor on or off."""
SIDE = {"height": 64, "width": 64}


def rows(quick: bool) -> Iterator[Row]:
    pairs = 100 if quick else 600
    with tempfile.TemporaryDirectory(prefix="stepscope-bench-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.compiles", str(pairs), folder],
            cwd=ROOT,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "TORCHINDUCTOR_CACHE_DIR": f"{folder}/cache"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=1800,
        )
    found = json.loads(done.stdout.splitlines()[-1])
    ratio, low, high = found["ratio"]
    yield Row(
        "steady step, monitor on / off",
        f"<= {RATIO_LIMIT}",
        f"{ratio:.4f}",
        ratio <= RATIO_LIMIT,
        f"95 % {low:.4f} to {high:.4f}; {pairs} pairs of {STRETCH} compiled steps of {found['step_ms']:.2f} ms CPU",
    )
    share = found["added_us"] / found["step_ms"] / 1e3
    yield Row(
        "what a steady step adds, by itself",
        f"<= {RATIO_LIMIT - 1:.1%} of a step",
        f"{share:.3%}",
        share <= RATIO_LIMIT - 1,
        f"{found['added_us']:.2f} us: count the graph, read the counter twice, look for a fall to eager",
    )
    for compiled in found["compiles"]:
        yield Row(
            f"own handler, {compiled['what']}",
            f"<= {HANDLER_LIMIT_MS:g} ms",
            f"{compiled['handler_ms']:.1f} ms",
            compiled["handler_ms"] <= HANDLER_LIMIT_MS,
            f"of {compiled['ms'] / 1e3:.1f} s; torch's own logging {compiled['overhead_ms']:.0f} ms",
        )
    for made in found["bytes"]:
        yield Row(
            f"compile events, {made['what']}",
            f"<= {BYTES_LIMIT / 1e3:g} KB",
            f"{made['events'] / 1e3:.1f} KB",
            made["events"] <= BYTES_LIMIT,
            f"{made['compiles']} compiles; torch's trace has {made['trace'] / 1e6:.1f} MB",
        )
    worst = found["worst"]
    yield Row(
        "a step's loss against its compiles",
        "5 % or 20 ms",
        f"{worst['share']:.2%}, {worst['off_ms']:.1f} ms",
        worst["agrees"],
        f"the worst of {worst['steps']} steps: lost {worst['lost_ms']:.0f} ms, compiles {worst['compiles_ms']:.0f} ms",
    )


def measure(pairs: int, folder: Path) -> dict[str, Any]:
    """The figures, in this process."""
    import torch

    from profiler.events import CompileEnded
    from tests.truth.costs import SHARE, SLACK_MS, held

    torch.set_num_threads(1)
    compiles, whole = _compiled(folder / "whole", "compile", "inductor", "resolution-sweep")
    _, blocks = _compiled(folder / "blocks", "regional-compile", "aot_eager", "grad-mode", engines=["accelerate"])
    steps = [one for made in (whole, blocks) for one in held(made.events)]
    worst = max(steps, key=lambda one: one.off_ms / max(one.compiles_ms, 400.0))
    ratio, step_ms = _steps(pairs)
    return {
        "ratio": ratio,
        "step_ms": step_ms,
        "added_us": _added_us(),
        "compiles": compiles,
        "bytes": [
            {
                "what": what,
                "events": made.compile_bytes,
                "trace": made.log.stat().st_size,
                "compiles": sum(isinstance(event, CompileEnded) for event in made.events),
            }
            for what, made in (("resolution-sweep", whole), ("grad-mode by region (accelerate)", blocks))
        ],
        "worst": {
            "share": worst.off_ms / worst.compiles_ms,
            "off_ms": worst.off_ms,
            "lost_ms": worst.lost_ms,
            "compiles_ms": worst.compiles_ms,
            "steps": len(steps),
            "agrees": all(one.off_ms <= max(SHARE * one.compiles_ms, SLACK_MS) for one in steps),
        },
    }


def _compiled(folder: Path, variant: str, backend: str, scenario: str, **options: Any) -> tuple[list[Any], Any]:
    """A run of the tiny Stable Diffusion 1.5 as a worker makes it, with torch's trace beside it."""
    from profiler.events import CompileEnded
    from tests.truth.traced import run

    made = run(folder, "sd15-txt2img", scenario, variant=variant, backend=backend, **SIDE, **options)
    ends = [event for event in made.events if isinstance(event, CompileEnded)]
    return [
        {
            "what": f"compile {end.id}" if number == 0 else f"recompile {end.id}, dynamic",
            "handler_ms": (end.handler_ns or math.inf) / 1e6,
            "overhead_ms": (end.overhead_ns or 0) / 1e6,
            "ms": end.ns / 1e6,
        }
        for number, end in enumerate(ends)
    ], made


def _steps(pairs: int) -> tuple[tuple[float, float, float], float]:
    """(ratio of a step with the monitor and one without, with its 95 % interval; milliseconds of a step without).

    A step is the compiled denoiser's call and what the worker asks the monitor at its end. Stretches of steps with and
    without take turns at who goes first; the ratio is the median of the pairs'. Times are the thread's CPU time: all of
    it runs on one thread, and what else the machine does is left out.
    """
    import torch

    from profiler import catalog
    from profiler.catalog.build import build
    from profiler.worker.compiles import CompileMonitor

    subject = build(catalog.find("sd15-txt2img"), size="tiny", weights="random", dtype="float32", device="cpu")
    unet = subject.pipe.unet
    arguments = (torch.zeros(2, 4, 16, 16), torch.tensor(3), torch.zeros(2, 77, unet.config.cross_attention_dim))
    monitor = CompileMonitor(lambda event: None, {"unet": unet})
    compiled = torch.compile(unet)

    def off() -> None:
        compiled(*arguments, return_dict=False)

    def on() -> None:
        before = monitor.graphs_executed() or 0
        compiled(*arguments, return_dict=False)
        monitor.on_step((monitor.graphs_executed() or 0) - before, 1)

    def stretch(attached: bool) -> float:
        """The median of its steps, in ns. The first one isn't timed: switching over costs it Python's caches."""
        step = on if attached else off
        if attached:
            monitor.attach()
        times = []
        for _ in range(1 + STRETCH):
            start = time.thread_time_ns()
            step()
            times.append(time.thread_time_ns() - start)
        monitor.detach()
        return statistics.median(times[1:])

    times: dict[bool, list[float]] = {True: [], False: []}
    with torch.no_grad():
        for attached in (False, True) * 5:
            stretch(attached)
        for pair in range(pairs):
            for attached in (pair % 2 == 0, pair % 2 == 1):
                times[attached].append(stretch(attached))
    assert monitor.spent_ns == 0, "a step that compiles nothing made the handler work"
    ratios = sorted(one / other for one, other in zip(times[True], times[False], strict=True))
    # Distribution-free: the order statistics around the median that hold it with 95 %.
    reach = 1.96 * math.sqrt(pairs) / 2
    low, high = ratios[max(0, math.floor(pairs / 2 - reach))], ratios[min(pairs - 1, math.ceil(pairs / 2 + reach))]
    return (statistics.median(ratios), low, high), statistics.median(times[False]) / 1e6


def _added_us() -> float:
    """CPU time in microseconds of what the monitor does in a step that compiles nothing: in a row, without the step."""
    import torch

    from profiler.worker.compiles import CompileMonitor

    utils, steps = torch._dynamo.utils, 20_000
    monitor = CompileMonitor(lambda event: None)

    def us(on: bool) -> float:
        start = time.thread_time_ns()
        for _ in range(steps):
            before = monitor.graphs_executed() or 0 if on else 0
            # What the code that dynamo generates calls before each graph.
            utils.record_pregraph_bytecode_exit(utils.record_pregraph_bytecode_enter())
            if on:
                monitor.on_step((monitor.graphs_executed() or 0) - before, 1)
        return (time.thread_time_ns() - start) / steps / 1e3

    without = min(us(False) for _ in range(5))
    monitor.attach()
    try:
        return min(us(True) for _ in range(5)) - without
    finally:
        monitor.detach()


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), Path(sys.argv[2]))))
