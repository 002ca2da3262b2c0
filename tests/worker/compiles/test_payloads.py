"""Other people's text: bounded, encodable, and understood where it can be."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.worker.compiles import payloads

BREAK = """Graph break in user code at /home/me/pipe line.py:51
Graph Break Reason: Encountered graph break when attempting to trace CALL: a function call, e.g. f(x, y):

Failed to trace builtin operator
  Explanation: Dynamo does not know how to trace builtin operator `print`
  Hint: Avoid calling `print`
  Hint: If you are attempting to call a logging function, fall back to eager
  Developer debug context: builtin print [<class 'str'>] False

 For more details about this graph break, please visit: https://meta-pytorch.github.io/gb/gb0059.html

User code traceback:
  File "/home/me/other.py", line 3, in <module>
"""


def test_a_single_reason_is_bare_text_and_several_are_a_list() -> None:
    assert payloads.recompile_reasons("0/0: k == 'a'") == ["0/0: k == 'a'"]
    assert payloads.recompile_reasons('[\n"0/1: a",\n"0/0: b"\n]') == ["0/1: a", "0/0: b"]
    assert payloads.recompile_reasons("") == []


@pytest.mark.parametrize("payload", [None, 7, b"\xff\x00", ["a"], {"a": 1}, "[broken", object()])
def test_reasons_of_any_shape_are_texts(payload: object) -> None:
    assert all(isinstance(reason, str) for reason in payloads.recompile_reasons(payload))


@given(st.one_of(st.text(), st.binary(), st.integers(), st.none(), st.lists(st.floats())), st.integers(1, 50))
def test_text_is_short_and_survives_json(value: object, limit: int) -> None:
    found = payloads.text(value, limit)
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
    assert len(found) <= limit * 6  # an unpaired surrogate is spelled out


def test_a_lone_surrogate_is_spelled_out() -> None:
    assert payloads.text("caf\udce9.py") == "caf\\udce9.py"


def test_a_cut_text_says_so() -> None:
    assert payloads.text("x" * 100, 10) == "x" * 9 + "…"


def test_the_reason_that_matters_has_the_right_of_way() -> None:
    reasons = ["a" * 5000, "b" * 5000, *("c" for _ in range(20))]
    kept, matched = payloads.bounded(reasons, 1, 1000)
    assert (len(kept), matched) == (payloads.REASONS_KEPT, 1)
    assert len(kept[0]) < 200
    assert len(kept[1]) == 1000


def test_a_reason_that_matters_is_kept_however_late_it_comes() -> None:
    reasons = [f"0/{entry}: x == {entry}" for entry in range(20)]
    kept, matched = payloads.bounded(reasons, 15)
    assert kept == [*reasons[:7], reasons[15]]
    assert matched == 7
    assert payloads.bounded([], 0) == ([], 0)


def test_the_guards_of_a_recompile_error() -> None:
    message = (
        "Recompiling function f in a.py:3\n    triggered by the following guard failure(s):\n"
        "    - 0/1: k == 'b'\n    - 0/0: k == 'a'\n    User stack trace:\n      File x"
    )
    assert payloads.reasons_of_error(message) == ["0/1: k == 'b'", "0/0: k == 'a'"]
    assert payloads.reasons_of_error(None) == payloads.reasons_of_error("boom") == []


def test_compile_ids_read_as_torch_prints_them() -> None:
    assert payloads.compile_id({"frame_id": 3, "frame_compile_id": 1}) == "3/1"
    assert payloads.compile_id({"compiled_autograd_id": 2, "frame_id": 3, "frame_compile_id": 1}) == "!2/3/1"
    assert payloads.compile_id({"stack": []}) is None


@pytest.mark.parametrize("indent", [None, 0])
def test_the_head_of_a_chromium_event_is_read_without_its_arguments(indent: int | None) -> None:
    args = {"compile_id": "0/1", "components": ['"ph": "B"'] * 1000}
    payload = json.dumps({"name": "dynamo", "ts": 1.5, "args": args, "ph": "E", "pid": 0}, indent=indent)
    assert payloads.chromium_head(payload) == payloads.ChromiumHead("dynamo", "E")
    assert payloads.chromium_compile_id(payload) == "0/1"


def test_a_chromium_event_in_another_order_is_parsed() -> None:
    head = payloads.chromium_head('{"ph": "i", "args": {}, "name": "automatic_dynamic"}')
    assert head == payloads.ChromiumHead("automatic_dynamic", "i")


@pytest.mark.parametrize("payload", [None, 5, "", "not json", "[1]", '{"ts": 1}', '{"name": "x'])
def test_what_is_no_chromium_event_is_none(payload: object) -> None:
    assert payloads.chromium_head(payload) is None


def test_a_run_time_event_without_an_id_has_none() -> None:
    assert payloads.chromium_compile_id('{"name":"x","args":{"compile_id":"None"}}') is None


def test_a_graph_break_names_its_place_id_and_reason() -> None:
    found = payloads.graph_break(BREAK)
    assert (found.file, found.line, found.break_id) == ("/home/me/pipe line.py", 51, "gb0059")
    assert found.reason.startswith("Encountered graph break")
    assert found.reason.endswith("builtin operator `print`")


def test_a_hint_about_eager_is_no_skipped_frame() -> None:
    assert not payloads.graph_break(BREAK).skipped_frame
    skipped = BREAK.replace("Failed to trace", "Skipping the function and falling back to eager. Failed to trace")
    assert payloads.graph_break(skipped).skipped_frame


@pytest.mark.parametrize("payload", [None, b"\xff", 3, "", "no such thing"])
def test_a_graph_break_without_a_place_is_still_one(payload: object) -> None:
    assert payloads.graph_break(payload).line == 0


def test_cache_lookups_are_found_in_their_payloads() -> None:
    key = {"key": "f5", "components": ['"time_saved_ns": 3', '"cache_bypass_reason": "no"'] * 9, "cache_state": "hit"}
    hit = payloads.cache_lookup("aotautograd_cache_hit", json.dumps({**key, "time_saved_ms": 24389.5}))
    assert hit == payloads.Lookup("aot", "hit", 24_389_500_000, None)
    bypass = payloads.cache_lookup(
        "fx_graph_cache_bypass", json.dumps({**key, "cache_bypass_reason": 'a "quoted" \n why'})
    )
    assert bypass == payloads.Lookup("fx", "bypass", None, 'a "quoted" \n why')
    assert payloads.cache_lookup("fx_graph_cache_miss", None) == payloads.Lookup("fx", "miss", None, None)
    assert payloads.cache_lookup("fx_graph_runnable", "{}") is None
