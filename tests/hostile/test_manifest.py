"""``session.json`` of anybody's: bounded, harmless to be shown, and the old file or the new one at any moment."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from profiler import catalog, scenarios, sessions
from profiler.analysis.fold import SessionFold
from profiler.analysis.progress import planned_calls, run_progress, session_progress
from profiler.boundary import harmless
from profiler.follow import Follower
from profiler.overview import read_overview
from profiler.report.documents import show_document
from profiler.request import BadRequest, Options, Request, resolve
from profiler.request.stored import MOST_CALLS, MOST_RUNS, check_readable, check_runnable
from profiler.resume import CannotResume, find_debt, take_up
from profiler.sessions import SessionFolder, SessionUnreadable
from tests.support import recorded
from tests.support.anything import HOSTILE_UTF8, reworded, texts
from tui.asking import NewSource
from tui.choosing import known_session

Document = dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> SessionFolder:
    return recorded.make_folder(recorded.request(device="cpu"), tmp_path, "copied-one", here=False)


def document(folder: SessionFolder) -> Document:
    found: Document = json.loads(folder.manifest_file.read_bytes())
    return found


def put(folder: SessionFolder, path: str, value: object) -> None:
    """Replace what lies at ``path`` ("request.cases.0.workload.calls") of session.json."""
    found: Any = document(folder)
    whole = found
    *above, last = path.split(".")
    for part in above:
        found = found[int(part)] if isinstance(found, list) else found[part]
    found[int(last) if isinstance(found, list) else last] = value
    folder.manifest_file.write_text(json.dumps(whole))


# --- numbers and names ------------------------------------------------------------------------------------------------

CASE, WORK = "request.cases.0", "request.cases.0.workload"
LEG = {"name": "x", "changes": {}}


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (f"{WORK}.calls", 10**12, "calls must be from 0 to 1000000"),
        (f"{WORK}.calls", -1, "calls must be from 0"),
        (f"{WORK}.warmup", MOST_CALLS + 1, "warmup must be from 0"),
        (f"{WORK}.warmup", 10**400, "not a number of more than 64 bits"),
        (f"{WORK}.steps", 10**9, "steps must be"),
        (f"{WORK}.batch_size", 0, "batch_size must be from 1"),
        (f"{WORK}.height", 10**30, "height must fit 64 bits"),
        (f"{WORK}.legs", [LEG | {"calls": 10**9}], "the calls of a leg must be"),
        (f"{WORK}.legs", [LEG | {"calls": 10**6}] * 2, "all calls of a run must be"),
        (f"{WORK}.legs", [LEG] * 10_001, "10001 legs are more than"),
        (f"{WORK}.legs", [{"name": "x", "changes": {"height": "tall"}}], "the height of a leg must be a whole number"),
        (f"{WORK}.legs", [{"name": "x", "changes": {"guidance": "9" * 400}}], "must be a number from 0 to 100"),
        (f"{WORK}.call", {"x": 10**30}, "a call argument: x must be"),
        (f"{WORK}.call", {"x y": 1}, "can't be the name of a call argument"),
        (f"{CASE}.compilation.options", {"x": [[[[[[[[[1]]]]]]]]]}, "an inductor option: x must be"),
        (f"{CASE}.compilation.recompile_limit", 10**30, "recompile_limit must fit 64 bits"),
        ("request.repeats", 10**9, "repeats must be"),
        ("request.max_time_s", 1e300, "max_time_s must be above 0"),
        ("request.memory_limit_gib", -1, "memory_limit_gib must be above 0"),
        ("request.runs.0.repeat", -5, "the repeat of a run must be"),
        ("request.runs.1.name", "001-sd15-txt2img-no-compile-b1-r1", "two of its runs have the same name"),
        ("request.runs.0.name", "../up", "is no run of it"),
        ("request.cases.1.name", "sd15-txt2img-no-compile-b1", "is no run of it|two of its cases have the same name"),
        ("clock_ns", 10**400, "session.json is damaged"),
        ("created_wall_ns", 2**64, "session.json is damaged"),
        ("schema", 10**400, "session.json is damaged"),
        ("schema", 2, "has format 2, this stepscope reads up to 1: upgrade it"),
    ],
)
def test_what_nobody_can_count_to_is_damage_and_said_in_one_line(
    folder: SessionFolder, path: str, value: object, says: str
) -> None:
    put(folder, path, value)
    with pytest.raises(SessionUnreadable, match=says) as caught:
        folder.manifest()
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


def numbers(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all numbers in a document, and of what may be one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value[:1]):
            yield from numbers(inner, f"{path}.{number}")
    elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield path


def test_no_number_of_a_session_stops_a_viewer(folder: SessionFolder) -> None:
    """Each number at its edges: refused, or counted and drawn with."""
    original = document(folder)
    refused = shown = 0
    for path in numbers(original):
        for value in (-1, 0, MOST_CALLS, 10**12, 2**63 - 1, 2**63, 10**400):
            folder.manifest_file.write_text(json.dumps(original))
            put(folder, path, value)
            try:
                manifest = folder.manifest()
            except SessionUnreadable:
                refused += 1
                continue
            shown += 1
            state = SessionFold(manifest.session, manifest.request).state
            assert max(len(planned_calls(case)) for case in manifest.request.cases) <= MOST_CALLS + 1
            session_progress(state, 10**9)
            run_progress(state, next(iter(state.runs.values())), 10**9)
            assert msgspec.json.encode(show_document(state))
            assert read_overview(folder).state != "unreadable"
            assert not known_session(folder, time.time_ns()).why
            with suppress(CannotResume):
                find_debt(folder)
    assert refused > 60 and shown > 30


def test_many_runs_and_no_more(folder: SessionFolder) -> None:
    found = document(folder)
    run = found["request"]["runs"][0]
    found["request"]["runs"] = [run | {"name": f"{number}"} for number in range(MOST_RUNS + 1)]
    folder.manifest_file.write_text(json.dumps(found))
    with pytest.raises(SessionUnreadable, match="20001 runs are more than 20000"):
        folder.manifest()


def test_a_later_version_of_another_shape_is_said_to_be_one(folder: SessionFolder) -> None:
    folder.manifest_file.write_text('{"schema": 2, "request": ["of", "another", "shape"]}')
    with pytest.raises(SessionUnreadable, match="has format 2, this stepscope reads up to 1: upgrade it"):
        folder.manifest()


def test_cut_at_any_byte_it_is_damaged_or_whole(folder: SessionFolder) -> None:
    found = document(folder)
    found["request"] |= {"cases": found["request"]["cases"][:1], "runs": found["request"]["runs"][:1]}
    data = msgspec.json.encode(found)
    folder.manifest_file.write_bytes(data)
    whole = folder.manifest()
    for end in range(len(data)):
        folder.manifest_file.write_bytes(data[:end])
        with pytest.raises(SessionUnreadable, match=r"session\.json is damaged"):
            folder.manifest()
    folder.manifest_file.write_bytes(data)
    assert folder.manifest() == whole


def test_a_setting_of_a_later_version_is_shown_and_not_obeyed(folder: SessionFolder) -> None:
    put(folder, f"{WORK}.legs", [{"name": "later", "changes": {"resolution_of_tomorrow": 3, "steps": 4}}])
    manifest = folder.manifest()
    leg = manifest.request.cases[0].workload.legs[0]
    assert scenarios.workload_of(manifest.request.cases[0].workload, leg).steps == 4
    with pytest.raises(BadRequest, match="a call can't change 'resolution_of_tomorrow'"):
        check_runnable(manifest.request)


# --- texts ------------------------------------------------------------------------------------------------------------


def hostile(folder: SessionFolder, text: str) -> list[str]:
    """Put ``text`` into every text of session.json that isn't a name of a case, of a run or of an argument."""
    put_into: list[str] = []

    def worded(path: str, found: str) -> str:
        if path.endswith((".name", ".case", "?")):
            return found
        put_into.append(path)
        return text

    manifest = folder.manifest(verbatim=True)
    call = {"negative_prompt": text, "more": [text, {text: text}]}
    case, *others = manifest.request.cases
    case = msgspec.structs.replace(case, workload=msgspec.structs.replace(case.workload, call=call))
    request = msgspec.structs.replace(manifest.request, cases=[case, *others])
    sessions.write_manifest(folder, reworded(msgspec.structs.replace(manifest, request=request), worded))
    return put_into


