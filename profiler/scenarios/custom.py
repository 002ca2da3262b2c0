"""A list of calls of one's own: the ``[[call]]`` tables of a file."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from profiler.catalog import Entry
from profiler.request.keys import said
from profiler.request.model import BadRequest, Leg
from profiler.scenarios import sweeps
from profiler.scenarios.settings import SETTINGS, whole

CALLS = whole(1, 10_000)
LORA_NEEDS_PEFT = "lora-swap needs peft: pip install peft"

_LACKS: dict[str, Callable[[Entry], str | None]] = {
    "height": sweeps.resolution_lacks,
    "width": sweeps.resolution_lacks,
    "tokens": sweeps.token_lacks,
    "guidance": sweeps.guidance_lacks,
    "guidance_end": sweeps.guidance_end_lacks,
    "latents_format": sweeps.format_lacks,
    "lora": sweeps.lora_lacks,
}
"""Why an entry can't have a setting changed: what the scenario that changes it says."""


def leg_from_table(number: int, table: Mapping[str, Any]) -> Leg:
    """The leg that the ``number``-th (from 1) ``[[call]]`` table of a file describes. Raises BadRequest.

    ``name`` and ``calls`` are the leg's own, all other keys are what it changes; ``check_legs`` checks those.
    """
    changes = {name: value for name, value in table.items() if name not in ("name", "calls")}
    calls, name = table.get("calls"), table.get("name")
    if calls is not None and not CALLS.fits(calls):
        raise BadRequest(f"call {number}: calls must be {CALLS.wants}, not {said(calls)}", "calls")
    if name is not None and not (isinstance(name, str) and name.strip() and name.isprintable()):
        raise BadRequest(f"call {number}: name must be a line of text, not {name!r}", "name")
    return Leg(name=name or name_of(changes), changes=changes, calls=calls)


def name_of(changes: Mapping[str, Any]) -> str:
    """What a leg is called that has these changes: "768x512", "batch 2", "steps 20, guidance 1"."""
    rest = dict(changes)
    words: list[str] = []
    if "height" in rest and "width" in rest:
        words.append(f"{rest.pop('width')}x{rest.pop('height')}")
    for name, value in rest.items():
        if name == "call" and isinstance(value, Mapping):
            words += [f"{key} {inner}" for key, inner in value.items()]
        elif isinstance(value, str):
            text = " ".join(value.removesuffix("Scheduler").split())
            words.append(text if len(text) <= 24 else f"{text[:23]}…")
        else:
            words.append({"batch_size": "batch"}.get(name, name.replace("_", " ")) + f" {value}")
    return ", ".join(words) or "as it is"


def check_legs(legs: tuple[Leg, ...], entry: Entry | None = None) -> None:
    """Whether a list of one's own can be run, by its form and by what is known of ``entry``.

    Raises BadRequest, which names the call and says what would work; its ``field`` is the setting.
    """
    seen: set[str] = set()
    for number, leg in enumerate(legs, start=1):
        where = f"call {number} ({leg.name})"
        if leg.name in seen:
            raise BadRequest(f"{where}: another call has the same name: give each a name of its own")
        seen.add(leg.name)
        for name, value in leg.changes.items():
            if name not in SETTINGS:
                raise BadRequest(f"{where}: a call can't change {name!r} (it can change: {', '.join(SETTINGS)})", name)
            if not SETTINGS[name].fits(value):
                raise BadRequest(f"{where}: {name} must be {SETTINGS[name].wants}, not {value!r}", name)
        for name in ("lora_rank", "lora_scale"):
            if name in leg.changes and "lora" not in leg.changes:
                raise BadRequest(f'{where}: {name} goes with an adapter: give it a name as well, lora = "mine"', name)
        if entry is not None:
            _check_for(entry, leg.changes, where)
    check_peft(legs)


def _check_for(entry: Entry, changes: Mapping[str, Any], where: str) -> None:
    for name in changes:
        reason = _LACKS[name](entry) if name in _LACKS else None
        if reason is not None:
            raise BadRequest(f"{where}: {name} can't be changed for {entry.name}: {reason}", name)
    for name in ("height", "width"):
        pixels, multiple = changes.get(name, 0), entry.multiple
        if pixels % multiple:
            near = max(multiple, round(pixels / multiple) * multiple)
            raise BadRequest(
                f"{where}: {name} must be a multiple of {multiple} for {entry.name}, not {pixels}: {near} would work",
                name,
            )
    usable = (sweeps.own_scheduler(entry), *entry.schedulers)
    if changes.get("scheduler", usable[0]) not in usable:
        known = ", ".join(dict.fromkeys(usable))
        raise BadRequest(f"{where}: {entry.name} can't use {changes['scheduler']} (it can use: {known})", "scheduler")
    if "frames" in changes and all(size.frames is None for size in entry.part.sizes.values()):
        raise BadRequest(f"{where}: {entry.name} makes no videos: leave frames out", "frames")
    if "strength" in changes and all(part.strength is None for part in entry.parts):
        raise BadRequest(f"{where}: {entry.name} takes no strength: leave it out", "strength")


def check_peft(legs: Iterable[Leg]) -> None:
    """Raises BadRequest where ``legs`` load a LoRA and peft isn't installed."""
    if any("lora" in leg.changes for leg in legs) and importlib.util.find_spec("peft") is None:
        raise BadRequest(LORA_NEEDS_PEFT)
