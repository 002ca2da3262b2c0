"""What the cursor of the inspector is on, and what can be made of it."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.triggers import Group, Occurrence
from tui import safe
from tui.pictures.focus import BEFORE_STEPS, Focus
from tui.pictures.triggers.detail import costliest


@dataclass(frozen=True, slots=True)
class Selection:
    """A group, an occurrence, an occurrence of a group, or nothing."""

    group: Group | None = None
    one: Occurrence | None = None

    @property
    def meant(self) -> Occurrence | None:
        """The occurrence itself, of a group the costliest."""
        return self.one or (costliest(self.group) if self.group is not None else None)

    @property
    def focus(self) -> Focus | None:
        """The step that was held up, or the call in which it came before any step; None where it is within no call."""
        one = self.meant
        if one is None or one.place.call is None:
            return None
        step = BEFORE_STEPS if one.place.step is None else one.place.step
        label = safe.line(one.sentence, 80)
        return Focus(one.run, one.place.call, one.place.loop or 0, step, one.key, label)

    @property
    def remedy(self) -> str | None:
        """What to do, safe to show and to copy."""
        advice = (self.one.advice if self.one is not None else None) or (
            self.group.advice if self.group is not None else None
        )
        return safe.line(advice.remedy, 4000) if advice is not None else None
