"""The background profiler process: runs workers one by one, samples the GPU, obeys control. Imports no torch."""

from profiler.conductor.start import CannotStart, limited, resume, start

__all__ = ["CannotStart", "limited", "resume", "start"]
