"""The HTML page of a comparison: what it says is what the figures say, and it needs nothing but itself."""

from __future__ import annotations

import math
import re
from base64 import b64decode
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from profiler import events as ev
from profiler.analysis.cases import lot_figures
from profiler.analysis.lots import Lot, lots_of
from profiler.analysis.state import SessionState
from profiler.report.html import page
from profiler.report.html.axes import Axis, ceiling, thinned, value_text
from profiler.report.html.pictures import LARGEST, png
from profiler.report.rows import break_even_cell
from profiler.report.thumbnails import Thumbnail
from tests.analysis.events import MS, call, fold, frame, request
from tests.support.recorded import finished

_OUR_OWN = """html head meta title style body header section h1 h2 h3 p ul li b span div small code a table thead tbody
tr th td figure figcaption details summary svg g path rect circle text img"""
ALLOWED = set(_OUR_OWN.split())
"""Elements that a page of ours consists of."""


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and the text; fails on what isn't nested well."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        assert len(dict(attrs)) == len(attrs)
        if tag not in ("meta", "img"):
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data!r}")

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def check_self_contained(text: str) -> Page:
    """No script, nothing that is fetched, nothing but our own elements."""
    found = Page(text)
    assert {tag for tag, _ in found.elements} <= ALLOWED
    for tag, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcset", "xlink:href")]
        assert attributes.get("src", "data:").startswith("data:image/png;base64,") or "src" not in attributes
        if "href" in attributes:
            assert tag == "a" and attributes["href"].startswith("https://") and "noreferrer" in attributes["rel"]
    (policy,) = [one["content"] for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script" not in policy and "http" not in policy
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style and "@import" not in style and "<" not in style
    return found


@cache
def recorded(device: str = "cuda:0", repeats: int = 3) -> SessionState:
    return finished(device=device, repeats=repeats).folded()


@cache
def made(device: str = "cuda:0") -> str:
    return "".join(page(lots_of(recorded(device))))


def sections(text: str) -> dict[str, str]:
    """The words of each section by its heading."""
    found = re.findall(r"<section><h2>(.*?)</h2>(.*?)</section>", text, re.DOTALL)
    return {heading: Page(body).text for heading, body in found}


@pytest.mark.parametrize("device", ["cuda:0", "cpu"])
def test_a_page_is_whole_and_needs_nothing_but_itself(device: str) -> None:
    found = check_self_contained(made(device))
    assert len(found.all("title")) > 1  # the page's, and what hovering over the plots tells
    assert ("VRAM" in found.text) == (device != "cpu") or "RSS" in found.text


def test_the_verdict_comes_first_and_in_words() -> None:
    told = sections(made())
    assert next(iter(told)) == "Verdict"
    session = recorded()
    for lot in lots_of(session)[1:]:
        figures = lot_figures(lot, lots_of(session)[0])
        assert figures.interval is not None and figures.speedup is not None
        low, high = figures.interval
        said = (
            f"{lot.case.compilation.variant} is FASTER than no-compile : {figures.speedup:.2f}x"
            f" (95 %: {low:.2f}x to {high:.2f}x) , pays for itself after {break_even_cell(figures)}"
        )
        assert said.replace(" :", ":").replace(" ,", ",") in told["Verdict"].replace(" :", ":").replace(" ,", ",")


def test_without_a_verdict_the_page_says_why() -> None:
    text = "".join(page(lots_of(recorded(repeats=1))))
    assert "no verdict: one run a case gives no interval: --repeats 3 does" in sections(text)["Verdict"]


def test_the_page_says_what_was_measured_and_where() -> None:
    told = sections(made())["What was measured"]
    for word in (
        "done-sd15-txt2img",
        "NVIDIA Recorded 24 GB",
        "torch 2.13.0",
        "diffusers 0.42.1",
        "recorded",
        "2026-01-01",
    ):
        assert word in told
    assert "copied from elsewhere" not in told
    copied = "".join(page(lots_of(recorded()), copied=[recorded()]))
    assert "copied from elsewhere" in sections(copied)["What was measured"]


def test_every_plot_is_valid_svg_that_says_what_it_shows_and_has_its_data_beside_it() -> None:
    text = made()
    figures = re.findall(r"<figure>(.*?)</figure>", text, re.DOTALL)
    assert len(figures) >= 9
    for figure in figures:
        *_, drawing = re.findall(r"<svg.*?</svg>", figure.partition("<details>")[0], re.DOTALL)
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img" and len(root.get("aria-label", "")) > 10
        assert root.findall(".//title") and root.findall(".//text")
        assert "<table>" in figure.partition("<details>")[2]
        numbers = re.findall(r"-?[\d.]+|nan|inf", " ".join(path.get("d", "") for path in root.iter("path")))
        assert numbers and all(math.isfinite(float(number)) for number in numbers)


def test_lots_of_one_variant_differ_in_more_than_their_colour() -> None:
    other = finished(seed=2, repeats=3, session="othr-sd15").folded()
    lots = [*lots_of(recorded()), *lots_of(other)]
    text = "".join(page(lots, lots[0]))
    check_self_contained(text)
    (legend, *_) = re.findall(r'<ul class="key">(.*?)</ul>', text, re.DOTALL)
    shapes = [re.sub(r"\bl\d+\b", "", item) for item in re.findall(r"<svg.*?</svg>", legend, re.DOTALL)]
    assert len(shapes) == 6 and len(set(shapes)) == 6
    assert "compile othr" in sections(text)["Verdict"]


def test_one_lot_and_none_at_all_make_a_page() -> None:
    alone = "".join(page(lots_of(recorded())[:1]))
    check_self_contained(alone)
    assert "nothing to compare" in sections(alone)["Verdict"] and "Step latency" in sections(alone)["Charts"]
    check_self_contained("".join(page([])))


def test_a_session_makes_a_page_at_any_moment() -> None:
    recording = finished(repeats=1, calls=2, steps=3)
    times = [record.event.t for record in recording.records]
    for until in [0, *times[:: max(1, len(times) // 8)]]:
        check_self_contained("".join(page(lots_of(recording.folded(until)))))


def test_single_runs_are_compared_too() -> None:
    state = recorded()
    text = "".join(page([Lot(state, run.case, run.name) for run in state.runs.values()]))
    assert "a single run gives no interval" in sections(text)["Verdict"]
    assert "compile #2" in sections(text)["Figures"]


def test_fifty_runs_of_a_thousand_steps_make_a_page_that_can_be_sent_and_keep_their_spikes() -> None:
    given = request(variants=["no-compile", "compile"], repeats=25, steps=999, calls=1, warmup=0)
    logs = {}
    for number, run in enumerate(given.runs):
        steps = [5.0 + number * 0.01 + (step % 7) * 0.1 for step in range(1000)]
        steps[517] = 9000.0 if number == 7 else 5.0
        logs[run.name] = [*frame(), *call(0, "measure", 1000, steps), ev.RunEnded(t=60_000 * MS, outcome="ok")]
    state = fold(given, logs).state
    text = "".join(page([Lot(state, run.case, run.name) for run in state.runs.values()]))
    found = check_self_contained(text)
    assert len(text) < 1_500_000
    assert found.text.count("9.00 s") >= 2  # beside the mark at the top edge, in both latency charts


# --- pictures ---


def with_pictures(
    path: Path, files: dict[str, bytes], **output: list[str]
) -> tuple[dict[SessionState, Path], list[Lot]]:
    given = request(variants=["no-compile", "compile"], repeats=1)
    logs: dict[str, list[ev.Event]] = {}
    for run in given.runs:
        folder = path / "runs" / run.name
        folder.mkdir(parents=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        logs[run.name] = [*frame(), *call(0, "measure", 100, [5.0] * 3), ev.Output(t=9_000 * MS, call=0, **output)]
    state = fold(given, logs).state
    return {state: path}, lots_of(state)


def sources(text: str) -> list[str]:
    return [one["src"] for one in check_self_contained(text).all("img")]


def test_kept_pictures_stand_side_by_side_as_data(tmp_path: Path) -> None:
    data = png(Thumbnail(2, 1, b"\xff\0\0\0\xff\0"))
    folders, lots = with_pictures(tmp_path, {"0.png": data}, images=["0.png"])
    found = sources("".join(page(lots, folders=folders)))
    assert len(found) == 2 and all(one.startswith("data:image/png;base64,iVBORw0KGgo") for one in found)
    assert sources("".join(page(lots))) == []


def test_copies_of_one_session_show_each_its_own_pictures(tmp_path: Path) -> None:
    pictures = [png(Thumbnail(1, 1, rgb)) for rgb in (b"abc", b"xyz")]
    copies = [
        with_pictures(tmp_path / str(number), {"0.png": data}, images=["0.png"]) for number, data in enumerate(pictures)
    ]
    folders = {state: path for made, _ in copies for state, path in made.items()}
    text = "".join(page([lots[0] for _, lots in copies], folders=folders))
    assert [b64decode(source.partition(",")[2]) for source in sources(text)] == pictures
    assert "2 cases or runs of 2 sessions" in text
    assert "test~2" in sections(text)["What was measured"]


def test_of_a_picture_that_is_large_or_none_the_thumbnail_is_shown(tmp_path: Path) -> None:
    small = b"P6\n2 1\n255\n" + bytes(range(6))
    for number, image in enumerate((b"\x89PNG\r\n\x1a\n" + b"x" * LARGEST, b"<svg onload=alert(1)>")):
        folders, lots = with_pictures(
            tmp_path / str(number), {"0.png": image, "0.ppm": small}, images=["0.png"], thumbnails=["0.ppm"]
        )
        found = sources("".join(page(lots, folders=folders)))
        assert len(found) == 2 and all(len(one) < 1000 for one in found)


def test_a_name_that_leaves_the_runs_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(png(Thumbnail(1, 1, b"abc")))
    folders, lots = with_pictures(tmp_path, {}, images=["../../secret.png", "/etc/passwd", "missing.png"])
    assert sources("".join(page(lots, folders=folders))) == []


# --- axes ---


@pytest.mark.parametrize(
    ("high", "kind", "ticks"),
    [
        (0.0523, "s", ["0", "10", "20", "30", "40", "50"]),
        (0.9, "x", ["0.0x", "0.2x", "0.4x", "0.6x", "0.8x"]),
        (3.2 * 2**30, "B", ["0", "1", "2", "3"]),
        (170.0, "s", ["0", "50", "100", "150"]),
        (1.0, "%", ["0", "20", "40", "60", "80", "100"]),
        (12_000.0, "n", ["0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
    ],
)
def test_ticks_are_in_steps_of_one_two_or_five(high: float, kind: str, ticks: list[str]) -> None:
    assert [said for _, said in Axis(0.0, high, kind, "").ticks()] == ticks  # type: ignore[arg-type]


def test_an_axis_without_a_range_has_one_tick() -> None:
    assert len(Axis(2.0, 2.0, "s", "").ticks()) == 1
    assert Axis(2.0, 2.0, "s", "").place(2.0) == 0.5


def test_values_are_told_in_the_unit_that_suits_them() -> None:
    told = [value_text("s", value) for value in (0.0, 4e-6, 0.0431, 9.02, 200.0, 1e9)]
    assert told == ["0 µs", "4.00 µs", "43.1 ms", "9.02 s", "3.33 min", "277,778 h"]
    assert [value_text("x", value) for value in (1.378, 1.0034)] == ["1.38x", "1.003x"]
    assert value_text("s", math.nan) == "-"


def test_thinning_keeps_the_lowest_and_the_highest_of_each_column_and_the_gaps() -> None:
    xs = [float(n) for n in range(10_000)]
    ys = [1.0] * 10_000
    ys[1234], ys[5678], ys[9999] = 50.0, -50.0, math.nan
    found = thinned(xs, ys, 0.0, 9999.0, 100)
    assert len(found) <= 2 * 101 + 1
    assert (1234.0, 50.0) in found and (5678.0, -50.0) in found
    assert math.isnan(found[-1][1]) and [x for x, _ in found] == sorted(x for x, _ in found)


def test_a_few_that_stick_out_do_not_set_the_top_of_an_axis() -> None:
    assert ceiling([5.0] * 99 + [9000.0]) == 7.5
    assert ceiling([5.0, 6.0]) == 6.0
    assert ceiling([]) == ceiling([math.nan]) == 0.0
