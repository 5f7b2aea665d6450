"""The checks catch what the crate gets wrong: every decision taken back is found."""

from __future__ import annotations

import sys

import pytest

import raftbare
from conformance.audit.decisions import D1, as_in_crate
from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.observe.finding import Difference, name_of
from conformance.simulation.check import Options, against_library, check, specified
from conformance.subjects.patched import Patch, PatchError, in_rules, patched_library, patched_rule
from spec.rules import start
from spec.values import Start


def test_every_decision_that_can_be_seen_from_outside_has_a_mutant() -> None:
    assert list(IN_LIBRARY) == ["D1", "D2", "D3", "D4", "D5", "D9"]


@pytest.mark.parametrize("decision", IN_LIBRARY)
def test_a_decision_taken_back_in_the_library_is_caught(decision: str) -> None:
    with patched_library(*IN_LIBRARY[decision]) as copy:
        options = Options(events=20_000, shrink_seconds=0, run=against_library(copy))
        found = check(options).found
    assert found is not None
    assert isinstance(found.finding, Difference)


def test_d1_in_both_is_caught_by_the_properties_alone() -> None:
    """Where library and specification share a mistake, no comparison shows it."""
    options = Options(events=200_000, shrink_seconds=0, run=specified(as_in_crate(D1)))
    found = check(options).found
    assert found is not None
    assert name_of(found.finding) in ("LeaderCompleteness", "StateMachineSafety")


def test_an_unpatched_copy_conforms() -> None:
    with patched_library() as copy:
        assert copy is not raftbare
        assert copy.Node is not raftbare.Node
        options = Options(events=2_000, run=against_library(copy))
        report = check(options)
    assert report.found is None
    assert report.events >= 2_000


def test_a_change_that_no_event_can_see_is_not_caught() -> None:
    unseen = Patch("rules", "    def _log_saved", "    unseen = True\n\n    def _log_saved")
    with patched_library(unseen) as copy:
        report = check(Options(events=1_000, run=against_library(copy)))
        assert copy.Node.unseen is True
    assert report.found is None


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (Patch("rules", "no such text", ""), "rules: found 0 times"),
        (Patch("rules", "self", ""), r"rules: found \d+ times"),
        (Patch("no_such_module", "", ""), "no module no_such_module"),
    ],
)
def test_a_patch_that_does_not_fit_fails_loudly(patch: Patch, message: str) -> None:
    with pytest.raises(PatchError, match=message), patched_library(patch):
        pass


def test_so_does_one_of_the_specification() -> None:
    with pytest.raises(PatchError, match="servers: found 0 times"):
        patched_rule(Patch("servers", "no such text", ""))
    for text, modules in (("no such text", 0), ("return Effect(node)", 6)):
        with pytest.raises(PatchError, match=f"in {modules} modules, expected one"):
            in_rules(text, "")
    assert patched_rule()(start(0).node, Start()) == start(0)


def test_nothing_of_a_copy_is_left_behind() -> None:
    before = set(sys.modules), list(sys.meta_path)
    with patched_library() as copy:
        assert copy.__name__ in sys.modules
    assert (set(sys.modules), list(sys.meta_path)) == before
    with pytest.raises(PatchError), patched_library(Patch("rules", "no such text", "")):
        pass
    assert (set(sys.modules), list(sys.meta_path)) == before
