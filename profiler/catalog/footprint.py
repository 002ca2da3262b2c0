"""The least memory that a pipeline of the catalogue takes: its weights, from the counts of parameters."""

from __future__ import annotations

from collections.abc import Mapping

from profiler.catalog.entry import Entry, Part

BYTES: Mapping[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2, "float8_e4m3fn": 1, "float8_e5m2": 1}
"""Of a value of each type."""


def weight_bytes(
    entry: Entry,
    size: str,
    dtype: str,
    *,
    text_encoders: str = "light",
    stored: str | None = None,
    own_vae: bool = True,
) -> int:
    """Bytes of the weights that are built: activations, libraries and Python come on top.

    ``text_encoders`` as in a workload; ``stored`` is the type that the denoisers' weights are kept in, None: ``dtype``.
    Of the autoencoder nothing is counted where it isn't the entry's own. What keeps some of its weights in float32 is
    counted in ``dtype``: it is the least.
    """
    counted: set[tuple[str, str, int]] = set()
    total = 0
    for part in entry.parts:
        for name, component in part.sizes[size].components.items():
            left_out = _left_out(part, name, text_encoders) or (name == "vae" and not own_vae)
            key = (name, component.cls, component.parameters or 0)
            if left_out or key in counted:  # parts of a chain share their text encoder
                continue
            counted.add(key)
            kept = stored if stored is not None and name in part.denoisers else dtype
            total += key[2] * BYTES[kept]
    return total


def _left_out(part: Part, name: str, text_encoders: str) -> bool:
    if not name.startswith("text_encoder"):
        return False
    return text_encoders == "none" or (text_encoders == "light" and name in part.heavy)
