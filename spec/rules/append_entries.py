"""AppendEntries RPC (Figure 2): what a leader owes calls for, and what their receiver does.

The calls themselves are made when they are taken (`spec.rules.drain`).
"""

from __future__ import annotations

from spec import values as v
from spec.rules.effect import Effect, refused

# What a leader sends: entries to replicate (§5.3), or none, as a heartbeat (§5.2).


def append_as_leader(node: v.Node, payload: v.Payload) -> Effect:
    """§5.3: append an entry to the leader's own log, and send it to all members."""
    prev = node.log.last_position
    entries = (v.Entry(node.current_term, payload),)
    node = node._replace(log=node.log.appended(entries))
    owed = (v.AppendLogEntries(prev, entries), v.SetElectionTimeout())
    return Effect(node, (*owed, v.CallAll()) if node.peers else owed)


def broadcast_heartbeat(node: v.Node) -> Effect:
    """§5.2: AppendEntries without entries keeps the others from campaigning."""
    owed = (v.SetElectionTimeout(),)
    return Effect(node, (*owed, v.CallAll()) if node.peers else owed)


# Receiver implementation


def receive_append_entries_call(node: v.Node, call: v.AppendEntriesCall) -> Effect:
    """Receiver 1, and the reply; 2 to 5 are in `agree_with_leader`."""
    # 1. A call of an earlier term is answered, and otherwise ignored (§5.1).
    if call.term < node.current_term:
        return Effect(node, (reply_to(node, call, accepted=False),))
    match node.role:
        case v.Leader():
            return refused(node, "invariant", "two leaders in one term break Election Safety")
        case v.Follower(leader) if leader not in (None, call.sender):
            return refused(node, "invariant", "another leader of the term is known already")
    last_term = call.entries[-1].term if call.entries else call.prev_position.term
    if last_term > call.term:
        return refused(node, "invariant", "no leader's log is ahead of its term")
    # A candidate gives way to the leader of its term (§5.2), whoever the node voted for (D2).
    node = node._replace(role=v.Follower(call.sender))
    effect = agree_with_leader(node, call)
    if isinstance(effect.outcome, v.Refused):
        return effect
    accepted = effect.outcome is True
    node, owed, _ = effect
    return Effect(node, (*owed, reply_to(node, call, accepted), v.SetElectionTimeout()))


def reply_to(node: v.Node, call: v.AppendEntriesCall, accepted: bool) -> v.SendMessage:
    """Results: `success`, and the last position of the log, from which the leader sees how far the
    logs agree.

    The number of a call of an earlier term may be that of one of this term, of a leader that has
    come up again since: it is not repeated.
    """
    seqno = call.seqno if call.term == node.current_term else 0
    last = node.log.last_position
    reply = v.AppendEntriesReply(node.id, node.current_term, seqno, last, accepted)
    return v.SendMessage(call.sender, reply)


def agree_with_leader(node: v.Node, call: v.AppendEntriesCall) -> Effect:
    """Receiver 2 to 5.  The outcome is Figure 2's `success`.

    What the own snapshot covers is committed, so the leader has it too, and it is skipped (D5).
    What contradicts a committed entry is refused (D9).
    """
    log, prev, entries = node.log, call.prev_position, call.entries
    covered = log.snapshot_position.index - prev.index
    if covered > 0:
        if covered <= len(entries) and entries[covered - 1].term != log.snapshot_position.term:
            return refused(node, "invariant", "the leader's log contradicts the snapshot")
        prev, entries = log.snapshot_position, entries[covered:]
    # 2. Entries are taken only where the log has the one before them, of the same term (§5.3).
    if not log.contains(prev):
        return drop_conflict(node, prev)
    # 3. From the first entry that has another term than the call's at its index, the log is cut
    #    off (§5.3).
    agreed = prev.index
    for entry in entries:
        if agreed == log.last_index or log.term(agreed + 1) != entry.term:
            break
        agreed += 1
    # 4. What the log lacks of the call's entries is appended.
    missing = entries[agreed - prev.index :]
    owed: tuple[v.Action, ...] = ()
    if missing:
        if agreed < node.commit_index:
            return refused(node, "invariant", "the leader's log contradicts committed entries")
        node = node._replace(log=log.truncated(agreed).appended(missing))
        owed = (v.AppendLogEntries(log.position(agreed), missing),)
    # 5. What the leader knows to be committed is, up to the call's last entry: what may follow
    #    that here is not known to be the leader's.
    verified = agreed + len(missing)
    node = node._replace(commit_index=max(node.commit_index, min(call.commit_index, verified)))
    return Effect(node, owed, True)


def drop_conflict(node: v.Node, prev: v.Position) -> Effect:
    """Receiver 2 did not find `prev`: drop at once what cannot be the leader's (§5.3, D6).

    No entry of the leader's before `prev` has a higher term, so entries with one are not the
    leader's; nor is anything from the place on where the two logs show different terms.
    """
    log = node.log
    keep = min(prev.index - 1, log.last_index)
    while keep >= log.snapshot_position.index and log.term(keep) > prev.term:
        keep -= 1
    if keep < node.commit_index:
        return refused(node, "invariant", "the leader's log contradicts committed entries")
    if keep == log.last_index:
        return Effect(node, outcome=False)
    node = node._replace(log=log.truncated(keep))
    return Effect(node, (v.AppendLogEntries(log.position(keep), ()),), False)
