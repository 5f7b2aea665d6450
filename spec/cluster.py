"""A cluster: nodes, their disks, the network between them, and whatever may happen to them.

The network loses, duplicates, delays and reorders; a message may be shortened before it is sent.
A crash may fall between any two actions of a drain, and a restart sees just what those before it
have persisted.  What happens is a sequence of steps; `apply` says what one step does.

Nodes are named 0, 1, 2, ... by their place in `members`; one that takes no part in the cluster
yet is a member without a log.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType
from typing import Final, NamedTuple, TypeAlias

from spec import rules
from spec import values as v
from spec.pending import NOTHING, Pending, callers_only, compact, owe
from spec.quorums import read_taken_now
from spec.rules.snapshots import term_first

Rule: TypeAlias = Callable[[v.Node, v.Event], rules.Effect]
"""The specification of one node, or a variant of it: what comes of an event."""


class Disk(NamedTuple):
    """What a node has persisted, by the actions that were executed."""

    current_term: v.Term = 0
    voted_for: v.NodeId | None = None
    log: v.Log = v.EMPTY_LOG


class Member(NamedTuple):
    """One server.  While it is down, `node` is what it was at the crash and counts for nothing."""

    node: v.Node
    pending: Pending = NOTHING
    disk: Disk = Disk()
    up: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot under way to a peer (§7, InstallSnapshot), which the user transfers."""

    sender: v.NodeId
    position: v.Position
    config: v.Config


class Envelope(NamedTuple):
    to: v.NodeId
    content: v.Message | Snapshot


class History(NamedTuple):
    """History variables: what has been, and is stored nowhere.  No rule ever reads them.

    leaders       who became leader of which term
    votes         which node told that it voted for whom in which term, by a reply or by campaigning
    committed     the committed entry at each index, from 1 on
    committed_in  the lowest term whose leader committed that index
    stale_reads   of each leader that would take a read without knowing of all that is committed:
                  itself, its term, the lowest number of such a read
    """

    leaders: tuple[tuple[v.Term, v.NodeId], ...] = ()
    votes: frozenset[tuple[v.NodeId, v.Term, v.NodeId]] = frozenset()
    committed: tuple[v.Entry, ...] = ()
    committed_in: tuple[v.Term, ...] = ()
    stale_reads: tuple[tuple[v.NodeId, v.Term, v.SeqNo], ...] = ()


class Cluster(NamedTuple):
    members: tuple[Member, ...]
    network: tuple[Envelope, ...] = ()
    history: History = History()


def new_cluster(size: int, limits: v.Limits = v.LIMITS) -> Cluster:
    """`size` nodes that have just been started for the first time."""
    return Cluster(tuple(Member(rules.start(node_id, limits).node) for node_id in range(size)))


# Steps: what may happen.


@dataclass(frozen=True, slots=True)
class Input:
    """The user or a timer hands a node an event."""

    node: v.NodeId
    event: v.Event


@dataclass(frozen=True, slots=True)
class Deliver:
    """The network delivers its `index`-th content; `keep` is what was left of a call's entries."""

    index: int
    keep: int | None = None


@dataclass(frozen=True, slots=True)
class Lose:
    index: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    index: int


@dataclass(frozen=True, slots=True)
class Drain:
    """The user executes a node's actions, all, or only the first few before the node crashes."""

    node: v.NodeId
    crash_after: int | None = None


@dataclass(frozen=True, slots=True)
class Crash:
    node: v.NodeId


@dataclass(frozen=True, slots=True)
class Comeback:
    """A node that is down restarts from its disk."""

    node: v.NodeId


Step: TypeAlias = Input | Deliver | Lose | Duplicate | Drain | Crash | Comeback


class Executed(NamedTuple):
    """An action that was executed, and what the disk held just before."""

    action: v.Action
    disk: Disk


class Turn(NamedTuple):
    """What happened to one server: it took an event, or executed what it owed, or crashed.

    `owed`: the actions that a drain owed, of which `executed` were carried out.
    """

    before: Member
    after: Member
    event: v.Event | None = None
    outcome: v.Outcome = None
    owed: tuple[v.Action, ...] | None = None
    executed: tuple[Executed, ...] = ()

    @property
    def node(self) -> v.NodeId:
        return self.after.node.id


class Change(NamedTuple):
    """What a step did: the cluster before and after, and whose turn it was, if anyone's."""

    before: Cluster
    after: Cluster
    turn: Turn | None = None


def is_enabled(cluster: Cluster, step: Step) -> bool:
    """Whether the step can happen in this state."""
    match step:
        case Input(node) | Drain(node) | Crash(node):
            return node < len(cluster.members) and cluster.members[node].up
        case Comeback(node):
            return node < len(cluster.members) and not cluster.members[node].up
        case Deliver(index):
            return index < len(cluster.network) and cluster.members[cluster.network[index].to].up
        case Lose(index) | Duplicate(index):
            return index < len(cluster.network)


def apply(cluster: Cluster, step: Step, rule: Rule = rules.step) -> Change:
    """What an enabled step does."""
    return apply_with(cluster, step, partial(take, rule=rule), partial(execute, rule=rule))


