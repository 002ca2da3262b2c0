"""Whether two folded states are the same, in every field of everything in them."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec

_ATOMS = (str, bytes, int, float, bool, type(None), Enum)


def plain(value: Any) -> Any:
    """``value`` as lists, dicts and atoms alone: what is equal in that form is equal in every field."""
    if isinstance(value, _ATOMS):
        return value
    if isinstance(value, msgspec.Struct):
        return [type(value).__name__, {name: plain(getattr(value, name)) for name in value.__struct_fields__}]
    if isinstance(value, dict):
        return [[plain(key), plain(item)] for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    named = {name: getattr(value, name) for name in [*getattr(value, "__dict__", {}), *slots] if hasattr(value, name)}
    if not named and hasattr(value, "tobytes"):  # an array
        return [type(value).__name__, value.tobytes()]
    assert named, f"a {type(value).__name__} has nothing to compare"
    # Bound methods are kept by some for their speed.
    return [type(value).__name__, {name: plain(item) for name, item in named.items() if not callable(item)}]
