"""Log compaction (§7): a snapshot takes the place of the log's prefix; InstallSnapshot RPC.

Figure 13's leader sends its snapshot in chunks.  Here the user transfers it, asked to by the action
`InstallSnapshot`, and makes it durable; then the event `SnapshotInstalled` tells the receiver.  A
node that compacts its own log takes the same event.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from spec import values as v
from spec.pending import Pending
from spec.rules.effect import Effect, refused

TERM_FIRST: Final = v.Refused("invalid_snapshot", "the current term is yet to be saved")


def term_first(pending: Pending) -> v.Refused | None:
    """No snapshot is taken while a term is yet to be saved.

    What a snapshot covers is known to be committed by the current term.  If the snapshot were
    durable before the term, a crash would leave a server that knows what was committed and not by
    when: its log may be ahead of its term, and a stale leader of a term in between would seem to
    contradict what is committed.
    """
    return TERM_FIRST if pending.save_current_term else None


def snapshot_installed(node: v.Node, position: v.Position, config: v.Config) -> Effect:
    """Receiver implementation, for a snapshot up to `position` with this configuration.

    A node compacts what it knows to be committed; from a leader it takes what lies beyond.
    """
    log = node.log
    # 1. A snapshot of an earlier term need not be turned away: what a leader's snapshot covers
    #    stays committed, in whichever term it arrives.
    # 2. The file is created,
    # 3. filled chunk by chunk,
    # 4. and complete before this event: all that is the user's.
    # 5. A snapshot takes the place of an earlier one, and not of a later one.
    if position.index < log.snapshot_position.index:
        return refused(node, "invalid_snapshot", "the node has a later snapshot")
    # What cannot be a snapshot of the node's own committed entries, or of its leader's, is refused.
    if position.term > node.current_term:
        return refused(node, "invalid_snapshot", "the snapshot's term lies ahead of the node's")
    if log.contains(position):
        if log.config_at(position.index) != config:
            return refused(node, "invalid_snapshot", "the log has another configuration there")
        if position.index > node.commit_index and isinstance(node.role, v.Leader):
            return refused(node, "invalid_snapshot", "the leader has not committed this yet")
    elif position.index <= node.commit_index:
        return refused(node, "invalid_snapshot", "the log has another entry committed there")
    elif isinstance(node.role, v.Leader):
        return refused(node, "invalid_snapshot", "a leader's log has all that is committed")
    elif position.term < log.term(node.commit_index):
        return refused(node, "invalid_snapshot", "terms never fall in a log")
    # A candidacy ends with the log that it was for: the votes were given under that log's
    # configuration.  Counted by the snapshot's, they need not overlap with those that elected the
    # leader.
    if isinstance(node.role, v.Candidate) and not log.contains(position):
        node = node._replace(role=v.Follower())
    # 6. Where the log has the snapshot's last entry, what follows it is kept.
    # 7. Any other log is discarded.
    log = log.compacted(position, config)
    # A peer that was to get an earlier snapshot may need this one now.
    if isinstance(node.role, v.Leader):
        peers = tuple([peer._replace(asked=0) for peer in node.role.peers])
        node = node._replace(role=replace(node.role, peers=peers))
    # 8. The user resets the state machine; the log begins with the snapshot's configuration now.
    #    What the snapshot covers is committed (D4).
    node = node._replace(
        log=log,
        commit_index=max(node.commit_index, position.index),
    )
    return Effect(node, outcome=True)
