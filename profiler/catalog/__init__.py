"""The pipelines that stepscope knows, as data. Building one needs torch and lives in ``profiler.catalog.build``."""

from __future__ import annotations

from profiler.catalog.deepfloyd import DEEPFLOYD_IF
from profiler.catalog.entry import Component, Entry, Part, Size, Tensor
from profiler.catalog.flux import FLUX1_DEV, FLUX1_SCHNELL
from profiler.catalog.pixart import PIXART_SIGMA
from profiler.catalog.qwen import QWEN_IMAGE
from profiler.catalog.sana import SANA_1600M
from profiler.catalog.sd3 import SD35_LARGE, SD35_MEDIUM
from profiler.catalog.sd15 import SD15_CONTROLNET, SD15_IMG2IMG, SD15_INPAINT, SD15_TXT2IMG
from profiler.catalog.sdxl import SDXL_TXT2IMG
from profiler.catalog.upscaler import SD_X4_UPSCALER
from profiler.catalog.wan import WAN21_T2V
from profiler.catalog.zimage import Z_IMAGE_TURBO

ENTRIES: tuple[Entry, ...] = (
    SD15_TXT2IMG,
    SD15_IMG2IMG,
    SD15_INPAINT,
    SD15_CONTROLNET,
    DEEPFLOYD_IF,
    SDXL_TXT2IMG,
    SD_X4_UPSCALER,
    FLUX1_DEV,
    FLUX1_SCHNELL,
    SD35_MEDIUM,
    SD35_LARGE,
    PIXART_SIGMA,
    SANA_1600M,
    QWEN_IMAGE,
    Z_IMAGE_TURBO,
    WAN21_T2V,
)

__all__ = ["ENTRIES", "Component", "Entry", "Part", "Size", "Tensor", "find", "names"]


def names() -> list[str]:
    """The names of all entries, in the order of the catalogue."""
    return [entry.name for entry in ENTRIES]


def find(name: str) -> Entry:
    """The entry called ``name``. Raises KeyError."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise KeyError(name)
