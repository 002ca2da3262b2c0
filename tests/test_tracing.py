"""What a release of torch lacks for compile events, and how doctor says it."""

from __future__ import annotations

import itertools

import pytest

from profiler import doctor, tracing


@pytest.mark.parametrize("version", ["2.13.0", "2.13.0+cpu", "2.14.1+cu130", "2.15.0a0+git123"])
def test_a_release_that_lacks_nothing_has_no_gap(version: str) -> None:
    assert tracing.gaps(version) == []


def test_each_release_lacks_no_less_than_the_next() -> None:
    features = [{gap.feature for gap in tracing.gaps(f"2.{minor}.0")} for minor in range(8, 16)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(features))
    assert len(features[0]) > len(features[4]) > 0


def test_a_gap_says_since_when_there_is_none() -> None:
    assert all(gap.since == "2.13" for gap in tracing.gaps("2.12.1"))
    assert {gap.feature for gap in tracing.gaps("2.12.1")} >= {"trace despite logging.disable"}
    assert all(len(gap.text) < 200 for minor in range(6, 20) for gap in tracing.gaps(f"2.{minor}"))


@pytest.mark.parametrize("version", ["2.16.0", "3.0.0"])
def test_a_newer_release_is_said_to_be_unchecked(version: str) -> None:
    (gap,) = tracing.gaps(version)
    assert version in gap.text
    assert "newer" in gap.text


def test_an_older_release_has_every_gap_and_one_more() -> None:
    first, *rest = tracing.gaps("2.7.1")
    assert "older than 2.8" in first.text
    assert rest == tracing.gaps("2.8.0")
    assert tracing.too_old("2.7.1")
    assert not tracing.too_old("2.8.0")


@pytest.mark.parametrize("version", ["", "unknown", "git-abc"])
def test_what_is_no_version_is_no_error(version: str) -> None:
    (gap,) = tracing.gaps(version)
    assert "isn't a release" in gap.text


@pytest.mark.parametrize(
    ("version", "level", "lines"), [("2.13.0", "ok", 1), ("2.11.0", "note", 3), ("2.7.0", "missing", 9)]
)
def test_doctor_lists_them(version: str, level: str, lines: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    found = [finding for finding in doctor._compile_events() if finding.name == "compile events"]
    assert {finding.level for finding in found} == {level}
    assert len(found) == lines
    assert all(finding.text for finding in found)
