"""Every remedy that there is."""

from __future__ import annotations

import re
from typing import Any

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.triggers import Occurrence
from profiler.analysis.triggers.causes import CAUSES
from profiler.analysis.triggers.cudagraphs import SKIPS
from tests.analysis.triggers.made import CONTROLNET, UNET, asked, compiled, folded, last, legs, refused, two_calls
from tests.analysis.triggers.test_guards import TEXTS

HEIGHT = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"
SEEN = {"argument": "sample", "actual": "float32[2, 4, 12, 8]"}
MADE_DYNAMIC = [("L['args'][0]", 2, "8", "12")]
REGIONAL = {"variants": ["regional-compile"], "engines": ["diffusers"]}


def second(reason: str, *, code: dict[str, Any] = UNET, options: dict[str, Any] = {}, **seen: Any) -> Occurrence:  # noqa: B006
    again = compiled("0/1", 1000, 1, reason, code=code, **seen)
    return last(asked(*legs({}, {"height": 96}), **options), compiled("0/0", 0, 0, code=code), again, two_calls())


def every_remedy() -> list[str]:
    """Every remedy that there is: of all classes, all contexts that make a difference, and beside compiles."""
    found: list[str | None] = [cause.remedy for cause in CAUSES.values()]
    found += [skip.remedy for skip in SKIPS]
    contexts: list[dict[str, Any]] = [{}, {"dynamic": False}, REGIONAL, {**REGIONAL, "engines": ["accelerate"]}]
    for options in contexts:
        for _, text in TEXTS:
            reason = text if re.match(r"\d+/\d+: ", text) else f"0/0: {text}"
            for marks in ([], [("L['args'][0]", 2, "8", "12"), ("L['args'][0]", 0, "2", "4")]):
                found.append(_remedy(second(reason, options=options, dynamic=marks, actual="float32[2, 4, 12, 8]")))
        given = asked(**options)
        found.append(_remedy(last(given, compiled("0/0", 0, 0), refused("0/8", 1000, 1, HEIGHT))))
        ends: list[dict[str, Any]] = [
            {"ok": False, "failure": kind} for kind in ("BackendCompilerFailed", "Unsupported", "RecompileError")
        ]
        found += [_remedy(last(given, compiled("0/0", 0, 0, end=end))) for end in ends]
    shared = [*compiled("0/0", 0, 0, code=CONTROLNET), *compiled("0/1", 50, 0, "0/0: len(kwargs) == 5")]
    found.append(_remedy(last(asked(), shared)))
    miss = ev.CacheLookup(id="0/0", layer="fx", state="miss")
    others: list[ev.Event] = [
        ev.GraphBreak(id="0/0", file="/app/a.py", line=3, reason="no"),
        ev.EagerFallback(call=0, step=0, graphs=1, expected=2),
        ev.CudaGraph(action="rerecord"),
    ]
    session = folded(asked(), compiled("0/0", 0, 0), two_calls(), [miss, *others])
    found += [_remedy(one) for one in triggers.occurrences(session)]
    return sorted({text for text in found if text})


def _remedy(one: Occurrence) -> str | None:
    return one.advice.remedy if one.advice else None
