"""One thread a process, and no limit or handler that another test has left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

pytest.register_assert_rewrite("tests.truth.checks")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Intra-op threads spin while they wait, which on a busy machine makes tiny tensors a thousand times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
