"""One thread a process, and no limit or handler that another test has left."""

from __future__ import annotations

import pytest

from tests.worker.conftest import one_thread  # noqa: F401 - a fixture of all tests here too

pytest.register_assert_rewrite("tests.truth.checks")
