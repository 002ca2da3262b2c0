"""Graph breaks and the silent fall to eager."""

from __future__ import annotations

import re

from profiler import events as ev
from profiler.analysis.statistics import median
from profiler.analysis.triggers import causes
from profiler.analysis.triggers.causes import BREAK_SITE, CAUSES
from profiler.analysis.triggers.context import Context
from profiler.analysis.triggers.model import Advice, Blame

_LIBRARIES = re.compile(r"[/\\](?:site|dist)-packages[/\\]|[/\\]lib[/\\]python3")
_EXPLANATION = re.compile(
    r"\n\s*Explanation:\s*(?P<text>.+?)(?=\n\s*(?:Hint|Developer debug|User code|For more)|\Z)", re.DOTALL
)
_HINT = re.compile(r"\n\s*Hint:\s*(?P<text>.+?)(?=\n\s*(?:Hint:|Developer debug|User code|For more)|\Z)", re.DOTALL)
_FILE = re.compile(r"[/\\]")


def break_sentence(event: ev.GraphBreak) -> str:
    head = event.reason.partition("\n")[0].strip().rstrip(".:") or "torch does not say why"
    # The first line may only say in which instruction; the second one then has the reason.
    following = [line.strip() for line in event.reason.splitlines()[1:] if line.strip()]
    if head.startswith("Encountered graph break") and following and not following[0].startswith("Explanation"):
        head = following[0].rstrip(".")
    builtin = re.search(r"builtin operator `(\w+)`", event.reason)
    if builtin and builtin[1] not in head:
        head += f" {builtin[1]}"
    place = f" at {_FILE.split(event.file)[-1]}:{event.line}" if event.file else ""
    return f"graph break{place}: {head}"


def break_why(event: ev.GraphBreak) -> str:
    if event.skipped_frame:
        rest = "torch gives the whole function up: it runs eager, and only what it calls is compiled."
    else:
        rest = CAUSES["break"].why
    found = _EXPLANATION.search(f"\n{event.reason}")
    return f"{' '.join(found['text'].split())} {rest}" if found else rest


def break_advice(event: ev.GraphBreak) -> Advice:
    """torch's own first hint, and the page of this kind of break."""
    found = _HINT.search(f"\n{event.reason}")
    link = BREAK_SITE.format(event.break_id) if event.break_id else causes.BREAKS
    if found:
        return Advice(remedy=" ".join(found["text"].split()), link=link)
    where = f"{_FILE.split(event.file)[-1]}:{event.line}" if event.file else "the code named above"
    remedy = f"Move {where} out of what is compiled, or wrap it in torch.compiler.disable to break in one known place."
    return Advice(remedy=remedy, link=link)


def break_blame(event: ev.GraphBreak) -> Blame:
    """A library's code breaks by its nature; one's own can be changed."""
    if not event.file:
        return "unknown"
    return "expected" if _LIBRARIES.search(event.file) else "user"


def eager_sentence(event: ev.EagerFallback) -> str:
    return (
        f"{event.graphs} of {event.expected} compiled graphs ran in this step: "
        f"the rest runs eager since the recompile limit was reached"
    )


def eager_why(context: Context, event: ev.EagerFallback) -> str:
    """What it costs: the steps since, against those of the same leg before."""
    plain = CAUSES["eager"].why
    before, since = _around(context, event)
    if before is None or since is None or not before:
        return plain
    ratio = since / before
    if ratio >= 1.02:
        return f"{plain} Steps take {since:.1f} ms since then, {ratio:.2f} times the {before:.1f} ms before."
    return f"{plain} Steps take {since:.1f} ms since then, no longer than the {before:.1f} ms before."


def _around(context: Context, event: ev.EagerFallback) -> tuple[float | None, float | None]:
    """The median step in ms that ran all graphs, and the one that ran fewer, among steps of the event's setting."""
    run = context.run
    if event.call is None:
        return None, None
    setting = context.setting(event.call)
    whole: list[float] = []
    fewer: list[float] = []
    for call in run.calls.values():
        if call.first_step < 0 or context.setting(call.index) is not setting:
            continue
        start, stop = call.first_step, call.first_step + call.steps
        columns = [run.steps.column(name, start, stop) for name in ("ns", "loop", "graphs", "step")]
        for ns, loop, graphs, step in zip(*columns):
            if loop != (event.loop or 0) or graphs < 0 or context.busy(call.index, loop, step):
                continue
            (fewer if graphs < event.expected else whole).append(ns / 1e6)
    return median(whole), median(fewer)


def eager_advice(context: Context, event: ev.EagerFallback) -> Advice:
    hits = [limit.limit for limit in context.run.limits if limit.limit is not None and limit.t <= event.t]
    limit = max(hits, default=context.run.case.compilation.recompile_limit or 8)
    new = limit * (4 if context.run.case.compilation.engine == "accelerate" else 2)
    remedy = (
        f"Raise the limit: torch._dynamo.config.recompile_limit = {new} (stepscope run --recompile-limit {new}); "
        "with fullgraph=True torch raises an error in place of going on in eager."
    )
    return Advice(remedy=remedy, link=causes.SKIPPED)
