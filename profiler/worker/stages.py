"""The stages of a call: marks around the components that make them up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiler.worker.clock import Clock, Mark
from profiler.worker.hooks import Function, Hooks
from profiler.worker.live import Record, StageTaken
from profiler.worker.where import HERE


class StageRecorder:
    """Records when the components of each stage were entered first and left last.

    A stage that calls its component several times (the prompt, then the negative prompt) is one stretch, what the
    pipeline does in between included.
    """

    def __init__(self, call: int, clock: Clock) -> None:
        self._call = call
        self._mark = clock.mark
        self._stretches: dict[str, tuple[Mark, Mark]] = {}

    def around(self, name: str) -> Callable[[Function], Function]:
        """A wrapper for a function that belongs to the stage ``name``."""

        def wrapper(function: Function) -> Function:
            def component(*args: Any, **kwargs: Any) -> Any:
                HERE.stage = name
                start = self._mark()
                try:
                    return function(*args, **kwargs)
                finally:
                    self.add(name, start, self._mark())
                    HERE.stage = None

            return component

        return wrapper

    def add(self, name: str, start: Mark, end: Mark) -> None:
        """Extend the stage ``name`` to ``end``; it begins with ``start`` if this is its first stretch."""
        first, _ = self._stretches.get(name, (start, end))
        self._stretches[name] = (first, end)

    def records(self) -> list[Record]:
        """The stages in the order in which they began."""
        ordered = sorted(self._stretches.items(), key=lambda item: item[1][0].host_ns)
        return [StageTaken(self._call, name, start, end) for name, (start, end) in ordered]


def hook_stages(hooks: Hooks, pipe: Any, recorder: StageRecorder) -> None:
    """Wrap the text encoders and the VAE of ``pipe``. The denoise stage is what the loops recorded."""
    for name, component in pipe.components.items():
        if component is None:
            continue
        if name.startswith("text_encoder"):
            hooks.wrap_call(component, recorder.around("text_encode"))
        elif name == "vae":
            hooks.wrap(component, "encode", recorder.around("image_encode"))
            hooks.wrap(component, "decode", recorder.around("decode"))
