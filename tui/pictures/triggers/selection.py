"""What the cursor of the inspector is on, and what can be made of it."""

from __future__ import annotations

from dataclasses import dataclass

from profiler.analysis.triggers import Group, Occurrence
from tui import safe
from tui.pictures.focus import Focus
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
        """The step that was held up; None where it is within none."""
        one = self.meant
        if one is None or one.place.call is None or one.place.step is None:
            return None
        label = safe.line(one.sentence, 80)
        return Focus(one.run, one.place.call, one.place.loop or 0, one.place.step, one.key, label)

    @property
    def remedy(self) -> str | None:
        """What to do, safe to show and to copy."""
        advice = (self.one.advice if self.one is not None else None) or (
            self.group.advice if self.group is not None else None
        )
        return safe.line(advice.remedy, 4000) if advice is not None else None