@pytest.mark.parametrize("text", HOSTILE_UTF8, ids=range(len(HOSTILE_UTF8)))
def test_every_text_is_harmless_to_be_shown_and_verbatim_to_be_obeyed(folder: SessionFolder, text: str) -> None:
    paths = hostile(folder, text)
    assert {"host", "boot_id", "request.device", "request.cases[0].compilation.variant"} <= set(paths)
    shown = folder.manifest()
    assert not [path for path, found in texts(shown) if found != harmless(found)]
    assert shown.host == shown.request.device == harmless(text)
    assert Follower(folder).state.request == shown.request
    as_written = folder.manifest(verbatim=True)
    assert as_written.host == as_written.request.cases[0].workload.prompt == text
    # What is added to it leaves the rest as it was.
    run = msgspec.structs.replace(shown.request.runs[0], name="009-more-r9", repeat=9)
    sessions.extend(folder, [], [run])
    assert folder.manifest(verbatim=True).request.cases == as_written.request.cases


def test_what_is_resumed_is_what_was_asked_for(folder: SessionFolder) -> None:
    prompt = "a family \U0001f468\u200d\U0001f469\u200d\U0001f467 by\u00a0the sea\u00ad"
    put(folder, f"{WORK}.prompt", prompt)
    assert folder.manifest().request.cases[0].workload.prompt != prompt
    take_up(folder, find_debt(folder), now_wall_ns=10**18, now_ns=10**9)
    assert folder.manifest(verbatim=True).request.cases[0].workload.prompt == prompt


