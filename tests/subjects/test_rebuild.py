"""A library node set to a specified state takes one step from there: nothing is overlooked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice, product
from types import ModuleType

import pytest

from conformance.observe.finding import Difference
from conformance.observe.observed import observed
from conformance.simulation.episode import changes
from conformance.simulation.schedule.simulate import MAX_NODES, Schedule
from conformance.subjects.library import LibrarySubject
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.readback import State
from conformance.subjects.rebuild import Rebuilder
from spec import values as v
from spec.cluster import Member, Turn, drain, take
from spec.pending import NOTHING, Pending


@cache
def run_turns() -> list[Turn]:
    """Every server's turn in random episodes of clusters of each size."""
    turns: list[Turn] = []
    for size in range(1, MAX_NODES + 1):
        for seed, episode in product((10, 11), range(3)):
            for _, change in changes(Schedule(seed, episode, size), length=150):
                if change.turn is not None:
                    turns.append(change.turn)
    return turns


@cache
def states() -> list[State]:
    """Every distinct state of a server that is up, at either end of a turn."""
    met: dict[State, None] = {}
    for turn in run_turns():
        for member in (turn.before, turn.after):
            if member.up:
                met[member.node, member.pending] = None
    return list(met)


def probes(node: v.Node) -> Iterator[v.Event]:
    """What might come next, whether or not it did: of what is rare, a run has too little."""
    log, committed, term = node.log, node.log.position(node.commit_index), node.current_term
    yield v.SnapshotInstalled(committed, log.config_at(node.commit_index))
    entries = (
        v.Entry(term + 1, v.TERM),
    )  # of a new leader, whose log is no longer than it has to be
    yield v.Receive(v.AppendEntriesCall(node.id + 1, term + 1, 1, 0, committed, entries))
    match node.role:
        case v.Leader(peers):
            yield v.ProposeConfig(v.Config(node.config.voters, node.config.voters | {node.id + 1}))
            for peer in peers:
                for index in range(log.snapshot_position.index, log.last_index + 1):
                    position = log.position(index)
                    yield v.Receive(v.AppendEntriesReply(peer.node, term, node.seqno, position))
        case v.Candidate():
            for peer_id in node.peers:
                yield v.Receive(v.RequestVoteReply(peer_id, term, node.seqno, True))


@cache
def turns() -> list[Turn]:
    """The runs, and probes, one or two in a row, of some of the states met there."""
    once = [
        take(Member(node, pending), event)
        for node, pending in states()[::5]
        if len(node.log.entries) < 12
        for event in probes(node)
    ]
    twice = [
        take(turn.after, event)
        for turn in once[::5]
        for event in islice(probes(turn.after.node), 2)
    ]
    return run_turns() + once + twice


def first_difference(rebuilder: Rebuilder) -> tuple[Turn, Difference] | None:
    found = ((turn, rebuilder.difference(turn)) for turn in turns())
    return next(((turn, difference) for turn, difference in found if difference), None)


# What the library's nodes are


def test_the_runs_come_by_what_is_to_be_rebuilt() -> None:
    met, events = states(), [turn for turn in run_turns() if turn.event is not None]
    assert len(met) > 1_000
    for role in ("Follower", "Candidate", "Leader"):
        assert sum(type(node.role).__name__ == role for node, _ in met) > 50
    for owed in Pending._fields:
        assert sum(getattr(pending, owed) not in (None, False, ()) for _, pending in met) > 0
    assert sum(node.config.is_joint for node, _ in met) > 50
    assert sum(node.log.snapshot_position.index > 0 for node, _ in met) > 50
    written = [pending.append for _, pending in met if pending.broadcast]
    assert sum(write is not None and len(write.entries) > 2 for write in written) > 9
    assert sum(isinstance(turn.event, v.Restart) for turn in events) > 5
    refused = Counter(turn.outcome.reason for turn in events if isinstance(turn.outcome, v.Refused))
    assert {"not_leader", "invariant", "invalid_config", "transferring"} <= refused.keys()


def test_what_is_read_is_what_was_built() -> None:
    rebuilder = Rebuilder()
    for state in states():
        assert rebuilder.read(rebuilder.build(*state)) == state


def test_from_every_state_every_event_and_every_drain_is_as_specified() -> None:
    assert first_difference(Rebuilder()) is None


def test_with_a_copy_too() -> None:
    with patched_library() as copy:
        rebuilder = Rebuilder(copy)
        assert all(type(rebuilder.build(*state)) is copy.Node for state in states()[:10])
        assert all(rebuilder.difference(turn) is None for turn in turns()[:500])


def test_a_step_and_the_drain_after_it() -> None:
    rebuilder = Rebuilder()
    start = v.Node(0)
    step = rebuilder.transition(start, NOTHING, v.CreateCluster(frozenset({0, 1})))
    assert step.outcome == v.Position(0, 1)
    turn = take(Member(start), v.CreateCluster(frozenset({0, 1})))
    assert step.state == (turn.after.node, turn.after.pending)
    actions, state = rebuilder.drain(step.live)
    expected, drained = drain(turn.after)
    assert (actions, state) == (expected, (drained, NOTHING))
    assert [action.to for action in actions if isinstance(action, v.BroadcastMessage)] == [(1,)]
    assert rebuilder.drain(step.live) == ((), state)
    refused = rebuilder.transition(*state, v.Heartbeat())
    assert (refused.outcome, refused.state) == (v.Refused("not_leader"), state)
    assert rebuilder.transition(*state, v.Start()).state == (start, NOTHING)


