"""The small pictures that a run keeps, read without an imaging library: binary PPM (P6) of 8 bits a channel."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from profiler.report.beside import read_regular

LONGEST_SIDE = 512
"""Pixels that a reader takes; the worker writes thumbnails of at most 160."""
_HEADER = re.compile(rb"P6\s+(\d{1,4})\s+(\d{1,4})\s+255\s")


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """``rgb`` holds 3 bytes a pixel, row by row from the top left."""

    width: int
    height: int
    rgb: bytes

    def pixel(self, x: int, y: int) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        at = (y * self.width + x) * 3
        return self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]


def read_thumbnail(path: Path) -> Thumbnail | None:
    """The picture in ``path``; None if there is none that can be shown, whatever the file holds."""
    data = read_regular(path, LONGEST_SIDE * LONGEST_SIDE * 3 + 64)
    header = _HEADER.match(data) if data is not None else None
    if data is None or header is None:
        return None
    width, height = int(header[1]), int(header[2])
    rgb = data[header.end() :]
    fits = 0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and len(rgb) == width * height * 3
    return Thumbnail(width, height, rgb) if fits else None