def test_a_new_session_like_it_asks_for_the_same(folder: SessionFolder, own_home: Path) -> None:
    prompt = "a family \U0001f468\u200d\U0001f469\u200d\U0001f467"
    for number in range(3):
        put(folder, f"request.cases.{number}.workload.prompt", prompt)
    form, _ = NewSource(own_home, choose=lambda given: given or "cpu").fill(folder)
    assert form.texts["prompt"] == prompt


# --- what can be run --------------------------------------------------------------------------------------------------


def asked(name: str, **options: object) -> Request | None:
    try:
        return resolve(msgspec.convert({"pipeline": name, "size": "tiny", **options}, Options), "cuda:0")
    except BadRequest:
        return None  # the pipeline has no such scenario


def test_whatever_the_command_line_makes_may_be_resumed() -> None:
    made = 0
    for name in catalog.names():
        for options in ({}, {"dtype": "bfloat16", "batch_sizes": [1, 4]}, *({"scenario": one} for one in SCENARIOS)):
            request = asked(name, **options)
            if request is not None:
                check_runnable(request)
                made += 1
    assert made > 3 * len(catalog.names())


SCENARIOS = [name for name in scenarios.SCENARIOS if name != "steady"]


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("device", "../../../tmp/x", "device must be cpu or cuda:N"),
        ("device", "cuda:0\n", "device must be cpu or cuda:N"),
        ("device", "", "device must be cpu or cuda:N"),
        ("device", "cuda:9999", "device must be cpu or cuda:N"),
        ("cache", "../..", "no cache is called"),
        ("repeats", 101, "repeats must be from 1 to 100"),
        ("cases.0.compilation.variant", "x y", "no variant is called"),
        ("cases.0.compilation.engine", "own", "no engine is called"),
        ("cases.0.compilation.mode", "maximal", "no compile mode is called"),
        ("cases.0.compilation.backend", "os.system", "no backend is called"),
        ("cases.0.compilation.recompile_limit", 0, "recompile limit must be from 1"),
        ("cases.0.workload.pipeline", "nothing-of-ours", "no pipeline is called"),
        ("cases.0.workload.origin", "../up", "a pipeline must be ORG/NAME on the hub or an absolute path"),
        ("cases.0.workload.weights", "../up", "weights must be random, hub, factory or an absolute path"),
        ("cases.0.workload.vae", "../up", "vae must be tiny, ORG/NAME on the hub or an absolute path"),
        ("cases.0.workload.dtype", "object", "no dtype is called"),
        ("cases.0.workload.size", "huge", "no size is called"),
        ("cases.0.workload.scheduler", "os.system", "scheduler must be the name of a class"),
        ("cases.0.workload.attention", "nothing", "no attention is called"),
        ("cases.0.workload.offload", "disk", "no offload is called"),
        ("cases.0.workload.layerwise_casting", "int1", "no type for layerwise casting is called"),
        ("cases.0.workload.batch_size", 2000, "batch size must be from 1 to 1024"),
        ("cases.0.workload.steps", 1000, "steps must be from 1 to 999"),
        ("cases.0.workload.calls", 10_001, "calls must be from 1 to 10000"),
        ("cases.0.workload.warmup", 10_001, "warm-up calls must be from 0 to 10000"),
        ("cases.0.workload.height", 20_000, "height must be from 1 to 16384"),
        ("cases.0.workload.guidance", 1e9, "guidance must be a number from 0 to 100"),
        ("cases.0.workload.strength", -1.0, "strength must be a number from 0 to 1"),
        ("cases.0.workload.seed", -1, "seed must be from 0"),
        ("cases.0.workload.legs", [LEG | {"calls": 10_001}], "the calls of a leg must be from 1 to 10000"),
        ("cases.0.workload.legs", [{"name": "x", "changes": {"scheduler": "a.b"}}], "must be the name of a class"),
    ],
)
def test_what_no_command_line_could_ask_for_is_shown_and_not_run(
    folder: SessionFolder, path: str, value: object, says: str
) -> None:
    put(folder, f"request.{path}", value)
    request = folder.manifest().request
    check_readable(request)
    with pytest.raises(BadRequest, match=says):
        check_runnable(request)


