"""Episodes that compiled copies play come to the same as by the sources."""

from __future__ import annotations

from collections import Counter
from functools import partial
from types import ModuleType

import pytest

from conformance.audit.decisions import D4, as_in_crate
from conformance.observe.finding import NOT_AGAIN, Difference, describe
from conformance.observe.verdicts import AuditLevel
from conformance.simulation import compiled
from conformance.simulation.check import Options, Report, against_library, check, live
from conformance.simulation.compiled import SAMPLE, played_by_copies
from conformance.simulation.episode import Episode
from conformance.simulation.foreign.judging import judging
from conformance.simulation.run import Run
from conformance.subjects.foreign.local import LocalHost
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.subject import SpecSubject

RUNS = (against_library(), live())


def by_sources(options: Options, monkeypatch: pytest.MonkeyPatch) -> Report:
    with monkeypatch.context() as patch:
        patch.setattr(compiled, "compiled", lambda what: None)
        return check(options)


def said(report: Report) -> dict[str, object]:
    return {**report.as_json(), "seconds": None}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Episode | None]:
    """What the copies say of each episode."""
    said: list[Episode | None] = []

    def noted(*arguments: object) -> Episode | None:
        said.append(played_by_copies(*arguments))  # type: ignore[arg-type]
        return said[-1]

    monkeypatch.setattr("conformance.simulation.check.played_by_copies", noted)
    return said


@pytest.mark.parametrize("honest", [False, True])
@pytest.mark.parametrize("run", RUNS)
def test_copies_count_what_the_sources_count(
    copies: dict[str, ModuleType],
    run: compiled.WithCopies,
    honest: bool,
    played: list[Episode | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events, witnesses and situations, in clusters with names, disks and limits of their own."""
    options = Options(seed=7, events=900, coverage=True, honest=honest, run=run)
    expected = said(by_sources(options, monkeypatch))
    played.clear()
    assert said(check(options)) == expected
    assert len([one for one in played if one is not None]) == len(played) >= 2


@pytest.mark.parametrize("level", ["exact", "safety"])
def test_copies_count_what_the_sources_count_of_a_program(
    copies: dict[str, ModuleType],
    level: AuditLevel,
    played: list[Episode | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = LocalHost(SpecSubject, "the specification")
    options = judging(Options(seed=7, events=400), host, level)
    expected = said(by_sources(options, monkeypatch))
    played.clear()
    assert said(check(options)) == expected
    assert len([one for one in played if one is not None]) == len(played) >= 2


@pytest.mark.parametrize("level", ["exact", "safety"])
def test_what_is_wrong_with_a_program_is_told_by_the_sources(
    copies: dict[str, ModuleType],
    level: AuditLevel,
    played: list[Episode | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = LocalHost(partial(SpecSubject, as_in_crate(D4)), "the crate's rule")
    options = judging(Options(events=4_000, shrink_seconds=0.0), host, level)
    expected = by_sources(options, monkeypatch)
    played.clear()
    found = check(options)
    assert expected.found is not None
    assert said(found) == said(expected)
    assert all(one is not None and one.finding is None for one in played[:-1])


VOTE_NOT_SAVED = Patch(
    "rules",
    "            self._voted_for = call.sender\n            self._pending.save_voted_for = True\n",
    "            self._voted_for = call.sender\n",
)


def test_what_is_wrong_is_told_and_shrunk_by_the_sources(
    copies: dict[str, ModuleType],
    played: list[Episode | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with patched_library(VOTE_NOT_SAVED) as broken:
        options = Options(events=6_000, shrink_seconds=0.0, run=against_library(broken))
        expected = by_sources(options, monkeypatch)
        played.clear()
        found = check(options)
    assert expected.found is not None
    assert said(found) == said(expected)
    *before, last = played
    assert [one and (one.number, one.finding) for one in before] == [
        (number, None) for number in range(len(before))
    ]
    assert last is not None
    assert isinstance(last.finding, Difference)


def test_what_the_sources_do_not_find_is_not_the_same_again(
    copies: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = copies[Difference.__module__].Difference(0, None, "state", 1, 2)
    came = Episode(0, 1, 1, Counter(), seen)
    monkeypatch.setattr(copies[Episode.__module__], "play_through", lambda *_: came)
    found = check(Options(events=100, shrink_seconds=0.0)).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == NOT_AGAIN
    assert describe(found.finding).endswith("once Difference: state, found by compiled copies")


def test_the_fast_path_can_be_left_out(
    copies: dict[str, ModuleType], played: list[Episode | None]
) -> None:
    check(Options(events=100, fast=False))
    assert played == []


def test_one_episode_in_so_many_is_judged_by_the_sources(copies: dict[str, ModuleType]) -> None:
    run = against_library()
    assert isinstance(run, compiled.WithCopies)

    def drawn(kind: type) -> object:
        return kind(0, SAMPLE - 1, 3)

    assert played_by_copies(SAMPLE - 1, drawn, run, False) is None  # type: ignore[arg-type]
    assert played_by_copies(SAMPLE, drawn, run, False) is not None  # type: ignore[arg-type]


def test_what_copies_cannot_tell_the_sources_do(
    copies: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compiled code takes no value of another type than was declared; the sources have the say."""
    options = Options(events=400)
    expected = said(by_sources(options, monkeypatch))

    def fails(*_: object) -> Run:
        raise TypeError("bool object expected; got int")

    monkeypatch.setattr(compiled.AgainstLibrary, "of_copies", fails)
    assert said(check(options)) == expected
