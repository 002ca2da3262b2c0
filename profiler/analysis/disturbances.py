"""What NVML saw on the GPU that puts a shade on figures: it is flagged, and vetoes nothing."""

from __future__ import annotations

from profiler.analysis.columns import known
from profiler.analysis.state import Phase, SessionState

# Bits of NVML's clock event reasons (nvml.h). Power cap and idle clocks aren't among them: they are normal.
SLOWDOWNS = {
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}


def gpu_flags(session: SessionState, phase: Phase, end_ns: int) -> list[str]:
    """One line for each disturbance in the samples from ``phase``'s start to ``end_ns``."""
    first, last = session.gpu.first_at("t", phase.start_ns), session.gpu.first_at("t", end_ns + 1)
    reasons = 0
    for sample in known(session.gpu.column("reasons", first, last)):
        reasons |= sample
    flags: list[str] = []
    slowdowns = [name for bit, name in SLOWDOWNS.items() if reasons & bit]
    if slowdowns:
        flags.append(f"the GPU slowed down in the measured calls: {', '.join(slowdowns)}")
    others = max(known(session.gpu.column("others", first, last)), default=0)
    if others:
        count = "1 other process" if others == 1 else f"up to {others} other processes"
        flags.append(f"{count} on the GPU in the measured calls")
    return flags
