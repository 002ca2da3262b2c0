"""Which screen one has, told by its place: asking for its class would load screens that nobody has opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

from tui import keys

if TYPE_CHECKING:
    from tui.screens.choose import ChooseScreen
    from tui.screens.compare import CompareScreen
    from tui.screens.replay import ReplayScreen
    from tui.screens.triggers import TriggersScreen


def is_choose(screen: Any) -> TypeGuard[ChooseScreen]:
    return _where(screen) == keys.CHOOSE


def is_compare(screen: Any) -> TypeGuard[CompareScreen]:
    return _where(screen) == keys.COMPARE


def is_replay(screen: Any) -> TypeGuard[ReplayScreen]:
    """One is a LiveScreen too."""
    return _where(screen) == keys.REPLAY


def is_triggers(screen: Any) -> TypeGuard[TriggersScreen]:
    return _where(screen) == keys.TRIGGERS


def _where(screen: Any) -> str:
    """Its name in the table of keys; "" for what is no screen of ours."""
    where: str = getattr(screen, "where", "")
    return where