# --- written whole ----------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_of_a_write_the_old_file_or_the_new_one_is_there(folder: SessionFolder) -> None:
    before = folder.manifest()
    after = msgspec.structs.replace(before, stepscope="9.9.9")
    for name, number, expected in (("fsync", 1, before), ("rename", 1, before), ("fsync", 2, after)):
        assert killed_at(name, number, lambda: sessions.write_manifest(folder, after)) == signal.SIGKILL
        assert folder.manifest() == expected
    assert len(list(folder.path.glob(".session.json.*.tmp"))) == 2
    assert [found.id for found in sessions.all_sessions(folder.path.parent.parent)] == [folder.id]
    take_up(folder, find_debt(folder), now_wall_ns=10**18, now_ns=10**9)
    assert not list(folder.path.glob(".session.json.*.tmp"))


def killed_at(name: str, number: int, work: Callable[[], None]) -> int:
    """The signal that ended a process which is killed at its ``number``-th call of ``os.<name>`` for ``work``."""
    child = os.fork()
    if not child:
        try:
            real, calls = getattr(os, name), []

            def deadly(*arguments: object, **options: object) -> object:
                calls.append(name)
                if len(calls) == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **options)

            setattr(os, name, deadly)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status)


def test_the_folder_is_synced_too(folder: SessionFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    sessions.write_manifest(folder, folder.manifest())
    assert len(synced) == 2 and synced[0].endswith(".tmp") and synced[1] == folder.id
