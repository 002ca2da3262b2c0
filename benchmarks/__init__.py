"""Benchmarks of pipelines, made with stepscope: what is run, and the results that are kept."""
