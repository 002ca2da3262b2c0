"""The terminal dashboard: shows what the profiler wrote; never imports torch."""
