"""What is no compile but belongs to one, and compiles that came to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from profiler import events as ev
from profiler.analysis import triggers
from profiler.analysis.triggers import Occurrence
from tests.analysis.events import MS, call
from tests.analysis.triggers.made import LEAF, asked, compiled, folded, last, legs, refused, two_calls

WHERE: dict[str, Any] = {"id": "0/0", "call": 0, "stage": "denoise", "loop": 0, "step": 0}
HEIGHT = "0/0: tensor 'args[0]' size mismatch at index 2. expected 8, actual 12"
PRINT = """Encountered graph break when attempting to trace CALL: a function call, e.g. f(x, y):

Failed to trace builtin operator
  Explanation: Dynamo does not know how to trace builtin operator `print`
  Hint: Avoid calling `print` in your function.
  Hint: Something else.
"""


def only(kind: str, *logs: list[ev.Event], **options: Any) -> Occurrence:
    found = triggers.occurrences(folded(asked(*legs({}, {}), **options), *logs))
    (one,) = [one for one in found if one.kind == kind]
    return one


# --- graph breaks -----------------------------------------------------------------------------------------------------


def broken(**fields: Any) -> Occurrence:
    event = ev.GraphBreak(t=5, **WHERE, **{"file": "/app/mine.py", "line": 3, "reason": PRINT, **fields})
    code = ev.SourceLines(file="/app/mine.py", line=3, first=3, lines=["print(x)"])
    return only("break", compiled("0/0", 0, 0), [event, code])


def test_a_graph_break_says_where_what_and_what_to_do() -> None:
    found = broken(break_id="gb0059")
    assert found.sentence == "graph break at mine.py:3: Failed to trace builtin operator print"
    assert found.why.startswith("Dynamo does not know how to trace builtin operator `print`")
    assert found.advice is not None
    assert found.advice.remedy == "Avoid calling `print` in your function."
    assert found.advice.link == "https://meta-pytorch.github.io/compile-graph-break-site/gb/gb0059.html"
    assert (found.cause, found.file, found.line, found.module) == ("break", "/app/mine.py", 3, "UNet2DConditionModel")
    assert found.code is not None
    assert found.code.lines == ["print(x)"]


def test_a_graph_break_without_hints_has_a_way_out_all_the_same() -> None:
    found = broken(reason="Data-dependent branching")
    assert found.sentence == "graph break at mine.py:3: Data-dependent branching"
    assert found.advice is not None
    assert "torch.compiler.disable" in found.advice.remedy
    assert "by itself" in found.why
    assert "gives the whole function up" in broken(skipped_frame=True).why


@pytest.mark.parametrize(
    ("file", "blame"),
    [("/app/mine.py", "user"), ("/v/lib/python3.11/site-packages/diffusers/x.py", "expected"), ("", "unknown")],
)
def test_whose_code_breaks(file: str, blame: str) -> None:
    assert broken(file=file).blame == blame


def test_breaks_outside_of_compiles_are_told() -> None:
    found = last(asked(), [ev.GraphBreak(t=7, file="a.py", line=2, reason="x")])
    assert (found.kind, found.module, found.place.call) == ("break", None, None)


# --- the recompile limit ----------------------------------------------------------------------------------------------


def test_the_limit_tells_what_it_refused_and_how_far_to_raise_it() -> None:
    found = only("limit", compiled("0/0", 0, 0), two_calls(), refused("0/8", 1000, 1, HEIGHT, limit=8))
    assert found.sentence == (
        "recompile limit of 8 reached by unet UNet2DConditionModel: args[0] dim 2 8 → 12; eager from here on where no "
        "compiled variant fits"
    )
    assert (found.cause, found.blame, found.cost) == ("tensor.size", "user", None)
    assert found.advice is not None
    assert "torch._dynamo.config.recompile_limit = 16 (stepscope run --recompile-limit 16)" in found.advice.remedy


def test_a_fatal_limit_says_that_it_raises() -> None:
    found = only("limit", compiled("0/0", 0, 0), two_calls(), refused("0/8", 1000, 1, HEIGHT, fatal=True))
    assert found.sentence.endswith("fullgraph=True forbids going on in eager")
    assert "is an error" in found.why


def test_the_limit_of_leaf_modules_is_raised_further() -> None:
    leaf = {**LEAF, "module": "GroupNorm", "fqn": "unet.conv_norm_out"}
    entry = compiled("2/0", 0, 0, code={**LEAF, "module": "Conv2d", "fqn": "unet.conv_in"})
    reason = "2/0: tensor 'args[0]' size mismatch at index 1. expected 4, actual 16"
    options = {"variants": ["regional-compile"], "engines": ["accelerate"]}
    found = only("limit", entry, refused("2/8", 50, 0, reason, code=leaf), **options)
    assert (found.cause, found.blame) == ("shared.code", "artefact")
    assert found.advice is not None
    assert "recompile_limit = 32" in found.advice.remedy
    assert "compile_repeated_blocks()" in found.advice.remedy


# --- the silent fall to eager -----------------------------------------------------------------------------------------


def test_a_fall_to_eager_says_what_it_costs() -> None:
    steps = call(0, "measure", 0, [10.0] * 3 + [25.0] * 3, leg="a")
    graphs = iter([4, 4, 4, 1, 1, 1])
    for event in steps:
        if isinstance(event, ev.Step):
            event.graphs = next(graphs)
    fell = ev.EagerFallback(t=40 * MS, call=0, loop=0, step=3, graphs=1, expected=4)
    limit = refused("0/8", 35, 0, HEIGHT)
    found = only("eager", compiled("0/0", 0, 0, step=None), steps, limit, [fell])
    assert found.sentence.startswith("1 of 4 compiled graphs ran in this step")
    assert "Steps take 25.0 ms since then, 2.50 times the 10.0 ms before." in found.why
    assert found.module == "UNet2DConditionModel"
    assert found.advice is not None
    assert "recompile_limit = 16" in found.advice.remedy


def test_what_a_fall_costs_is_not_guessed() -> None:
    fell = ev.EagerFallback(t=40 * MS, call=0, loop=0, step=0, graphs=1, expected=4)
    assert "ms" not in only("eager", two_calls(), [fell]).why


# --- CUDA graphs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("skipping cudagraphs due to cpu device (arg0_1)", "a tensor is on the CPU (cpu device (arg0_1))"),
        (
            "skipping cudagraphs due to mutated inputs (2 instances). Found from : \n File x",
            "the code writes into its inputs (mutated inputs (2 instances). Found from :)",
        ),
        (
            (
                "skipping cudagraphs due to graph with symbolic shapes inputs and "
                "config.triton.cudagraph_skip_dynamic_graphs=True."
            ),
            (
                "its shapes are dynamic (graph with symbolic shapes inputs and "
                "config.triton.cudagraph_skip_dynamic_graphs=True)"
            ),
        ),
        ("skipping cudagraphs due to multiple devices: cuda:0, cuda:1", "its tensors are on several devices"),
        ("skipping cudagraphs due to disabling cudagraphs due to incompatible op aten.x", "an operator can't be"),
        (
            (
                "skipping cudagraph due to function 3 exceeding max re-recording limit (=128) on cudagraph node "
                "2 due to x."
            ),
            "it was recorded anew too often",
        ),
        ("skipping cudagraphs due to something new", "something new"),
        (None, "torch does not say why"),
    ],
)
def test_why_there_is_no_cuda_graph(reason: str | None, said: str) -> None:
    skipped = ev.CudaGraph(t=5, **WHERE, action="skip", reason=reason)
    found = only("cudagraph", compiled("0/0", 0, 0), [skipped])
    assert found.sentence.startswith(f"no CUDA graph: {said}")
    assert found.cause == "cudagraph.skip"
    assert (found.advice is None) is (said in ("something new", "torch does not say why"))


def test_a_skip_that_torch_tells_twice_is_one() -> None:
    end = {"cudagraph_skip": "skipping cudagraphs due to cpu device (x)"}
    again = [ev.CudaGraph(t=5, **WHERE, action="skip", reason=end["cudagraph_skip"])]
    assert only("cudagraph", compiled("0/0", 0, 0, end=end), again).sentence.startswith("no CUDA graph")
    assert only("cudagraph", compiled("0/0", 0, 0, end=end)).sentence.startswith("no CUDA graph")


def test_a_graph_recorded_again_is_an_event_and_its_first_recording_is_none() -> None:
    graphs = [
        ev.CudaGraph(t=5, **WHERE, action="record"),
        ev.CudaGraph(t=6, **WHERE, action="rerecord", reason="moved"),
    ]
    found = only("cudagraph", compiled("0/0", 0, 0), graphs)
    assert (found.cause, found.sentence) == ("cudagraph.rerecord", "a CUDA graph was recorded again: moved")


# --- failures ---------------------------------------------------------------------------------------------------------


def failed(failure: str | None, why: str | None, **options: Any) -> Occurrence:
    return only("failure", compiled("0/0", 0, 0, end={"ok": False, "failure": failure, "why": why}), **options)


def test_a_failed_compile_tells_the_last_line() -> None:
    found = failed("BackendCompilerFailed", "backend='bad' raised:\nRuntimeError: boom", backend="eager")
    assert found.sentence == "unet UNet2DConditionModel could not be compiled: RuntimeError: boom"
    assert (found.cause, found.blame) == ("failure", "unknown")
    assert found.advice is not None
    assert "backend='aot_eager' in the place of 'eager'" in found.advice.remedy
    assert "torch does not say why" in failed(None, None).sentence
    assert failed("SomethingNew", "x").advice is None


def test_code_that_cannot_be_traced_in_one_graph() -> None:
    found = failed("Unsupported", "Attempted to call function marked as skipped", fullgraph=True)
    assert found.advice is not None
    assert found.advice.remedy.startswith("torch.compile(pipe.unet, fullgraph=False)")
    assert failed("Unsupported", "x", fullgraph=False).advice is None


def test_everything_comes_in_the_order_in_which_it_was_told() -> None:
    logs = [
        compiled("0/0", 0, 0),
        refused("0/8", 1000, 1, HEIGHT),
        two_calls(),
        [ev.GraphBreak(t=900 * MS, **WHERE, reason="x")],
    ]
    found = triggers.occurrences(folded(asked(), *logs))
    assert [one.kind for one in found] == ["compile", "break", "limit"]
    assert len({one.key for one in found}) == 3
