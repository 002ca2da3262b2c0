"""Whether two lots made the same picture, in a word for the table and in a sentence for the details."""

from __future__ import annotations

import math

from profiler.analysis.outputs import OutputComparison
from profiler.report import rows
from profiler.report.text import NOT_MEASURED
from tui import safe
from tui.pictures import words

Cell = tuple[str, str]


def output_cell(found: OutputComparison | None) -> Cell:
    """As `show` says it, ``equal``, ``58.1 dB``; of what ``DIFFERS`` the details tell how far."""
    said = rows.output_cell(found)
    if said == NOT_MEASURED:
        return words.NOTHING, "quiet"
    if found is not None and found.warning is not None:
        return "DIFFERS", "bad"
    return said, "good" if found is not None and found.equal else ""


def output_text(found: OutputComparison | None) -> Cell:
    """The same as a sentence; "" where nothing is compared."""
    if found is None:
        return "", ""
    if found.reason is not None:
        return safe.line(f"not compared: {found.reason}", 300), "quiet"
    if found.equal:
        return "the baseline's latents bit for bit", "good"
    parts = []
    if found.psnr_db is not None and math.isfinite(found.psnr_db):
        parts.append(f"PSNR {found.psnr_db:.1f} dB against the baseline's latents")
    if found.max_abs is not None:
        of = f" of a range of {words.decimal(found.range)}" if found.range is not None else ""
        parts.append(f"largest difference {words.decimal(found.max_abs)}{of}")
    if found.self_psnr_db is not None:
        parts.append(f"the baseline reaches {found.self_psnr_db:.1f} dB against itself")
    text = ", ".join(parts)
    if found.warning is not None:
        return safe.line(f"DIFFERS: {found.warning}{f' ({text})' if text else ''}", 500), "bad"
    return safe.line(text or "close to the baseline's latents", 500), ""
