"""Every property is seen to fail, by name, and `check_change` leaves out nothing that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from conformance.audit.decisions import DECISIONS, as_in_crate
from conformance.simulation.episode import changes
from conformance.simulation.simulate import Schedule
from conformance.subjects.patched import Patch, patched_rule
from spec import properties
from spec.cluster import (
    Change,
    Cluster,
    Disk,
    Executed,
    History,
    Member,
    Rule,
    Turn,
    new_cluster,
)
from spec.node import step as true_rule
from spec.pending import NOTHING, Pending
from spec.properties import (
    ACTION,
    CHANGE,
    CLUSTER,
    DISK,
    HISTORY,
    LOG,
    MEMBER,
    NODE,
    PAIR,
    QUORUM,
    Violation,
    check_change,
    check_cluster,
)
from spec.values import (
    TERM,
    ZERO,
    Action,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Candidate,
    Config,
    Entry,
    Follower,
    Heartbeat,
    Log,
    Node,
    Position,
    RequestVoteCall,
    RequestVoteReply,
    Restart,
    SendMessage,
    Start,
    new_log,
)
from tests.support.scenario import commands, leading, log_of, voters

Key = tuple[str, str]
"""A table, and a property in it."""


def table_keys() -> Iterator[Key]:
    simple: dict[str, tuple[Any, ...]] = {
        "LOG": LOG,
        "NODE": NODE,
        "MEMBER": MEMBER,
        "PAIR": PAIR,
        "CLUSTER": CLUSTER,
        "HISTORY": HISTORY,
        "CHANGE": CHANGE,
        "QUORUM": QUORUM,
        "DISK": DISK,
        **{f"ACTION {kind.__name__}": table for kind, table in ACTION.items()},
    }
    for name, table in simple.items():
        for property_ in table:
            yield name, property_.name


def everything_broken(change: Change) -> list[Key]:
    """What a step has broken, by all tables, without a thought of what it may have touched."""
    broken: list[Key] = []

    def ask(name: str, table: tuple[Any, ...], *what: object) -> None:
        for property_ in table:
            if property_.holds(*what) is not None and (name, property_.name) not in broken:
                broken.append((name, property_.name))

    turn = change.turn
    if turn is not None:
        old, new = turn.before, turn.after
        for done in turn.executed:
            kind = type(done.action)
            ask(f"ACTION {kind.__name__}", ACTION.get(kind, ()), done)
        ask("DISK", DISK, old.disk, new.disk)
        if new.up and not isinstance(turn.event, (Start, Restart)):
            ask("CHANGE", CHANGE, old.node, new.node)
            ask("QUORUM", QUORUM, old.node, new.node, change.after)
    up = [member for member in change.after.members if member.up]
    for member in up:
        ask("MEMBER", MEMBER, member)
        ask("LOG", LOG, member.node.log)
        ask("NODE", NODE, member.node)
        ask("CLUSTER", CLUSTER, member.node, change.after.history)
        for other in up:
            if other is not member:
                ask("PAIR", PAIR, member.node, other.node)
    ask("HISTORY", HISTORY, change.after.history)
    return broken


# Examples, made by hand


class Example(NamedTuple):
    table: str
    name: str
    change: Change


def member(node: Node, disk: Disk | None = None) -> Member:
    """A server with nothing owed, and on its disk what is in memory unless said otherwise."""
    return Member(node, NOTHING, disk or Disk(node.current_term, node.voted_for, node.log))


NO_HISTORY = History()


def state(*members: Member, history: History = NO_HISTORY) -> Change:
    """A state, into which its first server has just come up."""
    before = new_cluster(len(members))
    turn = Turn(before.members[0], members[0], Restart(0, None, Log()))
    return Change(before, Cluster(members, (), history), turn)


def moved(
    before: Node, after: Node, disks: tuple[Log, ...] = (), disk: Log | None = None
) -> Change:
    """A step of node 0, which owes something meanwhile; the others' disks hold these logs."""

    def cluster(node: Node) -> Cluster:
        mine = Member(node, Pending(True), Disk(0, None, before.log if disk is None else disk))
        others = tuple(
            member(Node(at, current_term=log.last_position.term, log=log))
            for at, log in enumerate(disks, start=1)
        )
        return Cluster((mine, *others))

    old, new = cluster(before), cluster(after)
    return Change(old, new, Turn(old.members[0], new.members[0], Heartbeat()))


def executed(action: Action, disk: Disk) -> Change:
    member = Member(Node(0), Pending(True), disk)
    turn = Turn(member, member, owed=(action,), executed=(Executed(action, disk),))
    return Change(Cluster((member,)), Cluster((member,)), turn)


def committing(leader: Node, index: int) -> tuple[Node, Node]:
    return leader, leader._replace(commit_index=index)


