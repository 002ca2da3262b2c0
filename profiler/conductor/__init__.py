"""The background profiler process: runs workers one by one, samples the GPU, obeys control. Imports no torch."""
