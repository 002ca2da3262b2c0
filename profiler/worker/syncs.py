"""What makes Python wait for the device: one call under torch's synchronisation debug mode (``--find-syncs``).

In mode "warn" torch warns, every time (TORCH_WARN, not TORCH_WARN_ONCE), before it copies a tensor to or from the host
and waits for the copy, and before it waits for a stream (c10/cuda/CUDAFunctions.h: memcpy_and_sync and
stream_synchronize). The warning reaches Python's ``warnings`` when the torch function returns to the line that called
it, so the stack at that moment is the one that waits. ``torch.cuda.synchronize`` waits without a word
(CUDAFunctions.cpp: device_synchronize): it is wrapped for the length of the call.
"""

from __future__ import annotations

import contextlib
import functools
import linecache
import os
import sys
import sysconfig
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch

import profiler
from profiler.events import Event, Note, Sync
from profiler.subject import Subject
from profiler.worker.live import Sink
from profiler.worker.measure import Capture, Measurement
from profiler.worker.setting import Setting
from profiler.worker.where import HERE

PHASE = "syncs"
WARNING = "called a synchronizing CUDA operation"
STACK_FRAMES = 32
MOST_PLACES = 200
LIMITS = (
    "torch doesn't tell of every wait: not of Event.synchronize, of what libraries of their own and custom kernels wait"
    " for, nor of copies from unpinned memory with non_blocking=True, which wait all the same"
)


def find_syncs(
    subject: Subject, setting: Setting, device: str, sink: Sink, *, cuda_graphs: bool = False, cuda: Any = None
) -> None:
    """Make one more call, and write a Sync event for every line that made Python wait for the device, in the order in
    which they were met, and a note on what such a search misses.

    Nothing else of the call is written: it is slower than others and no figure counts it. ``setting`` should be the
    last call's, so that nothing is compiled. ``cuda_graphs``: the denoisers replay them. ``cuda`` is ``torch.cuda`` or
    a stand-in with get_sync_debug_mode, set_sync_debug_mode and synchronize. A call that fails costs the run nothing
    but the answer: a note says why. Stopped passes through.
    """
    watch = SyncWatch(torch.cuda if cuda is None else cuda)
    # Hooks put HERE in its place. They lie outside of what is watched, and so does the wait at the call's end.
    watched = replace(subject, call=watch.around(subject.call))
    capture = Capture(cuda_graphs=cuda_graphs)
    failed = None
    try:
        with Measurement(
            watched, setting.workload, _nowhere, device=device, capture=capture, live=False
        ) as measurement:
            measurement.call(PHASE, setting)
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        failed = f"the call that looks for waits failed, what it found is not all: {type(error).__name__}: {first}"
    for found in watch.places():
        sink(found)
    if failed is not None:
        sink(Note(level="warning", code="syncs-failed", text=failed))
    leg = "" if setting.leg is None else f" of {setting.leg}"
    sink(Note(code="syncs", text=f"{_told(watch, leg)}; {LIMITS}"))


def _nowhere(event: Event) -> None:
    """Where the events of the call go."""


def _told(watch: SyncWatch, leg: str) -> str:
    if not watch.count:
        return f"nothing was seen in one call{leg} that makes Python wait for the device"
    times = "once" if watch.count == 1 else f"{watch.count} times"
    places = len(watch.places())
    return f"Python waited for the device {times} in one call{leg}, in {places} line{'s' * (places != 1)}"


@dataclass
class SyncWatch:
    """Collects the places while ``around``'s function runs. For one thread: waits of others are not the pipeline's."""

    cuda: Any
    count: int = 0

    def __post_init__(self) -> None:
        self._found: dict[tuple[str, int], Sync] = {}
        self._thread = 0

    def places(self) -> list[Sync]:
        """One for each line that waited, in the order in which they first did."""
        return list(self._found.values())

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """``call``, watched."""

        @functools.wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            HERE.call = None  # it has no number
            with self._watching():
                return call(*args, **kwargs)

        return watched

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        self._thread = threading.get_ident()
        before, synchronize = self.cuda.get_sync_debug_mode(), self.cuda.synchronize
        with warnings.catch_warnings():
            # Python shows a warning once for each line otherwise.
            warnings.filterwarnings("always", message=WARNING)
            shown = warnings.showwarning
            warnings.showwarning = functools.partial(self._on_warning, shown)
            try:
                self.cuda.synchronize = self._around_synchronize(synchronize)
                self.cuda.set_sync_debug_mode("warn")
                yield
            finally:
                self.cuda.synchronize = synchronize
                self.cuda.set_sync_debug_mode(before)

    def _around_synchronize(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def synchronize(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() == self._thread:
                self._add(sys._getframe(1))
            return function(*args, **kwargs)

        return synchronize

    def _on_warning(self, shown: Callable[..., Any], message: Any, *args: Any, **kwargs: Any) -> None:
        if not str(message).startswith(WARNING):
            shown(message, *args, **kwargs)
        elif threading.get_ident() == self._thread:
            self._add(sys._getframe(1))

    def _add(self, frame: FrameType | None) -> None:
        frames = [one for one in _frames(frame) if not _is_ours(one)]
        if not frames:
            return
        self.count += 1
        place = next((one for one in frames if not _is_torchs(one)), frames[0])
        key = place.f_code.co_filename, place.f_lineno
        known = self._found.get(key)
        if known is not None:
            known.count += 1
        elif len(self._found) < MOST_PLACES:
            self._found[key] = Sync(
                file=key[0],
                line=key[1],
                function=place.f_code.co_qualname,
                code=linecache.getline(*key, place.f_globals).strip()[:300],
                count=1,
                stack=[f"{one.f_code.co_filename}:{one.f_lineno} in {one.f_code.co_qualname}" for one in frames][
                    :STACK_FRAMES
                ],
                stage=HERE.stage,
                loop=HERE.loop,
                step=HERE.step,
            )


# --- whose a frame is -------------------------------------------------------------------------------------------------

_OURS = str(Path(profiler.__file__).parent)
_TORCH = str(Path(torch.__file__).parent)
_STDLIB = sysconfig.get_path("stdlib")
_SITES = tuple(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_ours(frame: FrameType) -> bool:
    """Of the hooks around the call, and of Python's way of showing a warning."""
    file = frame.f_code.co_filename
    return _within(file, _OURS) or file == warnings.__file__


def _is_torchs(frame: FrameType) -> bool:
    """Torch's, the standard library's, or code that torch has generated: not a line that anybody would change."""
    file = frame.f_code.co_filename
    # Inductor sets the variable when it first writes code.
    generated = os.environ.get("TORCHINDUCTOR_CACHE_DIR")
    if file.startswith("<") or _within(file, _TORCH) or (generated and _within(file, generated)):
        return True
    return _within(file, _STDLIB) and not any(_within(file, site) for site in _SITES)


def _within(file: str, folder: str) -> bool:
    return file.startswith(folder + "/")
