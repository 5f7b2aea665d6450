"""What a drain executes, in order; the calls of leaders and candidates are made here.

Term and vote are durable before any message that rests on them leaves, entries before the reply
that reports them.  A leader's calls do not rest on its own disk (dissertation, §10.2.1) and go
before its write, so that the peers write while the leader does.  Those to single peers go first:
the broadcast may follow on what they bring.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from spec import values as v
from spec.pending import Pending
from spec.rules.effect import Effect
from spec.rules.leaders import advance_commit, become_leader, in_flight, with_progress
from spec.rules.membership import has_quorum


class Taken(NamedTuple):
    """An action that was owed; the node, and what it owes, once that is taken."""

    action: v.Action
    node: v.Node
    pending: Pending


def take_action(node: v.Node, pending: Pending) -> Taken | None:
    """The first owed action; None where nothing is owed."""
    if pending.set_election_timeout:
        left = pending._replace(set_election_timeout=False)
        return Taken(v.SetElectionTimeout(), node, left)
    if pending.save_current_term:
        left = pending._replace(save_current_term=False)
        return Taken(v.SaveCurrentTerm(node.current_term), node, left)
    if pending.save_voted_for:
        return Taken(v.SaveVotedFor(node.voted_for), node, pending._replace(save_voted_for=False))
    if pending.calls:
        return call_one(node, pending, pending.calls[0])
    if pending.broadcast:
        return call_all(node, pending._replace(broadcast=False))
    if pending.append is not None:
        return Taken(pending.append, node, pending._replace(append=None))
    if pending.sends:
        return Taken(pending.sends[0], node, pending._replace(sends=pending.sends[1:]))
    return None


def take_all(node: v.Node, pending: Pending) -> tuple[tuple[v.Action, ...], v.Node]:
    """All actions that are owed, and the node after them."""
    actions: list[v.Action] = []
    while (taken := take_action(node, pending)) is not None:
        actions.append(taken.action)
        _, node, pending = taken
    return tuple(actions), node


def call_all(node: v.Node, pending: Pending) -> Taken:
    """RequestVote RPC of a candidate; AppendEntries RPC of a leader, with what it is to write.

    Where that is more than a call may carry, those who were sent all before are owed calls for the
    rest.
    """
    node = node._replace(seqno=node.seqno + 1)
    message: v.Message
    match node.role:
        case v.Leader(peers):
            last = node.log.last_index
            after = last if pending.append is None else pending.append.prev_position.index
            message, end = append_call(node, node.seqno, after)
            if end < last:
                rest = [one for one in peers if one.next is None]
                pending = pending._replace(calls=tuple([one.node for one in rest]))
                for one in rest:
                    node = with_progress(node, one._replace(next=end + 1, probe=node.seqno))
        case _:
            message = vote_call(node)
    return Taken(v.BroadcastMessage(message, node.peers), node, pending)


def call_one(node: v.Node, pending: Pending, to: v.NodeId) -> Taken:
    """Leaders (Figure 2): AppendEntries RPC with entries starting at the peer's nextIndex.

    As long as it was not sent all, and no more is under way than the user allows, one follows
    another; but a probe goes alone.  The snapshot, where the log has no such entry any more (§7).
    """
    assert isinstance(node.role, v.Leader)
    log, limits = node.log, node.limits
    progress = next(peer for peer in node.role.peers if peer.node == to)
    left = pending._replace(calls=pending.calls[1:])
    after = log.last_index if progress.next is None else progress.next - 1
    if after < log.snapshot_position.index:
        progress = progress._replace(asked=node.seqno + limits.ask_again)
        return Taken(v.InstallSnapshot(to), with_progress(node, progress), left)
    message, end = append_call(node, progress.probe, after)
    following = None if end == log.last_index else end + 1
    node = with_progress(node, progress._replace(next=following))
    if not (following is None or progress.probing) and end - progress.match < in_flight(limits):
        left = pending
    return Taken(v.SendMessage(to, message), node, left)


def vote_call(node: v.Node) -> v.RequestVoteCall:
    """A candidate asks for a vote."""
    transfer = isinstance(node.role, v.Candidate) and node.role.transfer
    last_position = node.log.last_position
    return v.RequestVoteCall(node.id, node.current_term, node.seqno, last_position, transfer)


def append_call(
    node: v.Node, seqno: v.SeqNo, after: v.Index
) -> tuple[v.AppendEntriesCall, v.Index]:
    """A call with what the log has after an index, and where its entries end."""
    log = node.log
    entries = log.after(after)[: node.limits.entries]
    call = v.AppendEntriesCall(
        node.id, node.current_term, seqno, node.commit_index, log.position(after), entries
    )
    return call, after + len(entries)


def drained(node: v.Node) -> Effect:
    """Every owed action has been executed: term, vote and all of the log are on the disk now.

    With them a candidate's own vote and a leader's own copy count, which alone elect and commit
    where it is the only voter: before that a crash takes the vote back, and another one may be
    elected in that term.
    """
    match node.role:
        case v.Candidate(granted) if has_quorum(node.config, granted):
            return become_leader(node)
        case v.Leader(durable=durable) if durable < node.log.last_index:
            role = replace(node.role, durable=node.log.last_index)
            return advance_commit(node._replace(role=role))
    return Effect(node)
