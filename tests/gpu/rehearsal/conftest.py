"""The real tiny pipelines, on one thread."""

from __future__ import annotations

from tests.worker.conftest import fresh_dynamo, one_thread, tiny_pipe

__all__ = ["fresh_dynamo", "one_thread", "tiny_pipe"]
