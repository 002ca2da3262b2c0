"""What torch.compile does in a worker: every compile, recompile, graph break and fall to eager, as events.

monitor = CompileMonitor(log.write, {"unet": pipe.unet})
reason = self_test()          # before the first compile: None, or why compile events are missing
monitor.attach()
...
before = monitor.graphs_executed()
...                           # a step
monitor.on_step(monitor.graphs_executed() - before)
...
monitor.detach()
"""

from profiler.worker.compiles.graphs import FallbackWatch, GraphCounter
from profiler.worker.compiles.monitor import CompileMonitor
from profiler.worker.compiles.names import modules_of
from profiler.worker.compiles.selftest import self_test
from profiler.worker.compiles.stance import silent_stance

__all__ = ["CompileMonitor", "FallbackWatch", "GraphCounter", "modules_of", "self_test", "silent_stance"]
