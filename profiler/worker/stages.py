"""The stages of a call: marks around the components that make them up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from profiler.subject import Piece
from profiler.worker.clock import Clock, Mark
from profiler.worker.hooks import Function, Hooks
from profiler.worker.live import Record, StageTaken
from profiler.worker.where import HERE

AUTOENCODERS = ("vae", "movq", "vqgan", "vqvae")  # what diffusers' pipelines call theirs


class _Stretch(NamedTuple):
    name: str
    loops: int  # that had begun by then
    start: Mark
    end: Mark


class StageRecorder:
    """Records when the components of each stage were entered first and left last.

    A stage that calls its component several times (the prompt, then the negative prompt) is one stretch, what the
    pipeline does in between included; another stage or a denoising loop in between (in a chain of pipelines) ends it,
    so stretches don't overlap. ``loops`` says how many loops have begun.
    """

    def __init__(self, call: int, clock: Clock, loops: Callable[[], int]) -> None:
        self._call = call
        self._mark = clock.mark
        self._loops = loops
        self._stretches: list[_Stretch] = []

    def around(self, name: str) -> Callable[[Function], Function]:
        """A wrapper for a function that belongs to the stage ``name``."""

        def wrapper(function: Function) -> Function:
            def component(*args: Any, **kwargs: Any) -> Any:
                HERE.stage = name
                start = self._mark()
                try:
                    return function(*args, **kwargs)
                finally:
                    self._extend(name, start, self._mark())
                    HERE.stage = None

            return component

        return wrapper

    def _extend(self, name: str, start: Mark, end: Mark) -> None:
        loops = self._loops()
        if self._stretches and self._stretches[-1][:2] == (name, loops):
            start = self._stretches.pop().start
        self._stretches.append(_Stretch(name, loops, start, end))

    def records(self, loops: Sequence[tuple[Mark, Mark]]) -> list[Record]:
        """The stages in the order in which they began; ``loops`` are the stretches of the denoise stage."""
        stretches = [(name, start, end) for name, _, start, end in self._stretches]
        stretches += [("denoise", start, end) for start, end in loops]
        stretches.sort(key=lambda stretch: stretch[1].host_ns)
        return [StageTaken(self._call, name, start, end) for name, start, end in stretches]


def hook_stages(hooks: Hooks, pieces: Sequence[Piece], recorder: StageRecorder) -> None:
    """Wrap the encoders and the VAEs of the pipelines. The denoise stage is what the loops recorded."""
    for piece in pieces:
        for name, component in piece.pipe.components.items():
            if component is None:
                continue
            if "text_encoder" in name:
                hooks.wrap_call(component, recorder.around("text_encode"))
            elif "image_encoder" in name:
                hooks.wrap_call(component, recorder.around("image_encode"))
            elif name in AUTOENCODERS:
                for method, stage in (("encode", "image_encode"), ("decode", "decode")):
                    if hasattr(component, method):
                        hooks.wrap(component, method, recorder.around(stage))
