"""What became of a compile: the first of its frame, one that failed, one that the recompile limit refused."""

from __future__ import annotations

from profiler.analysis.compiles import Compile
from profiler.analysis.triggers import causes
from profiler.analysis.triggers.advice import compile_blocks, denoiser, torch_at_least
from profiler.analysis.triggers.blame import blame
from profiler.analysis.triggers.changes import Change
from profiler.analysis.triggers.context import Context, is_leaf
from profiler.analysis.triggers.costs import parts
from profiler.analysis.triggers.model import Advice, Blame

DEFAULT_LIMIT = 8
"""torch's own recompile limit."""
_PHASES = {
    "dynamo": "tracing the Python code (dynamo)",
    "guards": "building guards",
    "aot": "AOTAutograd",
    "inductor": "lowering in inductor",
    "autotune": "autotuning kernels",
    "codegen": "generating code",
    "kernels": "compiling kernels",
    "other": "no phase that torch tells",
}


ENDED_BEFORE = "The run ended before this compile did: how long it would have taken isn't known."


def ended_before(context: Context, found: Compile) -> bool:
    """Whether the run ended in the middle of the compile."""
    return found.running and context.run.outcome is not None


def first_sentence(context: Context, found: Compile) -> str:
    if ended_before(context, found):
        return f"{found.where} was still being compiled when the run ended"
    if found.resume:
        return f"{found.where}: the rest of the frame after a graph break is compiled by itself"
    if found.running and context.run.outcome is None:
        return f"{found.where} is compiled for the first time"
    if found.end is not None and found.end.why:
        return f"{found.where}: {found.end.why.partition(chr(10))[0]}"
    return f"{found.where} compiled for the first time"


def first_why(context: Context, found: Compile) -> str:
    """What took long and what the cache had."""
    if ended_before(context, found):
        return ENDED_BEFORE
    words: list[str] = []
    regional = context.run.case.compilation.variant == "regional-compile"
    if regional and not found.resume and "Block" in (found.module or ""):
        words.append("Each kind of block is compiled once, and its code is used by all blocks of its kind.")
    shares = parts(found)
    total = sum(part.ms for part in shares)
    if shares and total > 0:
        longest = max(shares, key=lambda part: part.ms)
        words.append(f"Longest was {_PHASES.get(longest.phase, longest.phase)}: {longest.ms / total:.0%} of it.")
    hits = [one for one in found.caches if one.state == "hit"]
    misses = [one for one in found.caches if one.state == "miss"]
    if hits:
        saved = sum(one.saved_ns or 0 for one in hits)
        words.append(
            "The compile cache was warm" + (f" and saved {saved / 1e9:.1f} s of it." if saved else ".")
            if not misses
            else f"The compile cache had {len(hits)} of {len(hits) + len(misses)} lookups."
        )
    elif misses:
        words.append("The compile cache was cold: what is compiled is kept for the next process.")
    return " ".join(words) or causes.CAUSES["first"].why


def first_advice(found: Compile) -> Advice | None:
    """How to have it faster next time, where there is a way."""
    if any(one.state == "miss" for one in found.caches):
        return Advice(
            remedy=(
                "Keep the compile cache between processes (TORCHINDUCTOR_CACHE_DIR), or carry it along with "
                "torch.compiler.save_cache_artifacts() and torch.compiler.load_cache_artifacts()."
            ),
            link=causes.CACHING,
        )
    return None


def failure_sentence(found: Compile) -> str:
    end = found.end
    lines = [line.strip() for line in ((end.why if end else None) or "").splitlines() if line.strip()]
    last = lines[-1] if lines else (end.failure if end and end.failure else "torch does not say why")
    return f"{found.where} could not be compiled: {last}"


def failure_why(found: Compile) -> str:
    kind = found.end.failure if found.end is not None else None
    plain = causes.CAUSES["failure"].why
    return f"{plain} {kind} is what torch raised." if kind else plain


def failure_advice(context: Context, found: Compile) -> Advice | None:
    kind = (found.end.failure if found.end is not None else None) or ""
    compilation = context.run.case.compilation
    if kind == "BackendCompilerFailed":
        backend = compilation.backend or "inductor"
        remedy = f"See whether the backend is at fault: compile with backend='aot_eager' in the place of {backend!r}."
        return Advice(remedy=remedy, link=causes.COMPILE)
    if kind in ("Unsupported", "UserError") and compilation.fullgraph:
        remedy = f"torch.compile({denoiser(found)}, fullgraph=False) goes on after what can't be traced."
        return Advice(remedy=remedy, link=causes.BREAKS)
    if kind == "RecompileError":
        remedy = "torch._dynamo.config.error_on_recompile = False lets it compile again."
        return Advice(remedy=remedy, link=causes.RECOMPILATION)
    return None


def limit_sentence(found: Compile, refused: str | None) -> str:
    limit = found.limit
    value = f" of {limit.limit}" if limit is not None and limit.limit is not None else ""
    text = f"recompile limit{value} reached by {found.where}"
    if refused:
        text += f": {refused}"
    if limit is not None and limit.fatal:
        return f"{text}; fullgraph=True forbids going on in eager"
    return f"{text}; eager from here on where no compiled variant fits"


def limit_why(found: Compile) -> str:
    if found.limit is not None and found.limit.fatal:
        return "torch keeps so many compiled variants of one piece of code; with fullgraph=True one more is an error."
    return f"torch keeps so many compiled variants of one piece of code. {causes.CAUSES['limit'].why}"


def limit_advice(context: Context, found: Compile, change: Change | None) -> Advice:
    """Raise the limit, and to what: twice as much, four times where every leaf module counts as a recompile."""
    run = context.run
    limit = (found.limit.limit if found.limit is not None else None) or run.case.compilation.recompile_limit
    limit = limit or DEFAULT_LIMIT
    whose: Blame = blame(change) if change is not None else "unknown"
    new = limit * (4 if is_leaf(found) or run.case.compilation.engine == "accelerate" else 2)
    remedy = f"Raise the limit: torch._dynamo.config.recompile_limit = {new} (stepscope run --recompile-limit {new})"
    if run.case.compilation.engine == "accelerate" and is_leaf(found):
        remedy += f"; or compile the blocks alone, {compile_blocks(run, found)}"
    elif whose == "artefact" and torch_at_least(run, 2, 13):
        remedy += "; or give each module entries of its own, torch.compile(..., isolate_recompiles=True)"
    elif change is not None and change.guard.cause == "tensor.size" and run.case.compilation.dynamic is False:
        remedy += "; or leave dynamic=False out"
    return Advice(remedy=f"{remedy}.", link=causes.SKIPPED)
