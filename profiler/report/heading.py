"""What stands above figures: a session, the work that its cases share, and what they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from profiler.analysis.state import SessionState
from profiler.report.casedocument import Device, device_of, versions_of
from profiler.request import Workload


def heading(session: SessionState, *, copied: bool = False) -> list[str]:
    """A session in three lines: its state, its work, its device and versions."""
    state = session.state + (f" ({reason})" if (reason := session.reason or session.presumed) else "")
    repeats = session.request.repeats
    work = shared_work([case.workload for case in session.request.cases])
    return [
        f"session {session.session}: {state}{', copied from another machine or boot' if copied else ''}",
        f"{work}, {repeats} repeat{'s' * (repeats != 1)}" + (" and more until sure" * session.request.until_sure),
        made_with(device_of(session), versions_of(session)),
    ]


def made_with(device: Device, versions: Mapping[str, str]) -> str:
    """``cuda:0, NVIDIA H200; torch 2.13.0, diffusers 0.42.1``."""
    packages = [f"{name} {versions[name]}" for name in ("torch", "diffusers") if versions.get(name)]
    return "; ".join(filter(None, [", ".join(filter(None, [device.device, device.name])), ", ".join(packages)]))


def shared_work(workloads: Sequence[Workload]) -> str:
    """What is the same in all ``workloads``: ``sd15-txt2img, tiny, batch 1, 128x128, 20 steps, float32, random weights,
    5 calls``. What differs is left to the names of the rows.
    """
    if not workloads:
        return "no case"
    first = workloads[0]
    told = {
        ("pipeline",): first.pipeline,
        ("size",): "" if first.size == "full" else first.size,
        ("batch_size",): f"batch {first.batch_size}",
        ("width", "height"): f"{first.width}x{first.height}" if first.width and first.height else "",
        ("frames",): f"{first.frames} frames" if first.frames else "",
        ("steps",): f"{first.steps} steps" if first.steps else "",
        ("dtype",): first.dtype,
        ("weights",): f"{first.weights} weights",
        ("scenario",): "" if first.scenario == "steady" else f"scenario {first.scenario}",
        ("calls",): f"{first.calls} call{'s' * (first.calls != 1)}",
    }
    alike = [
        text
        for fields, text in told.items()
        if text and all(getattr(one, field) == getattr(first, field) for one in workloads for field in fields)
    ]
    return ", ".join(alike) or f"{len(workloads)} cases that share no setting"
