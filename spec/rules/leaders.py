"""Rules for Servers: leaders (Figure 2), and what they commit (§5.3, §5.4.2)."""

from __future__ import annotations

from spec import values as v
from spec.rules.append_entries import append_as_leader, broadcast_heartbeat
from spec.rules.effect import Effect, refused
from spec.rules.membership import config_committed


def become_leader(node: v.Node) -> Effect:
    """Upon election: nothing is known of the peers' logs; an entry of its own opens the term (§8).

    With it goes the first AppendEntries RPC to each server, which Figure 2 sends empty.
    """
    node = node._replace(role=v.Leader(tuple(v.Progress(peer) for peer in node.peers)))
    return append_as_leader(node, v.TERM)


def heartbeat(node: v.Node) -> Effect:
    """An idle leader keeps the others from campaigning (§5.2); the user says when."""
    match node.role:
        case v.Leader():
            return broadcast_heartbeat(node)._replace(outcome=True)
    return refused(node, "not_leader", "only a leader sends heartbeats")


def propose_command(node: v.Node) -> Effect:
    """A client's command is appended to the leader's log (§5.3).

    The user responds once `queries.commit_status` says that it is committed.
    """
    match node.role:
        case v.Leader():
            effect = append_as_leader(node, v.COMMAND)
            return effect._replace(outcome=effect.node.log.last_position)
    return refused(node, "not_leader", "only a leader accepts proposals")


def receive_append_entries_reply(node: v.Node, reply: v.AppendEntriesReply) -> Effect:
    """§5.3: learn how far the peer's log matches, and send it what it lacks.

    A reply to an earlier call than the latest one replied to is stale.
    """
    role = node.role
    if not isinstance(role, v.Leader) or reply.term < node.current_term:
        return Effect(node)
    progress = next((peer for peer in role.peers if peer.node == reply.sender), None)
    if progress is None or reply.seqno <= progress.seqno:
        return Effect(node)
    progress = progress._replace(seqno=reply.seqno)
    shared = last_shared(node, reply.last_position)
    if shared is None:
        return Effect(with_progress(node, progress), (v.InstallSnapshot(reply.sender),))
    owed: tuple[v.Action, ...] = ()
    behind = reply.last_position != node.log.last_position
    if shared == reply.last_position and progress.match < shared.index:
        # The follower has accepted: it holds the log up to there (matchIndex, §5.3).
        node = with_progress(node, progress._replace(match=shared.index))
        node, owed, _ = advance_commit(node)
    else:
        node = with_progress(node, progress)
    if not behind or not isinstance(node.role, v.Leader):
        return Effect(node, owed)
    # A follower that lacks entries is sent them, from nextIndex on; one that has refused them is
    # sent earlier ones as well (§5.3).  Either way the call begins after what the logs may share.
    node = node._replace(seqno=node.seqno + 1)
    call = v.AppendEntriesCall(
        node.id,
        node.current_term,
        node.seqno,
        node.commit_index,
        shared,
        node.log.after(shared.index),
    )
    return Effect(node, (*owed, v.SendMessage(reply.sender, call)))


def last_shared(node: v.Node, theirs: v.Position) -> v.Position | None:
    """The last position of the leader's log that a log ending with `theirs` may contain (D6).

    Such a log is no longer than `theirs` and has no higher term.  It is `theirs` itself where the
    leader's log contains that.  None: the leader has compacted it, and needs to send its snapshot.
    """
    log = node.log
    index = min(theirs.index, log.last_index)
    while index >= log.snapshot_position.index and log.term(index) > theirs.term:
        index -= 1
    return log.position(index) if index >= log.snapshot_position.index else None


def with_progress(node: v.Node, progress: v.Progress) -> v.Node:
    """The leader with this known of one peer."""
    assert isinstance(node.role, v.Leader)
    peers = tuple(progress if peer.node == progress.node else peer for peer in node.role.peers)
    return node._replace(role=v.Leader(peers, node.role.durable))


# Commitment


def advance_commit(node: v.Node) -> Effect:
    """What a majority holds is committed (§5.3), once an entry of the leader's own term is among
    it (§5.4).
    """
    index = quorum_index(node)
    if index <= node.commit_index or node.log.term(index) != node.current_term:
        return Effect(node)
    node = node._replace(commit_index=index)
    if index < node.log.config_index:
        return Effect(node)
    return config_committed(node)


def quorum_index(node: v.Node) -> v.Index:
    """The largest index that a quorum of the configuration holds.

    The leader counts itself for what is on its disk, and only where it is a voter (§6).
    """
    assert isinstance(node.role, v.Leader)
    held = [(peer.node, peer.match) for peer in node.role.peers]
    held.append((node.id, node.role.durable))

    def majority_index(voters: frozenset[v.NodeId]) -> v.Index:
        indices = sorted((index for member, index in held if member in voters), reverse=True)
        return indices[len(voters) // 2]

    index = majority_index(node.config.voters)
    if node.config.is_joint:
        index = min(index, majority_index(node.config.new_voters))
    return index


def drained(node: v.Node) -> Effect:
    """Every owed action has been executed: all of the log is on the disk now.

    With it a leader's own copy counts, which alone commits where it is the only voter.
    """
    match node.role:
        case v.Leader(peers, durable) if durable < node.log.last_index:
            return advance_commit(node._replace(role=v.Leader(peers, node.log.last_index)))
    return Effect(node)
