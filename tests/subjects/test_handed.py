"""What is handed out and in: who changes it, or shares it with its owner, is found."""

from __future__ import annotations

from typing import Any

import pytest

import raftbare
from conformance.observe.finding import Difference, describe
from conformance.simulation.check import Found, Options, against, against_library, check
from conformance.simulation.choices import take_all
from conformance.simulation.episode import play
from conformance.simulation.lockstep import Lockstep
from conformance.simulation.schedule.simulate import Schedule
from conformance.subjects.handed import InUse
from conformance.subjects.hidden import library_subject
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from spec import values as v


def found_in(library: Any, seconds: float = 4) -> Found:
    found = check(
        Options(events=20_000, shrink_seconds=seconds, run=against_library(library))
    ).found
    assert found is not None
    return found


HANDED_OUT = {
    "an action that is used again": [
        Patch("drain", "yield BroadcastMessage(node._call_all())", "yield again(node._call_all())"),
        Patch(
            "drain",
            "@final\nclass Actions:",
            "AGAIN = BroadcastMessage(None)\n\n\n"
            "def again(message):\n    AGAIN.message = message\n    return AGAIN\n\n\n"
            "@final\nclass Actions:",
        ),
    ],
    "a reply that is filled in anew": [
        Patch(
            "rules",
            "        if call.sender not in self._pending.sends or seqno != 0:\n",
            "        if hasattr(Rules, 'kept') and seqno:\n            Rules.kept.seqno = seqno\n"
            "        if call.sender not in self._pending.sends or seqno != 0:\n",
        ),
        Patch(
            "rules",
            "self._id, self._current_term, seqno\n",
            "self._id, self._current_term, seqno\n            Rules.kept = reply\n",
        ),
    ],
}


@pytest.mark.parametrize("bug", HANDED_OUT)
def test_what_the_library_changes_later_is_found_and_shrunk(bug: str) -> None:
    with patched_library(*HANDED_OUT[bug]) as broken:
        found = found_in(broken)
        assert isinstance(found.finding, Difference)
        assert found.finding.what == "what was handed out", describe(found.finding)
        assert found.finding.specified != found.finding.found
        assert len(found.choices) < found.length_before
        again, _ = take_all(Lockstep(found.nodes, library_subject(broken)), found.choices)
        assert again is not None


SHARED = {
    "a heartbeat gains entries": Patch(
        "rules",
        "            sent = entries._after(prev)\n",
        "            sent = entries._after(prev)\n"
        "            if prev == entries.prev_position: sent = entries\n",
    ),
    "a write is the log itself": Patch(
        "drain",
        "yield AppendLogEntries(node._log.entries._after(after))",
        "yield AppendLogEntries(node._log.entries if after == node._log.entries.prev_position "
        "else node._log.entries._after(after))",
    ),
    "the log and a message share a table": Patch(
        "entries",
        "made._terms = terms.after(index)",
        "made._terms = terms if terms.at[0] > index else terms.after(index)",
    ),
    "the log takes over a message's table": Patch(
        "entries",
        "            return Marks(more.at[first:], more.values[first:])",
        "            return more if first == 0 else Marks(more.at[first:], more.values[first:])",
    ),
    "the log handed to a restart is kept": Patch("node", "log.copy(), limits)", "log, limits)"),
    "a log and its copy share their entries": Patch(
        "log",
        "Log(self.snapshot_config, self.entries.copy())",
        "Log(self.snapshot_config, self.entries)",
    ),
}


@pytest.mark.parametrize("bug", SHARED)
def test_what_is_shared_is_found(bug: str) -> None:
    """By a build of which no slots are read, too: the user changes what is its own."""
    with patched_library(SHARED[bug]) as broken:
        library: Any = broken
        library.compiled = True
        found_in(library, 0)


HANDED_IN = {
    "a reply changes its call": (
        Patch(
            "rules",
            "            reply = AppendEntriesReply(",
            "            call.commit_index = self._commit_index\n"
            "            reply = AppendEntriesReply(",
        ),
        "what was handed",
    ),
    "the entries of a message are cut": (
        Patch(
            "rules",
            "            entries._splice(base, source)\n",
            "            entries._splice(base, source)\n            source.truncate(0)\n",
        ),
        "what was handed",
    ),
    "voters are read twice": (
        Patch(
            "node",
            "        config = ClusterConfig(initial_voters)\n",
            "        found = self._id in initial_voters\n"
            "        config = ClusterConfig(initial_voters)\n",
        ),
        "outcome",
    ),
    "who is demoted is read twice": (
        Patch(
            "config",
            "        demoted = frozenset(demoting)\n",
            "        demoted = frozenset(demoting) and frozenset(demoting)\n",
        ),
        "to_joint_consensus",
    ),
}


@pytest.mark.parametrize("bug", HANDED_IN)
def test_what_becomes_of_arguments_is_found(bug: str) -> None:
    patch, what = HANDED_IN[bug]
    with patched_library(patch) as broken:
        found = found_in(broken)
    assert isinstance(found.finding, Difference)
    assert found.finding.what.startswith(what), describe(found.finding)


def test_a_list_that_was_an_argument_is_cleared() -> None:
    subject = InUse()
    listed = subject.names([1, 2])
    assert listed == [1, 2]
    subject.handle(0, v.Start())
    assert listed == []
    assert next(iter(subject.names([3]))) == 3


def test_messages_are_delivered_as_they_were_sent_and_anew() -> None:
    schedule, subject = Schedule(0, 3), InUse()
    same: list[v.Message] = []
    anew: list[v.Message] = []
    translate = subject.message_from_spec

    def noted(message: v.Message) -> Any:
        before = {id(thing) for _, thing in subject._sent.values()}
        thing = translate(message)
        (same if id(thing) in before else anew).append(message)
        return thing

    subject.message_from_spec = noted  # type: ignore[method-assign]
    run = Lockstep(schedule.profile.nodes, subject)
    for played in play(schedule, run):
        assert played.finding is None
    assert run.compare_logs() is None
    assert len(same) > 50
    assert len(anew) > 20
    assert {type(message) for message in same} >= {v.AppendEntriesCall, v.AppendEntriesReply}


def test_what_is_kept_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What leaves it is changed by its user, which nothing may mind."""
    monkeypatch.setattr("conformance.subjects.handed.MANY", 20)
    schedule, subject = Schedule(0, 3), library_subject()
    run = Lockstep(schedule.profile.nodes, subject)
    kept = [len(subject._kept) for played in play(schedule, run) if played.finding is None]
    assert max(kept) == 20
    assert len(kept) == schedule.profile.length
    assert run.compare_logs() is None


def test_a_plain_subject_is_compared_as_well() -> None:
    report = check(Options(events=500, run=against(lambda: LibrarySubject(raftbare))))
    assert report.verdict == "conforms"
