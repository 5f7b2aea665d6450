"""States and steps made by hand, each of which breaks one property and no other."""

from __future__ import annotations

from typing import NamedTuple

from spec import values as v
from spec.cluster import Change, Cluster, Disk, Executed, History, Member, Turn, new_cluster
from spec.pending import NOTHING, Pending
from tests.support.scenario import commands, leading, log_of, voters


class Example(NamedTuple):
    table: str
    name: str
    change: Change

    def __str__(self) -> str:
        return f"{self.table}-{self.name}"


def member(node: v.Node, disk: Disk | None = None) -> Member:
    """A server with nothing owed, and on its disk what is in memory unless said otherwise."""
    return Member(node, NOTHING, disk or Disk(node.current_term, node.voted_for, node.log))


NO_HISTORY = History()


def state(*members: Member, history: History = NO_HISTORY) -> Change:
    """A state, into which its first server has just come up."""
    before = new_cluster(len(members))
    turn = Turn(before.members[0], members[0], v.Start())
    return Change(before, Cluster(members, (), history), turn)


def moved(
    before: v.Node, after: v.Node, disks: tuple[v.Log, ...] = (), disk: v.Log | None = None
) -> Change:
    """A step of node 0, which owes something meanwhile; the others' disks hold these logs."""

    def cluster(node: v.Node) -> Cluster:
        mine = Member(node, Pending(True), Disk(0, None, before.log if disk is None else disk))
        others = tuple(
            member(v.Node(at, current_term=log.last_position.term, log=log))
            for at, log in enumerate(disks, start=1)
        )
        return Cluster((mine, *others))

    old, new = cluster(before), cluster(after)
    return Change(old, new, Turn(old.members[0], new.members[0], v.Heartbeat()))


def executed(action: v.Action, disk: Disk) -> Change:
    member = Member(v.Node(0), Pending(save_voted_for=True), disk)
    turn = Turn(member, member, owed=(action,), executed=(Executed(action, disk),))
    return Change(Cluster((member,)), Cluster((member,)), turn)


def taking(
    before: v.Node, after: v.Node, event: v.Event, owed: Pending, was: Pending = NOTHING
) -> Change:
    """A server takes an event, and what it owes before and after."""
    old, new = member(before)._replace(pending=was), Member(after, owed, member(before).disk)
    return Change(Cluster((old,)), Cluster((new,)), Turn(old, new, event))


def received(node: v.Node, message: v.Message) -> Change:
    cluster = Cluster((member(node),))
    taken = Turn(cluster.members[0], cluster.members[0], v.Receive(message))
    return Change(cluster, cluster, taken)


def committing(leader: v.Node, index: int) -> tuple[v.Node, v.Node]:
    return leader, leader._replace(commit_index=index)


ONE = log_of(1)
TWO = log_of(1, 1)
FOLLOWER = v.Node(0, v.Follower(), 2, None, TWO)
LEADER = leading(0, 2, TWO)
JOINT = v.Config(frozenset({0, 1, 2}), frozenset({0, 1}))


def with_config(log: v.Log, config: v.Config, term: int = 2) -> v.Log:
    return log.appended((v.Entry(term, config),))


def changing(before: v.Config, after: v.Config) -> Change:
    """A leader under one configuration appends another."""
    log = log_of(2, config=before)
    leader = leading(0, 2, log)
    return moved(leader, leader._replace(log=with_config(log, after)))


def answered_by(peer: v.NodeId, seqno: v.SeqNo) -> v.Node:
    """A leader that has made eight calls, with the last one that a peer has answered."""
    return leading(0, 2, TWO, v.Progress(peer, answered=seqno))._replace(seqno=8)


STALE = History(stale_reads=((0, 2, 7),))
REMOVED = leading(0, 2, with_config(ONE, voters(1, 2)))
REMOVED_HELD = (REMOVED.log, REMOVED.log)
JOINT_LEADER = leading(0, 2, with_config(ONE, JOINT))
UNSAVED = Disk(1, None, TWO)
SAVED = Disk(2, None, TWO)
TIMER = Pending(set_election_timeout=True)
ASKED = v.Receive(v.RequestVoteCall(1, 3, 1, v.Position(1, 2)))
GRANTED = v.RequestVoteReply(0, 3, 1, True)
CALLED = v.Receive(v.AppendEntriesCall(1, 2, 1, 0, v.Position(1, 2), ()))