ONE = log_of(1)
TWO = log_of(1, 1)
FOLLOWER = Node(0, Follower(), 2, None, TWO)
LEADER = leading(0, 2, TWO)
JOINT = Config(frozenset({0, 1, 2}), frozenset({0, 1}))


def with_config(log: Log, config: Config, term: int = 2) -> Log:
    return log.appended((Entry(term, config),))


def changing(before: Config, after: Config) -> Change:
    """A leader under one configuration appends another."""
    log = log_of(2, config=before)
    leader = leading(0, 2, log)
    return moved(leader, leader._replace(log=with_config(log, after)))


REMOVED = leading(0, 2, with_config(ONE, voters(1, 2)))
REMOVED_HELD = (REMOVED.log, REMOVED.log)
JOINT_LEADER = leading(0, 2, with_config(ONE, JOINT))
UNSAVED = Disk(1, None, TWO)
SAVED = Disk(2, None, TWO)

EXAMPLES = (
    Example("LOG", "TermsMonotonicInLog", state(member(Node(0, current_term=2, log=log_of(2, 1))))),
    Example(
        "LOG",
        "TermsMonotonicInLog",
        state(
            member(
                Node(0, current_term=2, commit_index=1)._replace(
                    log=new_log(Position(2, 1), voters(0), commands(1))
                )
            )
        ),
    ),
    Example(
        "LOG",
        "ConfigFromLog",
        state(member(Node(0, current_term=1, log=ONE._replace(config=voters(7))))),
    ),
    Example(
        "LOG",
        "ConfigFromLog",
        state(member(Node(0, current_term=2, log=REMOVED.log._replace(config_index=1)))),
    ),
    Example("NODE", "TermNotBelowLog", state(member(Node(0, current_term=1, log=log_of(2))))),
    Example(
        "NODE",
        "SnapshotWithinCommit",
        state(member(Node(0, current_term=1, log=ONE, commit_index=2))),
    ),
    Example(
        "NODE",
        "SnapshotWithinCommit",
        state(member(Node(0, current_term=1, log=new_log(Position(1, 2), voters(0))))),
    ),
    Example("NODE", "VotedForItself", state(member(Node(0, Candidate(frozenset({0})), 1, 2)))),
    Example("NODE", "VotedForItself", state(member(LEADER._replace(voted_for=None)))),
    Example("MEMBER", "DiskAgreesWithMemory", state(member(FOLLOWER, Disk(2, None, ONE)))),
    Example("MEMBER", "DiskAgreesWithMemory", state(member(FOLLOWER, Disk(1, None, TWO)))),
    Example("MEMBER", "DiskAgreesWithMemory", state(member(FOLLOWER, Disk(2, 1, TWO)))),
    Example("PAIR", "ElectionSafety", state(member(LEADER), member(leading(1, 2, TWO)))),
    Example(
        "PAIR",
        "LogMatching",
        state(
            member(FOLLOWER),
            member(
                FOLLOWER._replace(
                    id=1, log=TWO._replace(entries=(Entry(1, TERM), *TWO.entries[1:]))
                )
            ),
        ),
    ),
    Example(
        "PAIR",
        "StateMachineSafety",
        state(
            member(FOLLOWER._replace(commit_index=2)),
            member(FOLLOWER._replace(id=1, log=log_of(1, 2), commit_index=2)),
        ),
    ),
    Example("CLUSTER", "ElectionSafety", state(member(LEADER), history=History(leaders=((2, 1),)))),
    Example(
        "CLUSTER",
        "LeaderCompleteness",  # it lacks the entry
        state(member(LEADER), history=History((), frozenset(), commands(1, 1, 1), (1, 1, 1))),
    ),
    Example(
        "CLUSTER",
        "LeaderCompleteness",  # it has another one
        state(
            member(leading(0, 3, TWO)),
            history=History((), frozenset(), commands(1, 2), (1, 2)),
        ),
    ),
    Example(
        "CLUSTER",
        "StateMachineSafety",
        state(
            member(FOLLOWER._replace(commit_index=2)),
            history=History((), frozenset(), commands(1, 2), (2, 2)),
        ),
    ),
    Example(
        "HISTORY",
        "VoteOncePerTerm",
        state(member(FOLLOWER), history=History(votes=frozenset({(0, 1, 1), (0, 1, 2)}))),
    ),
    Example("CHANGE", "TermMonotonic", moved(FOLLOWER, FOLLOWER._replace(current_term=1))),
    Example(
        "CHANGE",
        "CommitMonotonic",
        moved(FOLLOWER._replace(commit_index=2), FOLLOWER._replace(commit_index=1)),
    ),
    Example("CHANGE", "VoteKeptInTerm", moved(FOLLOWER._replace(voted_for=1), FOLLOWER)),
    Example(
        "CHANGE",
        "VoteKeptInTerm",
        moved(FOLLOWER._replace(voted_for=1), FOLLOWER._replace(voted_for=2)),
    ),
    Example("CHANGE", "LeaderAppendOnly", moved(LEADER, LEADER._replace(log=log_of(1, 2)))),
    Example("CHANGE", "LeaderAppendOnly", moved(LEADER, LEADER._replace(log=ONE))),
    Example(
        "CHANGE",
        "CommittedEntriesStay",
        moved(
            FOLLOWER._replace(commit_index=2), FOLLOWER._replace(commit_index=2, log=log_of(1, 2))
        ),
    ),
    Example(
        "CHANGE", "NeverCommitEarlierTermDirectly", moved(*committing(LEADER, 2), disks=(TWO, TWO))
    ),
    Example(
        "QUORUM",
        "CommittedOnQuorum",
        moved(*committing(leading(0, 1, TWO), 2), disks=(ONE, ONE)),
    ),
    Example(
        "QUORUM",
        "CommittedOnQuorum",  # the leader's own disk does not hold it
        moved(*committing(leading(0, 1, TWO), 2), disks=(TWO, ONE), disk=ONE),
    ),
    Example(
        "QUORUM",
        "ElectedByQuorum",
        moved(Node(0, Candidate(frozenset({0})), 2, 0, TWO), LEADER),
    ),
    Example(
        "CHANGE",
        "CampaignsAsElector",
        moved(
            Node(0, Follower(), 2, None, REMOVED.log, REMOVED.log.config_index),
            Node(0, Candidate(frozenset({0})), 3, 0, REMOVED.log, REMOVED.log.config_index),
        ),
    ),
    Example("CHANGE", "ConfigChangeThroughJoint", changing(voters(0, 1, 2), voters(0, 1))),
    Example("CHANGE", "ConfigChangeThroughJoint", changing(JOINT, voters(0, 1, 2))),
    Example(
        "CHANGE",
        "ConfigChangeThroughJoint",
        changing(JOINT, Config(frozenset({0, 1}), frozenset({0}))),
    ),
    Example(
        "CHANGE",
        "ConfigChangeThroughJoint",
        changing(voters(0, 1), Config(frozenset({0, 1}), frozenset({0}), frozenset({1}))),
    ),
    Example(
        "CHANGE",
        "JointIsLeft",
        moved(*committing(JOINT_LEADER, 2), disks=(JOINT_LEADER.log, JOINT_LEADER.log)),
    ),
    Example("CHANGE", "RemovedLeaderStepsDown", moved(*committing(REMOVED, 2), disks=REMOVED_HELD)),
    Example("CHANGE", "RemovedLeaderStepsDown", moved(LEADER, LEADER._replace(role=Follower()))),
    Example(
        "DISK",
        "TermMonotonic",
        Change(
            Cluster((Member(FOLLOWER, Pending(True), SAVED),)),
            Cluster((Member(FOLLOWER, Pending(True), UNSAVED),)),
            Turn(Member(FOLLOWER, Pending(True), SAVED), Member(FOLLOWER, Pending(True), UNSAVED)),
        ),
    ),
    Example(
        "ACTION SendMessage",
        "VotePersistedBeforeReply",
        executed(SendMessage(1, RequestVoteReply(0, 2, 1, True)), SAVED),
    ),
    Example(
        "ACTION SendMessage",
        "VotePersistedBeforeReply",
        executed(SendMessage(1, RequestVoteReply(0, 2, 1, True)), Disk(3, 1, TWO)),
    ),
    Example(
        "ACTION SendMessage",
        "TermPersistedBeforeMessage",
        executed(SendMessage(1, AppendEntriesReply(0, 2, 1, ZERO)), UNSAVED),
    ),
    Example(
        "ACTION SendMessage",
        "EntriesPersistedBeforeReply",
        executed(SendMessage(1, AppendEntriesReply(0, 2, 1, Position(2, 3))), SAVED),
    ),
    Example(
        "ACTION BroadcastMessage",
        "TermPersistedBeforeMessage",
        executed(BroadcastMessage(RequestVoteCall(0, 2, 1, Position(1, 2)), (1, 2)), UNSAVED),
    ),
    Example(
        "ACTION AppendLogEntries",
        "WriteContinuesLog",
        executed(AppendLogEntries(Position(1, 3), commands(2)), SAVED),
    ),
    Example(
        "ACTION AppendLogEntries",
        "WriteContinuesLog",
        executed(AppendLogEntries(Position(2, 2), ()), SAVED),
    ),
)


