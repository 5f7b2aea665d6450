"""However a user takes the actions, they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import raftbare
from conformance.observe.finding import Difference, describe
from conformance.simulation.check import Options, against_library, check
from conformance.subjects.draining import WAYS, NotRefusedError, Way, refused_by, with_refusals
from conformance.subjects.library import ENDLESS, LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.rebuild import Rebuilder
from spec import values as v
from spec.pending import NOTHING
from tests.subjects.states import STATES


@pytest.mark.parametrize("way", WAYS)
def test_in_every_way_a_drain_has_the_same_actions(way: Way) -> None:
    for state in STATES:
        rebuilder = Rebuilder()
        expected, drained = rebuilder.drain(rebuilder.build(*state))
        live = rebuilder.build(*state)
        translate = LibrarySubject().action_to_spec
        assert tuple(translate(live, action) for action in way(raftbare, live)) == expected
        assert rebuilder.read(live) == drained
        assert drained[1] == NOTHING


@pytest.mark.parametrize("state", STATES)
def test_what_has_to_be_refused_is_refused_and_changes_nothing(
    state: tuple[v.Node, Any],
) -> None:
    rebuilder = Rebuilder()
    live = rebuilder.build(*state)
    calls = refused_by(raftbare, live)
    assert len(calls) >= 4
    for call in calls:
        with pytest.raises(raftbare.RaftError):
            call()
    assert rebuilder.read(live) == state


def test_what_is_not_refused_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Rebuilder().build(*STATES[0])
    monkeypatch.setattr(
        "conformance.subjects.draining.refused_by", lambda library, node: [lambda: None]
    )
    with pytest.raises(NotRefusedError, match="a follower"):
        list(with_refusals(raftbare, live))


BUGS = {
    "to ask ends nothing": (
        "        while self._node._pending.is_empty():\n            if not self._end():\n"
        "                return False\n        return True\n",
        "        return not self._node._pending.is_empty()\n",
    ),
    "the next one is the last": (
        "        for action in self:\n            return action\n",
        "        for action in list(self)[-1:]:\n            return action\n",
    ),
    "an action is owed until the one after it": (
        "                pending.save_voted_for = False\n                yield SAVE_VOTED_FOR\n",
        "                yield SAVE_VOTED_FOR\n                pending.save_voted_for = False\n",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_drain_that_depends_on_how_it_is_done_is_found(bug: str) -> None:
    with patched_library(Patch("drain", *BUGS[bug])) as broken:
        options = Options(events=5_000, shrink_seconds=0, run=against_library(broken))
        assert check(options).found is not None


def test_a_refused_snapshot_that_drops_what_is_owed_is_found() -> None:
    """Which is owed only in the middle of a drain: the schedules' own come before or after it."""
    forgets = Patch(
        "rules",
        "        if position.term > self._current_term:\n            raise InvalidSnapshotError(\n",
        "        if position.term > self._current_term:\n"
        "            self._pending.append_after = None\n            raise InvalidSnapshotError(\n",
    )
    with patched_library(forgets) as broken:
        found = check(Options(events=10_000, shrink_seconds=1, run=against_library(broken))).found
    assert found is not None
    assert isinstance(found.finding, Difference)
    assert found.finding.what == "actions", describe(found.finding)


def test_a_drain_without_an_end_ends() -> None:
    class Endless:
        def __iter__(self) -> Iterator[Any]:
            while True:
                yield raftbare.SetElectionTimeout()

    subject = LibrarySubject()
    subject.handle(0, v.Start())
    subject.nodes[0].actions = Endless()
    subject._drains = len(WAYS) - 1  # the plain loop is next
    assert len(subject.drain(0)) == ENDLESS