def drained(pending: Pending, owed: tuple[v.Action, ...]) -> Change:
    """A drain of a server that owed one thing, and executes another."""
    old, new = member(FOLLOWER)._replace(pending=pending), member(FOLLOWER)
    turn = Turn(old, new, owed=owed, executed=tuple(Executed(one, old.disk) for one in owed))
    return Change(Cluster((old,)), Cluster((new,)), turn)


EXAMPLES = (
    Example(
        "LOG", "TermsMonotonicInLog", state(member(v.Node(0, current_term=2, log=log_of(2, 1))))
    ),
    Example(
        "LOG",
        "TermsMonotonicInLog",
        state(
            member(
                v.Node(0, current_term=2, commit_index=1)._replace(
                    log=v.new_log(v.Position(2, 1), voters(0), commands(1))
                )
            )
        ),
    ),
    Example(
        "LOG",
        "ConfigFromLog",
        state(member(v.Node(0, current_term=1, log=ONE._replace(config=voters(7))))),
    ),
    Example(
        "LOG",
        "ConfigFromLog",
        state(member(v.Node(0, current_term=2, log=REMOVED.log._replace(config_index=1)))),
    ),
    Example("NODE", "TermNotBelowLog", state(member(v.Node(0, current_term=1, log=log_of(2))))),
    Example(
        "NODE",
        "SnapshotWithinCommit",
        state(member(v.Node(0, current_term=1, log=ONE, commit_index=2))),
    ),
    Example(
        "NODE",
        "SnapshotWithinCommit",
        state(member(v.Node(0, current_term=1, log=v.new_log(v.Position(1, 2), voters(0))))),
    ),
    Example("NODE", "VotedForItself", state(member(v.Node(0, v.Candidate(frozenset({0})), 1, 2)))),
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
                    id=1, log=TWO._replace(entries=(v.Entry(1, v.TERM), *TWO.entries[1:]))
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
        "CLUSTER",
        "ReadIndexSafe",  # the call that a stale read waits for is answered
        state(member(answered_by(1, 7)), history=STALE),
    ),
    Example(
        "CLUSTER",
        "ReadIndexSafe",  # a later one
        state(member(answered_by(1, 8)), history=STALE),
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
        moved(v.Node(0, v.Candidate(frozenset({0})), 2, 0, TWO), LEADER),
    ),
    Example(
        "CHANGE",
        "CampaignsAsElector",
        moved(
            v.Node(0, v.Follower(), 2, None, REMOVED.log, REMOVED.log.config_index),
            v.Node(0, v.Candidate(frozenset({0})), 3, 0, REMOVED.log, REMOVED.log.config_index),
        ),
    ),
    Example("CHANGE", "ConfigChangeThroughJoint", changing(voters(0, 1, 2), voters(0, 1))),
    Example("CHANGE", "ConfigChangeThroughJoint", changing(JOINT, voters(0, 1, 2))),
    Example(
        "CHANGE",
        "ConfigChangeThroughJoint",
        changing(JOINT, v.Config(frozenset({0, 1}), frozenset({0}))),
    ),
    Example(
        "CHANGE",
        "ConfigChangeThroughJoint",
        changing(voters(0, 1), v.Config(frozenset({0, 1}), frozenset({0}), frozenset({0}))),
    ),
    Example(
        "CHANGE",
        "ConfigChangeThroughJoint",
        changing(voters(0, 1), v.Config(frozenset({0, 1}), frozenset(), frozenset({1}))),
    ),
    Example(
        "CHANGE",
        "JointIsLeft",
        moved(*committing(JOINT_LEADER, 2), disks=(JOINT_LEADER.log, JOINT_LEADER.log)),
    ),
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
        "TURN",
        "LeaderKeptInTerm",
        taking(
            FOLLOWER._replace(role=v.Follower(2)),
            FOLLOWER._replace(role=v.Follower(1)),
            CALLED,
            TIMER,
        ),
    ),
    Example("TURN", "RemovedLeaderStepsDown", moved(*committing(REMOVED, 2), disks=REMOVED_HELD)),
    Example("TURN", "RemovedLeaderStepsDown", moved(LEADER, LEADER._replace(role=v.Follower()))),
    Example(
        "TURN",
        "TimerSetByCause",  # a follower takes over a term, and its timer ran
        taking(FOLLOWER, FOLLOWER._replace(current_term=3), ASKED, Pending(True, True)),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # a vote is denied
        taking(
            FOLLOWER._replace(current_term=3, voted_for=2),
            FOLLOWER._replace(current_term=3, voted_for=2),
            ASKED,
            Pending(True, sends=(v.SendMessage(1, v.RequestVoteReply(0, 3, 1, False)),)),
        ),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # a vote is granted
        taking(
            FOLLOWER,
            FOLLOWER._replace(current_term=3, voted_for=1),
            ASKED,
            Pending(False, True, True, sends=(v.SendMessage(1, GRANTED),)),
        ),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # the leader calls
        taking(FOLLOWER, FOLLOWER._replace(role=v.Follower(1)), CALLED, NOTHING),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # a leader of an earlier term calls
        taking(FOLLOWER._replace(current_term=3), FOLLOWER._replace(current_term=3), CALLED, TIMER),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # a leader has had a heartbeat's timer
        taking(
            LEADER,
            FOLLOWER._replace(current_term=3),
            v.Receive(v.RequestVoteReply(1, 3, 1, False)),
            Pending(False, True, True),
        ),
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # an election starts
        taking(
            FOLLOWER,
            v.Node(0, v.Candidate(frozenset({0})), 3, 0, TWO),
            v.ElectionTimeout(),
            Pending(False, True, True),
        ),
    ),
    Example("TURN", "TimerSetByCause", taking(FOLLOWER, FOLLOWER, v.ElectionTimeout(), NOTHING)),
    Example("TURN", "TimerSetByCause", taking(LEADER, LEADER, v.Heartbeat(), NOTHING)),
    Example(
        "TURN",
        "TimerSetByCause",  # a leader appends
        taking(
            LEADER,
            LEADER._replace(log=log_of(1, 1, 2)),
            v.ProposeCommand(),
            Pending(append=v.AppendLogEntries(TWO.last_position, commands(2))),
        ),
    ),
    Example(
        "TURN", "TimerSetByCause", taking(FOLLOWER, FOLLOWER, v.Restart(2, None, TWO), NOTHING)
    ),
    Example(
        "TURN",
        "TimerSetByCause",  # it was owed, and an event takes it away
        taking(FOLLOWER, FOLLOWER, v.ProposeCommand(), NOTHING, TIMER),
    ),
    Example("TURN", "TimerSetByCause", drained(TIMER, ())),
    Example("TURN", "TimerSetByCause", drained(NOTHING, (v.SetElectionTimeout(),))),
    Example(
        "RECEIVE",
        "ReplyIsToOwnCall",
        received(LEADER, v.AppendEntriesReply(1, 2, LEADER.seqno + 1, v.Position(1, 2))),
    ),
    Example(
        "ACTION SendMessage",
        "VotePersistedBeforeReply",
        executed(v.SendMessage(1, v.RequestVoteReply(0, 2, 1, True)), SAVED),
    ),
    Example(
        "ACTION SendMessage",
        "VotePersistedBeforeReply",
        executed(v.SendMessage(1, v.RequestVoteReply(0, 2, 1, True)), Disk(3, 1, TWO)),
    ),
    Example(
        "ACTION SendMessage",
        "TermPersistedBeforeMessage",
        executed(v.SendMessage(1, v.AppendEntriesReply(0, 2, 1, v.ZERO)), UNSAVED),
    ),
    Example(
        "ACTION SendMessage",
        "EntriesPersistedBeforeReply",
        executed(v.SendMessage(1, v.AppendEntriesReply(0, 2, 1, v.Position(2, 3))), SAVED),
    ),
    Example(
        "ACTION BroadcastMessage",
        "TermPersistedBeforeMessage",
        executed(v.BroadcastMessage(v.RequestVoteCall(0, 2, 1, v.Position(1, 2)), (1, 2)), UNSAVED),
    ),
    Example(
        "ACTION AppendLogEntries",
        "WriteContinuesLog",
        executed(v.AppendLogEntries(v.Position(1, 3), commands(2)), SAVED),
    ),
    Example(
        "ACTION AppendLogEntries",
        "WriteContinuesLog",
        executed(v.AppendLogEntries(v.Position(2, 2), ()), SAVED),
    ),
)
