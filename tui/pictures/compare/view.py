"""What the reader chose on the Compare screen: view, order, filters, the pinned baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace

VIEWS = ("table", "latency", "distribution", "memory", "speedup", "cumulative", "images")
TITLES = {
    "table": "table",
    "latency": "latency",
    "distribution": "distribution",
    "memory": "memory",
    "speedup": "speed-up",
    "cumulative": "break-even",
    "images": "images",
}
BRIEF = {**TITLES, "distribution": "distrib.", "cumulative": "even at"}
"""The titles where there is little room."""

CHARTS = {
    "latency": ("latency",),
    "distribution": ("histogram", "ecdf"),
    "memory": ("memory",),
    "speedup": ("speedup",),
    "cumulative": ("cumulative",),
}
"""The charts of each view that has any."""

EVERY_CHART = ("latency", "histogram", "ecdf", "memory", "speedup", "cumulative")

SORTS = ("", "label", "it/s", "step ms", "p95", "speed-up", "even at", "first", "memory", "img/J")
"""Columns that rows are sorted by; "": as they were marked."""

PUBLISHED = ("", "2.0", "nightly")
"""The releases of torch whose published figures are a column; "": none are asked for."""


@dataclass(frozen=True, slots=True)
class CompareView:
    """``baseline`` is the key of the row that everything is compared with; None: each with its own."""

    view: str = "table"
    charts: tuple[str, ...] = ()  # those that there is room for
    columns: int = 80
    sort: str = ""
    descending: bool = False
    typed: str = ""
    variant: str | None = None
    baseline: str | None = None
    published: str = ""
    gpu: str | None = None  # whose published figures; None: those of each row's own GPU
    loop: int = 0
    full_range: bool = False
    ascii: bool = False

    @property
    def filtered(self) -> bool:
        """Whether some rows may be hidden."""
        return bool(self.typed.strip() or self.variant)

    @property
    def told(self) -> str:
        """The filters in words."""
        words = [self.variant] if self.variant else []
        return " ".join([*words, *([f"/{self.typed.strip()}"] if self.typed.strip() else [])])

    @property
    def unfiltered(self) -> CompareView:
        return replace(self, typed="", variant=None)
