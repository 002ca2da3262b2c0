"""What a failed guard is about, in pipeline words: which argument, which dimensions, from what to what."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property

from profiler.analysis.compiles import Compile
from profiler.analysis.triggers.context import Context, Setting
from profiler.analysis.triggers.dimensions import readable, shape, word
from profiler.analysis.triggers.guards import Guard
from profiler.analysis.wholes import whole

ARROW = " → "
_DTYPES = {
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Half": "float16",
    "Float": "float32",
    "Double": "float64",
    "BFloat16": "bfloat16",
    "Bool": "bool",
    "Float8_e4m3fn": "float8_e4m3fn",
    "Float8_e5m2": "float8_e5m2",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
}
_GRADIENTS = {"0": "False", "1": "True"}
_PIXEL_WORDS = ("height", "width", "tokens")


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of an argument that changed."""

    word: str
    before: str
    after: str

    @property
    def text(self) -> str:
        return f"{self.word} {self.before}{ARROW}{self.after}"


@dataclass
class Change:
    """A recompile and the guard that counts, with what the run says of both."""

    found: Compile
    text: str  # the guard's, as torch told it
    guard: Guard
    context: Context
    entry: Compile | None  # the compile whose code should have fit
    told: bool  # whether what the worker read out of the frame is about this guard

    @cached_property
    def argument(self) -> str | None:
        """The parameter's name."""
        if self.told and self.found.argument:
            return self.found.argument
        packed = re.match(r"kwargs\[['\"](\w+)['\"]\]", self.guard.source or "")
        if packed:
            return packed[1]
        plain = re.match(r"[A-Za-z_]\w*", self.guard.source or "")
        if plain and plain[0] not in ("self", "fn", "args", "kwargs", "G", "L", "___stack0"):
            return plain[0] if not plain[0].startswith("__") else None
        return None

    @cached_property
    def what(self) -> str:
        """The argument or attribute, as people write it."""
        return readable(self.guard.source, self.argument) or self.found.where

    @property
    def seen(self) -> str | None:
        """The value that failed the guard, as the worker described it."""
        return self.found.actual if self.told else None

    @cached_property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of the tensor that failed the guard."""
        return shape(self.seen)

    @property
    def expected(self) -> str | None:
        """What the entry was made for, in Python's words where torch's own are others."""
        guard = self.guard
        if guard.cause == "none" and not guard.negated:
            return "None"
        if guard.cause == "tensor.dtype" and guard.expected:
            return dtype(guard.expected)
        if guard.cause == "tensor.grad":
            return _GRADIENTS.get(guard.expected or "", guard.expected)
        if guard.cause == "processor" and guard.expected:
            return guard.expected.rpartition(".")[2]
        return guard.expected

    @cached_property
    def actual(self) -> str | None:
        """What came: the guard's own word first, since the worker describes a tensor as a whole."""
        if self.guard.cause == "tensor.grad":
            return "False" if self.guard.expected == "1" else "True"
        if self.guard.cause == "tensor.dtype" and self.guard.actual:
            return dtype(self.guard.actual)
        if self.guard.cause == "tensor.type":
            return self.seen or self.guard.actual
        if self.guard.cause == "global.state":
            return self.seen or self.guard.actual
        return self.guard.actual if self.guard.actual is not None else self.seen

    @cached_property
    def dimension(self) -> str | None:
        if "._base" in (self.guard.source or ""):
            return None  # of the tensor that a view was taken of, which may have others
        rank = len(self.shape) if self.shape is not None else None
        return word(self.argument, self.guard.source, self.guard.dim, rank, self.found.module)

    @cached_property
    def now(self) -> Setting:
        return self.context.setting(self.found.call)

    @cached_property
    def before(self) -> Setting | None:
        """The setting that the entry was compiled in."""
        return None if self.entry is None else self.context.setting(self.entry.call)

    @cached_property
    def dimensions(self) -> list[Dimension]:
        """The dimensions of the guard's tensor that changed: the guard's, and those that torch made dynamic with it."""
        guard = self.guard
        if guard.dim is None or guard.expected is None or self.actual is None:
            return []
        found = {guard.dim: Dimension(self.dimension or f"dim {guard.dim}", guard.expected, self.actual)}
        rank = len(self.shape) if self.shape is not None else None
        for mark in self.found.dynamic:
            if mark.why != "size change" or mark.dim is None or mark.dim in found:
                continue
            if plain(mark.name) != plain(guard.source) or not (whole(mark.cached) and whole(mark.new)):
                continue  # one that was dynamic before has no size to tell
            named = word(self.argument, guard.source, mark.dim, rank, self.found.module) or f"dim {mark.dim}"
            found[mark.dim] = Dimension(named, str(mark.cached), str(mark.new))
        return [found[dim] for dim in sorted(found)]

    @cached_property
    def made_dynamic(self) -> bool:
        """Whether torch made the guard's dimension or value dynamic in this compile."""
        return any(
            plain(mark.name) == plain(self.guard.source)
            and (self.guard.dim is None or mark.dim == self.guard.dim)
            and mark.why != "stride change"
            for mark in self.found.dynamic
        )

    @cached_property
    def pixels(self) -> str | None:
        """The picture's sizes if the change of the dimensions is that of the picture: "64 → 96 px", "64x64 → 32x48 px".

        Only where both ends fit the settings of the calls by one whole factor.
        """
        before, now = self.before, self.now
        if before is None or not any(one.word in _PIXEL_WORDS for one in self.dimensions):
            return None
        old = (before.workload.height, before.workload.width)
        new = (now.workload.height, now.workload.width)
        if None in (*old, *new) or old == new:
            return None
        sizes = {one.word: one for one in self.dimensions}
        if not self._fits(sizes, old, new):
            return None
        differs = [one != other for one, other in zip(old, new)]
        if all(differs):
            return f"{old[1]}x{old[0]}{ARROW}{new[1]}x{new[0]} px"
        side = 0 if differs[0] else 1
        return f"{old[side]}{ARROW}{new[side]} px"

    def _fits(self, sizes: dict[str, Dimension], old: tuple[int | None, ...], new: tuple[int | None, ...]) -> bool:
        factors: set[float] = set()
        for side, name in enumerate(("height", "width")):
            if name in sizes:
                factors |= {_factor(old[side], sizes[name].before), _factor(new[side], sizes[name].after)}
        if "tokens" in sizes:
            areas = {
                _factor(math.prod(end or 0 for end in ends), size)
                for ends, size in ((old, sizes["tokens"].before), (new, sizes["tokens"].after))
            }
            factors |= {math.sqrt(area) for area in areas}
        return len(factors) == 1 and (only := factors.pop()) >= 1 and only.is_integer()

    @property
    def latent(self) -> bool:
        """Whether the dimensions are those of latents, whose pixels aren't known."""
        words = {one.word for one in self.dimensions}
        return bool(words & {"height", "width"}) and self.argument in ("sample", "hidden_states") and not self.pixels

    @property
    def lora_loaded(self) -> bool:
        """Whether a LoRA was loaded between the entry's call and this one."""
        return self.before is not None and bool(self.now.changed("lora")) and not self.before.changed("lora")

    @cached_property
    def batch(self) -> str | None:
        """Why the batch changed, where the settings of the calls confirm it."""
        if self.before is None or self.guard.dim is None or self.dimension != "batch":
            return None
        old, new = whole(self.guard.expected), whole(self.actual)
        if not old or not new:
            return None
        was, now = self.before.workload, self.now.workload
        if was.batch_size != now.batch_size:
            fits = old * now.batch_size == new * was.batch_size
            return f"batch size {was.batch_size}{ARROW}{now.batch_size}" if fits else None
        if old != 2 * new and new != 2 * old:
            return None
        word = "off" if old > new else "on"
        return self.guidance(word)

    def guidance(self, word: str) -> str | None:
        """That classifier-free guidance was turned ``word`` (on, off), where the settings of the calls confirm it."""
        if self.before is None:
            return None
        if self.now.changed("guidance_end") is not None and word == "off" and (self.found.step or 0) > 0:
            return "a callback turned classifier-free guidance off"
        was, now = self.before.workload.guidance, self.now.workload.guidance
        if was is None or now is None or was == now:
            return None
        return f"classifier-free guidance was turned {word}" if (was > now) is (word == "off") else None


def dtype(name: str | None) -> str:
    """A data type as torch's Python names it."""
    return _DTYPES.get(name or "", name or "?")


def plain(source: str | None) -> str:
    """A source without ``L['']`` around its first name, as guards have it."""
    return re.sub(r"\bL\[['\"](\w+)['\"]\]", r"\1", source or "")


def _factor(pixels: int | None, size: str) -> float:
    latent = whole(size)
    return pixels / latent if pixels and latent else 0.0
