"""The page of the causes, ``docs/triggers.md``: made from their table, so that it can't say anything else."""

from __future__ import annotations

from profiler.analysis.triggers.causes import CAUSES, Cause

_INTRO = """# Why things are compiled, and what to do

torch.compile makes code for what it has seen and puts guards before it: conditions under which the code holds. A call
that fails them all is a *recompile*. stepscope reads torch's text of the guard, gives it one of the classes below, and
says in words of the pipeline what changed, whose doing it was, and what to do. `stepscope triggers SESSION` prints
that, `--class tensor.size` leaves one class (and `--class tensor` all that begin so), and the Triggers screen shows the
same. What is said of one trigger is more exact than this page: it names the argument, the value and the call.

| blame | what it says |
|---|---|
| user | something that the caller changed between calls |
| expected | the model's or the variant's nature, paid once: the widths of a shared block, the first calls |
| artefact | modules that run through the same function, which torch counts as recompiles of each other |
| unknown | torch's text says too little; it is shown as it is |
"""
_WORDS = {
    "what": "the argument",
    "words": "size",
    "denoiser": "pipe.unet",
    "module": "the module",
    "expected": "the expected one",
    "actual": "the other",
}
"""What stands in the templates where nothing has happened yet."""


def causes_page() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRO, *(_section(name, cause) for name, cause in CAUSES.items())])


def _section(name: str, cause: Cause) -> str:
    lines = [f"## `{name}`: {cause.title}", ""]
    if cause.why:
        lines += [cause.why, ""]
    if cause.remedy:
        lines += [f"*Remedy:* {cause.remedy.format(**_WORDS)}", ""]
    said = [f"Usually: {cause.blame}"] + ([f"[documentation]({cause.link})"] if cause.link else [])
    return "\n".join([*lines, f"{'. '.join(said)}.", ""])