def test_every_property_has_an_example_that_breaks_it() -> None:
    assert set(table_keys()) == {(example.table, example.name) for example in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]}-{example[1]}")
def test_a_property_names_what_breaks_it(example: Example) -> None:
    """It alone is broken, so nothing but this property finds the example."""
    table, name, change = example
    assert everything_broken(change) == [(table, name)]
    broken = check_change(change)
    assert isinstance(broken, Violation)
    assert (broken.property, broken.node) == (name, 0)
    assert broken.detail
    if change.turn is not None and isinstance(change.turn.event, Restart):
        seen = check_cluster(change.after)
        assert seen is not None
        assert seen.property == name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]}-{example[1]}")
def test_what_a_step_comes_from_breaks_nothing(example: Example) -> None:
    assert check_cluster(example.change.before) is None


def test_a_server_that_is_down_counts_for_nothing() -> None:
    broken = state(member(Node(0, current_term=1, log=log_of(2)))).after
    assert check_cluster(broken) is not None
    down = broken._replace(members=(broken.members[0]._replace(up=False),))
    assert check_cluster(down) is None


# `check_change` reads only what a step has touched


def _node(old: str, new: str) -> Rule:
    return patched_rule(Patch("node", old, new))


BROKEN: dict[str, Callable[[], Rule]] = {
    "an entry of an earlier term is committed by counting": lambda: _node(
        "if index <= node.commit_index or node.log.term(index) != node.current_term:",
        "if index <= node.commit_index:",
    ),
    "half of the voters are a quorum": lambda: _node(
        "return len(nodes & voters) > len(voters) // 2",
        "return len(nodes & voters) >= len(voters) // 2",
    ),
    "half of the voters commit": lambda: _node(
        "return indices[len(voters) // 2]", "return indices[(len(voters) - 1) // 2]"
    ),
    "a vote is given to everyone": lambda: _node(
        "    if node.voted_for not in (None, call.sender):\n        return node, ()\n", ""
    ),
    "a vote is not saved": lambda: _node("        owed = (SaveVotedFor(call.sender),)\n", ""),
    "a commit index is taken as it comes": lambda: _node(
        "commit_index=max(node.commit_index, min(leader_commit, verified))",
        "commit_index=min(leader_commit, verified)",
    ),
    "a removed leader goes on": lambda: _node(
        "    if node.id not in node.config.voters:\n        return node._replace("
        "role=Follower()), (SetElectionTimeout(),)\n",
        "",
    ),
    "a joint configuration stays": lambda: _node(
        "    if node.config.is_joint:\n        return append_as_leader(",
        "    if False:\n        return append_as_leader(",
    ),
    "a write is forgotten": lambda: _node(
        "owed = (AppendLogEntries(log.position(agreed), missing),)", "owed = ()"
    ),
    "anyone campaigns": lambda: _node(
        "    if not may_campaign(node):\n        return node, ()\n", ""
    ),
    "a term is taken over and not saved": lambda: _node(
        "return node, (SaveCurrentTerm(term), SaveVotedFor(None), SetElectionTimeout())",
        "return node, (SaveVotedFor(None), SetElectionTimeout())",
    ),
}
MUTATED: dict[str, Callable[[], Rule]] = {
    **{decision.name: partial(as_in_crate, decision) for decision in DECISIONS},
    **BROKEN,
}


