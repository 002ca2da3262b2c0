"""torch's global settings that compiled code is specialised on, as they are now.

A failed guard names the setting that changed and says neither what it was nor what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch

_AUTOCAST = re.compile(r"autocast(?:\((?P<device>\w+)\)_(?P<what>enabled|dtype))?")


def _matmul(name: str) -> Callable[[], Any]:
    return lambda: getattr(torch.backends.cuda.matmul, name)


_SETTINGS: dict[str, Callable[[], Any]] = {
    "grad_mode": torch.is_grad_enabled,
    "autocast_cache_enabled": torch.is_autocast_cache_enabled,
    "torch_function": lambda: not torch._C._is_torch_function_all_disabled(),
    "deterministic_algorithms": torch.are_deterministic_algorithms_enabled,
    "deterministic_algorithms_warn_only": torch.is_deterministic_algorithms_warn_only_enabled,
    "allow_tf32": lambda: torch.get_float32_matmul_precision() != "highest",
    "allow_fp16_reduce": _matmul("allow_fp16_reduced_precision_reduction"),
    "allow_bf16_reduce": _matmul("allow_bf16_reduced_precision_reduction"),
    "num_threads": torch.get_num_threads,
    "default_dtype": torch.get_default_dtype,
}


def present(names: tuple[str, ...]) -> str | None:
    """The settings of these names as they are: "grad_mode off, num_threads 4"; None where none of them is known."""
    return ", ".join(f"{name} {value}" for name in names if (value := _value(name)) is not None) or None


def modes() -> str:
    """The torch function modes that are active, innermost last: "DeviceContext"."""
    stack = torch.overrides._get_current_function_mode_stack()
    return ", ".join(type(mode).__name__ for mode in stack) or "none active"


def _value(name: str) -> str | None:
    try:
        autocast = _AUTOCAST.fullmatch(name)
        found = _autocast(autocast["device"], autocast["what"]) if autocast else _SETTINGS[name]()
    except Exception:
        # A newer torch may have other settings, and raise for those it gave up.
        return None
    if isinstance(found, bool):
        return "on" if found else "off"
    return None if found is None else str(found).removeprefix("torch.")


def _autocast(device: str | None, what: str | None) -> object:
    if device is None:  # before torch 2.11 a guard names neither the device nor the setting
        return any(torch.is_autocast_enabled(kind) for kind in ("cpu", "cuda"))
    return torch.get_autocast_dtype(device) if what == "dtype" else torch.is_autocast_enabled(device)
