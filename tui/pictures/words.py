"""Numbers as people read them on a screen that must not change more often than it has to say something new."""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "–"


def elapsed(seconds: float) -> str:
    """How long something goes on, coarse enough not to be a clock: ``a moment``, ``20 s``, ``1 h 20 min``."""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return "a moment" if seconds < 1 else "a few seconds"
    if seconds < 60:
        return f"{int(seconds // 10) * 10} s"
    return hours(int(seconds // 60))


def hours(minutes: int) -> str:
    """``3 min``, ``1 h 20 min``, ``2 d 3 h``."""
    if minutes < 60:
        return f"{minutes} min"
    if minutes >= 100 * 365 * 1440:
        return "over 100 years"  # somebody's --max-time may have 300 digits
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def time_left(seconds: float | None) -> str:
    """An estimate, rounded up so that it changes a few times a minute at most; "" where there is none."""
    if seconds is None or not math.isfinite(seconds):
        return ""
    if seconds <= 5:
        return "a few seconds left"
    if seconds <= 55:
        return f"about {math.ceil(seconds / 5) * 5} s left"
    told = hours(math.ceil(seconds / 60))
    return f"{told} left" if told.startswith("over") else f"about {told} left"


def age(seconds: float) -> str:
    """How long ago something was, in its largest unit."""
    if seconds < 60:
        return "now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    return f"{int(seconds // 3600)} h ago" if seconds < 48 * 3600 else f"{int(seconds // 86400)} d ago"


def at(seconds: float) -> str:
    """A moment within a session: ``m:ss`` or ``h:mm:ss``."""
    whole = max(int(seconds), 0)
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"


def decimal(value: float | None, digits: int = 3) -> str:
    """``value`` with about ``digits`` significant digits and no exponent: ``46.9``, ``0.123``, ``1234``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(places, 6)}f}"


def seconds(value: float | None) -> str:
    """A duration: ``0.42 s``, ``24.3 s``, ``12 min``."""
    if value is None:
        return NOTHING
    if value >= 600:
        return hours(round(value / 60))
    return f"{decimal(value, 2 if value < 1 else 3)} s"


def size(value: float | None) -> str:
    """Bytes in binary units: ``5.21 GiB``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    number = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(number) < 1000:
            return f"{decimal(number) if unit != 'B' else int(number)} {unit}"
        number /= 1024
    return f"{decimal(number)} TiB"


def interval(low: float, high: float) -> str:
    """Both ends of an interval of ratios: ``0.67–2.03``."""
    return f"{ratio(low)}–{ratio(high)}"


def ratio(value: float) -> str:
    """``1.45``; near 1, where verdicts are decided, ``1.003``."""
    return f"{value:.{3 if 0.9 < value < 1.1 else 2}f}"


def count(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``3 runs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def shared(names: Sequence[str]) -> int:
    """How many characters of whole words all ``names`` begin with: 15 of "call arguments 1/3", "call arguments 2/3"."""
    shared = 0
    for end in (place + 1 for place, char in enumerate(names[0]) if char == " "):
        if not all(name.startswith(names[0][:end]) for name in names):
            break
        shared = end
    return shared