def apply_with(
    cluster: Cluster,
    step: Step,
    take: Callable[[Member, v.Event], Turn],
    execute: Callable[[Member, int | None], Turn],
) -> Change:
    """The same for nodes of any kind, given how one takes an event and executes what it owes."""
    members, network = cluster.members, cluster.network
    match step:
        case Input(node_id, event):
            return after_turn(cluster, cluster, take(members[node_id], event))
        case Deliver(index, keep):
            envelope = network[index]
            turn = take(members[envelope.to], event_of(envelope.content, keep))
            return after_turn(cluster, without(cluster, index), turn)
        case Drain(node_id, crash_after):
            return after_turn(cluster, cluster, execute(members[node_id], crash_after))
        case Lose(index):
            return Change(cluster, without(cluster, index))
        case Duplicate(index):
            return Change(cluster, cluster._replace(network=(*network, network[index])))
        case Crash(node_id):
            return after_turn(cluster, cluster, crash(members[node_id]))
        case Comeback(node_id):
            member = members[node_id]
            return after_turn(cluster, cluster, take(member, restart(member)))


def after_turn(before: Cluster, cluster: Cluster, turn: Turn) -> Change:
    """The cluster after one server's turn, which may have sent something."""
    if turn.after is turn.before:
        return Change(before, cluster, turn)
    at = turn.node
    members = (*cluster.members[:at], turn.after, *cluster.members[at + 1 :])
    network = (*cluster.network, *sent(turn)) if turn.executed else cluster.network
    history = remembered(cluster.history, turn)
    history = reads_remembered(history, members, turn, cluster.history)
    return Change(before, Cluster(members, network, history), turn)


def without(cluster: Cluster, index: int) -> Cluster:
    """The cluster without the network's `index`-th content."""
    network = cluster.network
    left = network[:index] + network[index + 1 :]
    return Cluster(cluster.members, left, cluster.history)


# One server's turn


def event_of(content: v.Message | Snapshot, keep: int | None = None) -> v.Event:
    """The event that a delivery causes; `keep` of a call's entries are left."""
    match content:
        case Snapshot(position=position, config=config):
            return v.SnapshotInstalled(position, config)
        case v.AppendEntriesCall() if keep is not None:
            return v.Receive(replace(content, entries=content.entries[:keep]))
    return v.Receive(content)


def take(member: Member, event: v.Event, rule: Rule = rules.step) -> Turn:
    """A server takes an event.  What it owes for it is merged with what it owed before.

    A snapshot may have to wait (`term_first`).
    """
    if isinstance(event, v.SnapshotInstalled) and (wait := term_first(member.pending)):
        return Turn(member, member, event, wait)
    taken = rule(member.node, event)
    pending = member.pending
    match event:
        case v.Restart():
            pending = NOTHING
        case v.SnapshotInstalled() if taken.outcome is True:
            pending = compact(pending, taken.node.log)
    if taken.node is member.node and not taken.owed and member.up:
        return Turn(member, member, event, taken.outcome)
    disk = disk_after(member.disk, event, taken.outcome)
    pending = callers_only(owe(pending, taken.owed), taken.node)
    after = Member(taken.node, pending, disk)
    return Turn(member, after, event, taken.outcome)


def disk_after(disk: Disk, event: v.Event, outcome: v.Outcome) -> Disk:
    """The disk once an event was taken: a snapshot was durable before the node was told of it."""
    match event:
        case v.SnapshotInstalled(position, config) if outcome is True:
            return disk._replace(log=disk.log.compacted(position, config))
    return disk


def come_back(member: Member, rule: Rule = rules.step) -> Turn:
    """A server restarts from its disk."""
    return take(member, restart(member), rule)


def restart(member: Member) -> v.Restart:
    """From the disk, and with the same limits."""
    return restart_from(member.disk, member.node.limits)


def restart_from(disk: Disk, limits: v.Limits = v.LIMITS) -> v.Restart:
    return v.Restart(disk.current_term, disk.voted_for, disk.log, limits)


def crash(member: Member) -> Turn:
    return Turn(member, member._replace(up=False, pending=NOTHING))


def rules_of(rule: Rule) -> ModuleType:
    """The rules that a step is one of, drains included: a copy of `spec.rules`, if it is of one.

    `spec.rules` for any other function, which says nothing of drains.
    """
    package = sys.modules.get(getattr(rule, "__module__", "").rpartition(".")[0], rules)
    return package if hasattr(package, "drained") else rules


def drain(member: Member, rule: Rule = rules.step) -> tuple[tuple[v.Action, ...], v.Node]:
    """All the actions of a drain, and the node after it.

    The end of a drain may owe more (`drained`), which belongs to the same drain.
    """
    of, node, pending = rules_of(rule), member.node, member.pending
    owed: tuple[v.Action, ...] = ()
    while True:
        actions, node = of.take_all(node, pending)
        owed += actions
        node, more, _ = of.drained(node)
        if not more:
            return owed, node
        pending = callers_only(owe(NOTHING, more), node)