# What a difference is


ASKED = take(Member(v.Node(0)), v.CreateCluster(frozenset({0, 1})))


@pytest.mark.parametrize(
    ("turn", "what"),
    [
        (ASKED._replace(outcome=None), "outcome"),
        (ASKED._replace(after=Member(ASKED.after.node)), "state"),
        (ASKED._replace(after=ASKED.after._replace(node=ASKED.before.node)), "state"),
        (ASKED._replace(event=v.Heartbeat()), "outcome"),
    ],
)
def test_every_part_of_a_turn_is_compared(turn: Turn, what: str) -> None:
    difference = Rebuilder().difference(turn)
    assert difference is not None
    assert (difference.node, difference.event, difference.what) == (0, turn.event, what)


def test_what_is_no_difference() -> None:
    """That a server goes down, and a restart that both refuse."""
    assert Rebuilder().difference(Turn(ASKED.after, ASKED.after._replace(up=False))) is None
    turn = take(Member(v.Node(0)), v.Restart(2, None, v.new_log(entries=(v.Entry(3, v.TERM),))))
    assert turn.outcome == v.Refused("invariant")
    assert Rebuilder().difference(turn) is None


HIDDEN = {
    "a match is lowered": ("rules", "matches and follower.match_index < theirs.index:", "matches:"),
    "that a snapshot was asked for is not noted": (
        "rules",
        "progress.asked = MessageSeqNo(self._seqno + limits.ask_again)",
        "pass",
    ),
    "a vote that does not decide is dropped": (
        "rules",
        "            role.granted_votes.add(reply.sender)\n"
        "            if self._log.latest_config.has_quorum(role.granted_votes):",
        "            if self._log.latest_config.has_quorum(role.granted_votes | {reply.sender}):",
    ),
    "a follower counts calls": (
        "rules",
        "            reply = AppendEntriesReply(",
        "            self._seqno += 1\n            reply = AppendEntriesReply(",
    ),
    "a reply changes its call": (
        "rules",
        "            reply = AppendEntriesReply(",
        "            call.commit_index = self._commit_index\n"
        "            reply = AppendEntriesReply(",
    ),
    "only the first write is noted as durable": (
        "drain",
        "role.own.match_index < last.index",
        "role.own.match_index == 0",
    ),
    "all members begin anew": ("role", "known[member] if member in known else", ""),
    "the quorum is the former one": ("role", "self.quorum = ", "if not known: self.quorum = "),
    "the log handed to a restart is kept": ("node", "log.copy(), limits)", "log, limits)"),
    "the log and a message share a table": (
        "entries",
        "made._terms = terms.after(index)",
        "made._terms = terms if terms.at[0] > index else terms.after(index)",
    ),
    "the log takes over a message's table": (
        "entries",
        "            return Marks(more.at[first:], more.values[first:])",
        "            return more if first == 0 else Marks(more.at[first:], more.values[first:])",
    ),
}
"""Wrong in what nobody sees at once: neither the outcome, nor what can be seen of the node, nor
the actions of that turn tell."""

OWED = {
    "a write begins too late": ("rules", " or base.index < pending.append_after.index", ""),
    "a broadcast of a former term is still owed": (
        "pending",
        "        self.broadcast = False\n        self.calls.clear()",
        "        self.calls.clear()",
    ),
}
"""Wrong in what is owed, which only the next drain tells."""


def tells(copy: ModuleType, turn: Turn) -> str | None:
    """What lockstep would notice of this turn and the drain after it."""
    subject, member = LibrarySubject(copy), turn.before
    subject.nodes[turn.node] = Rebuilder(copy).build(member.node, member.pending)
    if turn.event is not None:
        member = turn.after
        if subject.handle(turn.node, turn.event) != turn.outcome:
            return "outcome"
        if subject.observe(turn.node) != observed(member.node):
            return "state"
    owed, drained = drain(member)
    if subject.drain(turn.node) != owed:
        return "actions"
    return None if subject.observe(turn.node) == observed(drained) else "drained"


@pytest.mark.parametrize("bug", [*HIDDEN, *OWED])
def test_a_hidden_state_that_is_wrong_is_caught_at_once(bug: str) -> None:
    with patched_library(Patch(*{**HIDDEN, **OWED}[bug])) as copy:
        rebuilder = Rebuilder(copy)
        caught = (turn for turn in turns() if rebuilder.difference(turn) is not None)
        told = "actions" if bug in OWED else None
        assert any(tells(copy, turn) == told for turn in caught)


@pytest.mark.parametrize(
    ("patch", "what", "found"),
    [
        (
            (
                "rules",
                "self._append_call(last if prev is None else prev,",
                "self._append_call(last,",
            ),
            "actions",
            "Message",
        ),
        (HIDDEN["only the first write is noted as durable"], "drained", "durable"),
        (
            ("rules", "role.quorum.update_match(reply", "role.quorums.update_match(reply"),
            "failure",
            "AttributeError",
        ),
    ],
)
def test_what_comes_of_the_drain_and_what_is_raised(
    patch: tuple[str, str, str], what: str, found: str
) -> None:
    with patched_library(Patch(*patch)) as copy:
        _, difference = first_difference(Rebuilder(copy)) or (None, None)
    assert difference is not None
    assert difference.what == what
    assert found in str(difference.found)