def first_broken(rule: Rule, seed: int, episodes: range, steps: int) -> list[Key]:
    """Step by step in both ways, up to the first that breaks anything; what it breaks."""
    for episode in episodes:
        schedule = Schedule(seed, episode)
        length = min(schedule.profile.length, steps)
        for _, change in changes(schedule, rule, length):
            broken, quick = everything_broken(change), check_change(change)
            assert bool(broken) == (quick is not None), (episode, broken, quick)
            if quick is not None:
                assert quick.property in {name for _, name in broken}
                return broken
    return []


def test_nothing_is_lost_by_reading_what_was_touched_alone() -> None:
    assert first_broken(true_rule, 0, range(12), 300) == []


@pytest.mark.parametrize("name", MUTATED)
def test_nor_where_a_rule_is_broken(name: str) -> None:
    broken = first_broken(MUTATED[name](), 0, range(25), 300)
    assert broken or name not in BROKEN


def test_a_property_that_says_too_little_of_what_it_reads_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = BROKEN["a commit index is taken as it comes"]()
    assert first_broken(broken, 0, range(25), 300) == [("CHANGE", "CommitMonotonic")]
    blind = tuple(property_._replace(reads=properties.TERM) for property_ in CHANGE)
    monkeypatch.setattr(properties, "CHANGE", blind)
    properties._reading.cache_clear()
    try:
        with pytest.raises(AssertionError, match="CommitMonotonic"):
            first_broken(broken, 0, range(25), 300)
    finally:
        properties._reading.cache_clear()
