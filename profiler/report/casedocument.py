"""What documents say of a case or a run that is compared, and of the device that it was made on, as types."""

from __future__ import annotations

from typing import Any

import msgspec

from profiler.analysis.cases import CaseFigures
from profiler.analysis.lots import Lot
from profiler.analysis.outputs import OutputComparison
from profiler.analysis.state import SessionState
from profiler.request import Workload


class Device(msgspec.Struct, kw_only=True):
    """``name`` and the sizes are torch's or NVML's; None where neither said anything (yet)."""

    device: str
    name: str | None = None
    uuid: str | None = None
    total_bytes: int | None = None
    driver: str | None = None
    samples: str | None = None  # why there are no GPU samples


class CaseDocument(CaseFigures, frozen=True, kw_only=True):
    """One case: the figures pooled over its runs and what they say against the baseline, and what it is."""

    workload: Workload
    run_names: list[str]
    output: OutputComparison | None = None  # the final latents against the baseline's; None: not looked at
    output_equal: bool | None = None  # they are the baseline's bit for bit, at the same seed
    output_psnr_db: float | None = None  # how close they are where they aren't equal


def device_of(session: SessionState) -> Device:
    """What is known of the device: torch's word first, NVML's where torch has none."""
    environment = next((run.environment for run in session.runs.values() if run.environment), None)
    seen = session.device
    return Device(
        device=session.request.device,
        name=(environment and environment.device_name) or (seen and seen.name) or None,
        uuid=(environment and environment.uuid) or (seen and seen.uuid) or None,
        total_bytes=(environment and environment.total_bytes) or (seen and seen.total_bytes) or None,
        driver=seen.driver if seen else None,
        samples=seen.reason if seen else None,
    )


def versions_of(session: SessionState) -> dict[str, str]:
    """The versions that the first run to tell them was made with."""
    return next((run.environment.versions for run in session.runs.values() if run.environment), {})


def case_values(lot: Lot, figures: CaseFigures, output: OutputComparison | None) -> dict[str, Any]:
    """The fields of a CaseDocument."""
    return {name: getattr(figures, name) for name in CaseFigures.__struct_fields__} | {
        "workload": lot.case.workload,
        "run_names": [run.name for run in lot.runs],
        "output": output,
        "output_equal": output.equal if output is not None else None,
        "output_psnr_db": output.psnr_db if output is not None else None,
    }
