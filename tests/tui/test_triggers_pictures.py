"""What the inspector's pictures and panels are made with: bars, paragraphs, filters, order."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from rich.cells import cell_len

from profiler.analysis.triggers import Part, groups, occurrences
from tests.support import recorded, triggers
from tests.tui.hostile import HOSTILE
from tests.tui.support import flat, folded
from tui.panels.rows import width_of
from tui.panels.triggers.detail import laid_out, wrapped
from tui.pictures.triggers.detail import Para, PhaseBar, detail
from tui.pictures.triggers.lines import case_looks, compiles, held, lost_text, milliseconds, step_key, trigger_line
from tui.pictures.triggers.painter import TriggersPainter
from tui.pictures.triggers.phases import LOOKS, cells_of, look_of
from tui.pictures.triggers.sides import sides
from tui.pictures.triggers.view import FIELDS, TriggersView, choices, following, ordered, passed

PARTS = [Part("dynamo", 6.0), Part("aot", 0.001), Part("inductor", 3.0), Part("codegen", 0.0), Part("other", 1.0)]


@pytest.mark.parametrize("width", [1, 2, 3, 4, 10, 99])
def test_a_bar_fills_its_width_and_what_took_time_is_seen_while_there_is_room(width: int) -> None:
    cells = cells_of(PARTS, width)
    assert sum(size for _, size in cells) == width
    assert all(size > 0 for _, size in cells)
    assert "codegen" not in dict(cells)
    if width >= 4:
        assert [phase for phase, _ in cells] == ["dynamo", "aot", "inductor", "other"]
        assert dict(cells)["dynamo"] == max(size for _, size in cells)


def test_a_bar_of_nothing_is_none() -> None:
    assert cells_of([], 10) == cells_of([Part("aot", 0.0)], 10) == cells_of(PARTS, 0) == []


def test_phases_are_told_apart_without_colour() -> None:
    assert len({look.letter for look in LOOKS.values()}) == len(LOOKS)
    assert look_of("a new phase\x1b[31m").name == "a new phase␛[31m"


@pytest.mark.parametrize("width", [1, 8, 13, 40, 80])
@pytest.mark.parametrize("text", ["", "one two three", "x" * 200, " lead and   gaps " * 9, "世界" * 30, *HOSTILE[-5:]])
def test_wrapping_loses_no_word_and_keeps_to_the_width(text: str, width: int) -> None:
    if cell_len(text) > len(text) and width == 1:
        pytest.skip("a wide character needs two cells")
    lines = list(wrapped(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_number_stays_with_its_unit() -> None:
    assert list(wrapped("it took 44.8 s in all", 12)) == ["it took", "44.8 s in", "all"]


def test_code_keeps_its_blanks_and_hangs() -> None:
    assert list(wrapped("> 12  if a and b:", 12, joined=False, hang=4)) == ["> 12  if a ", "    and b:"]


def test_every_detail_fits_every_width() -> None:
    state = folded(triggers.triggers())
    looks = case_looks(state.request)
    for group in groups(occurrences(state)):
        for one in (None, *group.occurrences):
            blocks = detail(group, one, looks[group.case], marker="x")
            for width in (40, 60, 118):
                rows = list(laid_out(blocks, width, roomy=width > 50))
                assert all(width_of(row) <= width for row in rows)
            told = one or group
            assert " ".join(told.sentence.split())[:30] in " ".join(flat(laid_out(blocks, 200, roomy=False)).split())


def test_filters_leave_what_fits_all_of_them() -> None:
    every = occurrences(folded(triggers.triggers()))
    for field in FIELDS:
        for value in choices(every, field):
            kept, wrong = passed(every, TriggersView().choosing(field, value))
            assert kept and len(kept) < len(every) and not wrong
    both, _ = passed(every, TriggersView(variant="compile", typed="kind:recompile"))
    assert {(one.variant, one.kind) for one in both} == {("compile", "recompile")}
    assert passed(every, TriggersView(variant="compile", module="GroupNorm"))[0] == []


def test_a_typed_filter_that_is_wrong_hides_nothing_and_says_why() -> None:
    every = occurrences(folded(triggers.triggers()))
    kept, wrong = passed(every, TriggersView(typed="colour:red"))
    assert kept == every
    assert "variant" in wrong


def test_values_come_one_after_the_other_and_then_all() -> None:
    assert [following("abc", now) for now in (None, "a", "b", "c", "gone")] == ["a", "b", "c", None, "a"]
    assert following("", None) is None


def test_orders() -> None:
    found = groups(occurrences(folded(triggers.triggers())))
    assert [group.count for group in ordered(found, "count")] == sorted((g.count for g in found), reverse=True)
    assert [group.total_ms for group in ordered(found, "cost")] == sorted((g.total_ms for g in found), reverse=True)
    firsts = [min(one.t for one in group.occurrences) for group in ordered(found, "time")]
    assert firsts == sorted(firsts)
    blames = [group.blame for group in ordered(found, "yours")]
    assert blames.index("expected") > max(n for n, blame in enumerate(blames) if blame == "user")
    assert blames[-1] == "artefact"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0, "0 ms"), (31.04, "31.0 ms"), (1220.0, "1.22 s"), (-1220.0, "-1.22 s"), (1_200_000.0, "20 min")],
)
def test_milliseconds(value: float | None, text: str) -> None:
    assert milliseconds(value) == text


def test_phase_bars_are_of_the_whole_compile() -> None:
    state = folded(triggers.triggers())
    looks = case_looks(state.request)
    bars = [
        block
        for group in groups(occurrences(state))
        for block in detail(group, None, looks[group.case], marker="x")
        if isinstance(block, PhaseBar)
    ]
    assert bars
    assert all(sum(part.ms for part in bar.parts) == pytest.approx(bar.ms) for bar in bars)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0515, "0.1 ms"), (-0.00185, "0.0 ms"), (-0.4, "-0.4 ms"), (1.5, "1.50 ms"), (1220.0, "1.22 s")],
)
def test_what_a_step_lost_has_room_in_the_list(value: float | None, text: str) -> None:
    assert lost_text(value) == text


def test_what_a_step_lost_to_several_is_said_to_be_shared() -> None:
    state = folded(triggers.triggers())
    every = occurrences(state)
    busy = held(every)
    looks = case_looks(state.request)
    shared = alone = 0
    for one in every:
        texts = [
            block.text for block in detail(None, one, looks[one.case], marker="x", held=busy) if isinstance(block, Para)
        ]
        told = next((text for text in texts if ", lost " in text), "")
        others = busy[step_key(one)] - compiles(one)
        assert (f" to this and {others} other compile" in told) is (bool(told) and others > 0)
        shared, alone = shared + (bool(told) and others > 0), alone + (bool(told) and others == 0)
    assert shared and alone


def test_a_group_that_came_before_says_in_words_that_it_compiles_again() -> None:
    state = folded(triggers.triggers())
    group = groups(occurrences(state))[0]
    looks = case_looks(state.request)
    line = trigger_line(msgspec.structs.replace(group, running=True), looks, repeats=False)
    assert line.sentence.startswith("compiling: ") and line.took == milliseconds(group.total_ms)
    assert not trigger_line(group, looks, repeats=False).sentence.startswith("compiling: ")


def test_sides_match_what_is_the_same_and_keep_apart_what_is_expected() -> None:
    state = folded(recorded.finished(legs=["64x64", "96x96"]))
    every = occurrences(state)
    one, *_ = [found for found in every if found.kind == "recompile"]
    names = [case.name for case in state.request.cases if case.compilation.variant != "no-compile"]
    runs = {name: next(run.name for run in state.runs.values() if run.case.name == name) for name in names}
    made = [
        msgspec.structs.replace(one, key=f"{name} {blame}", case=name, run=runs[name], blame=blame)
        for name in names
        for blame in (("user", "expected") if name == names[0] else ("user",))
    ]
    shown = sides(state, made, case_looks(state.request), None, None)
    lines = [line for line in shown.lines if line.group is not None]
    assert [(line.left[:2], line.right[:2]) for line in lines] == [("1x", "1x"), ("1x", "–")]
    assert not lines[0].label.endswith("expected") and lines[1].label.endswith(", expected")
    assert "tensor.size" not in lines[0].label and "sample height" in lines[0].label


def test_the_waterfall_stays_with_its_run_when_that_is_over() -> None:
    """The newest run is followed while it runs; nothing jumps back to the first one when the session ends."""
    recording = recorded.finished(legs=["64x64", "96x96"])
    painter = TriggersPainter(folded(recording))
    view = TriggersView(view="waterfall")

    def charted(charted: str | None = None) -> str:
        picture = painter.picture(replace(view, charted=charted), 1, 0, copied=False, loading=False)
        assert picture.waterfall is not None
        return picture.waterfall.run

    first = charted()
    last = [run.name for run in painter.session.runs.values() if run.compiles][-1]
    assert first != last
    assert charted(last) == last
    assert charted() == last
