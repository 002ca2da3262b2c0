"""The user's config file: settings of the screen and other keys for its bindings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

VARIABLE = "STEPSCOPE_CONFIG"
"""Names another file; empty: none is read."""


class BadConfig(Exception):
    """The file can't be used; the message is one line with the file, the place in it and what would work."""


def path(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the file is, whether or not there is one."""
    named = environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return Path(platformdirs.user_config_dir("stepscope")) / "config.toml"


def load(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The file's settings by the names that Settings has; empty where there is no file. Raises BadConfig."""
    return {}