def execute(member: Member, crash_after: int | None = None, rule: Rule = rules.step) -> Turn:
    """A server's user executes its actions, all, or only the first few before a crash."""
    owed, node = drain(member, rule)
    return executed_turn(member, owed, node, crash_after)


def executed_turn(
    member: Member, owed: tuple[v.Action, ...], node: v.Node, crash_after: int | None
) -> Turn:
    """The turn in which a server executes what it owes, and is `node` at the end of the drain."""
    if not owed and crash_after is None:
        return Turn(member, member, owed=owed)
    disk = member.disk
    executed = []
    for action in owed if crash_after is None else owed[:crash_after]:
        executed.append(Executed(action, disk))
        if isinstance(action, PERSISTING):
            disk = persist(disk, action)
    finished = crash_after is None
    after = Member(node if finished else member.node, NOTHING, disk, up=finished)
    return Turn(member, after, owed=owed, executed=tuple(executed))


PERSISTING: Final = (v.SaveCurrentTerm, v.SaveVotedFor, v.AppendLogEntries)


def persist(disk: Disk, action: v.Action) -> Disk:
    """What an executed action leaves on the disk."""
    match action:
        case v.SaveCurrentTerm(term):
            return Disk(term, disk.voted_for, disk.log)
        case v.SaveVotedFor(voted_for):
            return Disk(disk.current_term, voted_for, disk.log)
        case v.AppendLogEntries(prev_position, entries):
            log = disk.log.truncated(prev_position.index).appended(entries)
            return Disk(disk.current_term, disk.voted_for, log)
    return disk


def sent(turn: Turn) -> list[Envelope]:
    """What the actions executed in a turn handed to the network."""
    envelopes: list[Envelope] = []
    for done in turn.executed:
        match done.action:
            case v.BroadcastMessage(message, to):
                envelopes += [Envelope(peer, message) for peer in to]
            case v.SendMessage(to, message):
                envelopes.append(Envelope(to, message))
            case v.InstallSnapshot(to):
                log = turn.before.node.log
                snapshot = Snapshot(turn.node, log.snapshot_position, log.snapshot_config)
                envelopes.append(Envelope(to, snapshot))
    return envelopes


# History


def remembered(history: History, turn: Turn) -> History:
    """The history once a server has had its turn."""
    if turn.executed:
        history = _told(history, turn.executed, turn.before.node)
    if turn.after.up and turn.after.node is not turn.before.node:
        history = _observed(history, turn.before.node, turn.after.node)
    return history


def reads_remembered(
    history: History, members: tuple[Member, ...], turn: Turn, before: History
) -> History:
    """The same with the reads that are stale if they are taken now.

    Those of who leads no more are forgotten: nobody will confirm them.
    """
    after = turn.after
    grown = len(history.committed) > len(before.committed)
    leads = after.up and isinstance(after.node.role, v.Leader)
    if not (grown or leads or history.stale_reads):
        return history
    stale = {(node, term): seqno for node, term, seqno in history.stale_reads}
    for member in members if grown else (after,):
        node = member.node
        read = read_taken_now(node) if member.up else None
        if read is not None and read.index < len(history.committed):
            stale.setdefault((node.id, read.term), read.seqno)
    if not stale:
        return history
    kept = [
        (node, term, seqno)
        for (node, term), seqno in sorted(stale.items())
        if node != after.node.id or (leads and term == after.node.current_term)
    ]
    return history._replace(stale_reads=tuple(kept))


def _observed(history: History, before: v.Node, after: v.Node) -> History:
    """Write down who became leader and what was committed, at the latest in the node's term."""
    term = after.current_term
    if isinstance(after.role, v.Leader):
        if (term, after.id) not in history.leaders:
            history = history._replace(leaders=(*history.leaders, (term, after.id)))
        if (
            after.commit_index > before.commit_index
            and max(history.committed_in[: after.commit_index], default=0) > term
        ):
            # A leader of an earlier term comes to know it later than one that followed it.
            known = history.committed_in
            lower = tuple(min(term, earlier) for earlier in known[: after.commit_index])
            history = history._replace(committed_in=lower + known[after.commit_index :])
    missing = after.commit_index - len(history.committed)
    start = after.log.snapshot_position.index
    if missing > 0 and start <= len(history.committed):
        new = tuple(after.log.entries[len(history.committed) - start : after.commit_index - start])
        history = history._replace(
            committed=history.committed + new,
            committed_in=history.committed_in + (term,) * len(new),
        )
    return history


def _told(history: History, executed: tuple[Executed, ...], node: v.Node) -> History:
    """Write down the votes that a node told, or gave itself to campaign."""
    votes = history.votes
    for done in executed:
        match done.action:
            case v.SendMessage(to, v.RequestVoteReply(sender, term, _, True)):
                votes |= {(sender, term, to)}
            case v.SaveVotedFor(voted_for) if voted_for == node.id:
                votes |= {(node.id, node.current_term, node.id)}
    return history if len(votes) == len(history.votes) else history._replace(votes=votes)
