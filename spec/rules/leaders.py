"""Rules for Servers: leaders (Figure 2), and what they commit (§5.3, §5.4.2)."""

from __future__ import annotations

from dataclasses import replace

from spec import values as v
from spec.rules.append_entries import append_as_leader, broadcast_heartbeat
from spec.rules.effect import Effect, refused
from spec.rules.membership import config_committed


def become_leader(node: v.Node) -> Effect:
    """Upon election: nothing is known of the peers' logs; an entry of its own opens the term (§8).

    With it goes the first AppendEntries RPC to each server, which Figure 2 sends empty: so the
    first entry that a peer is sent is the one after the last (nextIndex).
    """
    node = node._replace(role=v.Leader(tuple(v.Progress(peer) for peer in node.peers)))
    return append_as_leader(node, v.TERM)


def heartbeat(node: v.Node) -> Effect:
    """An idle leader keeps the others from campaigning (§5.2); the user says when.

    Who answers its call, or a later one, has heard from it after this.
    """
    match node.role:
        case v.Leader():
            return broadcast_heartbeat(node)._replace(outcome=v.Called(node.seqno + 1))
    return refused(node, "not_leader", "only a leader sends heartbeats")


def propose_command(node: v.Node) -> Effect:
    """A client's command is appended to the leader's log (§5.3).

    The user responds once `queries.commit_status` says that it is committed.
    """
    if not isinstance(node.role, v.Leader):
        return refused(node, "not_leader", "only a leader accepts proposals")
    if node.role.transfer is not None:
        return refused(node, "transferring", "leadership is being handed over")
    most = node.limits.uncommitted
    if most is not None and node.log.last_index - node.commit_index >= most:
        return refused(node, "too_many_uncommitted", "as many entries as the user allows")
    effect = append_as_leader(node, v.COMMAND)
    return effect._replace(outcome=effect.node.log.last_position)


def receive_append_entries_reply(node: v.Node, reply: v.AppendEntriesReply) -> Effect:
    """§5.3: learn how far the peer's log matches, and what to send it next.

    Number 0 answers a call of an earlier term.
    """
    role = node.role
    if not isinstance(role, v.Leader) or reply.term < node.current_term or reply.seqno == 0:
        return Effect(node)
    progress = next((peer for peer in role.peers if peer.node == reply.sender), None)
    if progress is None:
        return Effect(node)
    if reply.seqno > progress.answered:
        progress = progress._replace(answered=reply.seqno)
        node = with_progress(node, progress)
    shared = last_shared(node, reply.last_position)
    owed: tuple[v.Owed, ...] = ()
    if shared == reply.last_position and progress.match < shared.index:
        # It holds the leader's log up to there (matchIndex), whatever it answers.
        progress = progress._replace(match=shared.index)
        node, owed, _ = advance_commit(with_progress(node, progress))
        if not isinstance(node.role, v.Leader) or reply.sender not in node.peers:
            return Effect(node, owed)
    if reply.accepted:
        effect = on_success(node, progress)
    else:
        effect = on_failure(node, progress, reply, shared)
    return effect._replace(owed=owed + effect.owed)


def on_success(node: v.Node, progress: v.Progress) -> Effect:
    """A peer that was not sent all is sent more, while no more is under way than the user allows.

    What was a probe has been found to fit, or what came before it has.  One that waits for a
    snapshot has nothing to be sent.
    """
    log = node.log
    progress = progress._replace(probing=False)
    if progress.next is None:
        return Effect(with_progress(node, progress))
    following = max(progress.next, progress.match + 1)
    if following <= log.snapshot_position.index:
        return Effect(with_progress(node, progress))
    if following > log.last_index:
        return Effect(with_progress(node, progress._replace(next=None)))
    progress = progress._replace(next=following)
    if following - 1 - progress.match >= in_flight(node.limits):
        return Effect(with_progress(node, progress))
    return owe_calls(node, progress)


def in_flight(limits: v.Limits) -> v.Index:
    """How many entries may be under way to a peer that catches up."""
    return limits.entries * limits.calls


def on_failure(
    node: v.Node, progress: v.Progress, reply: v.AppendEntriesReply, shared: v.Position | None
) -> Effect:
    """A peer that has not what a call follows is probed: it is sent one call, with what comes after
    all that the logs may share; or the snapshot, where the log has nothing of that any more (§7).

    But not where that was done since the call.  A reply that is older than what the peer is known
    to hold tells of one call more that it has not; but a peer that is probed already may have lost
    its disk, and would be sent calls for ever.
    """
    if progress.probing and reply.last_position.index < progress.match:
        return Effect(node)
    known = progress.match if shared is None else max(progress.match, shared.index)
    compacted = known < node.log.snapshot_position.index
    if reply.seqno < (progress.asked if compacted else progress.probe):
        return Effect(node)
    if known == node.log.last_index:
        return Effect(with_progress(node, progress._replace(next=None)))
    return owe_calls(node, progress._replace(next=known + 1, probing=True))


def owe_calls(node: v.Node, progress: v.Progress) -> Effect:
    """A peer is owed calls from its nextIndex on; they get the next number."""
    node = node._replace(seqno=node.seqno + 1)
    node = with_progress(node, progress._replace(probe=node.seqno))
    return Effect(node, (v.CallOne(progress.node),))


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
    return node._replace(role=replace(node.role, peers=peers))


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
    return reached(node.config, [*held, (node.id, node.role.durable)])


def confirmed(node: v.Node) -> v.SeqNo:
    """The largest number that a quorum of the configuration has answered a call of this term with,
    or one above it: so many still knew no later term when that call reached them (dissertation,
    §6.4).

    The leader counts itself, where it is a voter, for any call that it may make next.
    """
    assert isinstance(node.role, v.Leader)
    answered = [(peer.node, peer.answered) for peer in node.role.peers]
    return reached(node.config, [*answered, (node.id, node.seqno + 1)])


def reached(config: v.Config, held: list[tuple[v.NodeId, int]]) -> int:
    """The largest number that a quorum of the configuration has reached."""

    def by_majority(voters: frozenset[v.NodeId]) -> int:
        numbers = sorted((number for member, number in held if member in voters), reverse=True)
        return numbers[len(voters) // 2]

    if not config.is_joint:
        return by_majority(config.voters)
    return min(by_majority(config.voters), by_majority(config.new_voters))
