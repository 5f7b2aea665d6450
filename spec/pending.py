"""How owed actions merge until the user executes them.

A user may hand a node any number of inputs before a drain (pipelining).  What they owe together
is at most one of each kind, and a message for each peer.  Calls are made when they are taken, from
the log as it is then (`spec.rules.drain`): so they need no merging.
"""

from __future__ import annotations

from typing import NamedTuple

from spec import values as v


class Pending(NamedTuple):
    """What is owed and not yet executed; the fields are in the order of execution.

    calls      the followers that are owed calls of their own
    broadcast  a call to all others
    append     a write, which always ends where the log ends
    """

    set_election_timeout: bool = False
    save_current_term: bool = False
    save_voted_for: bool = False
    calls: tuple[v.NodeId, ...] = ()
    broadcast: bool = False
    append: v.AppendLogEntries | None = None
    sends: tuple[v.SendMessage, ...] = ()


NOTHING = Pending()


def owe(pending: Pending, owed: tuple[v.Owed, ...]) -> Pending:
    """Merge what is newly owed, one thing after another, with what is pending.

    Of term and vote the latest is saved, whatever it then is.  A new term voids what was to be
    sent in an earlier one: nobody waits for it any more, and the entries it speaks of may be
    overwritten before it leaves.
    """
    timeout, term, vote, calls, broadcast, append, sends = pending
    for one in owed:
        match one:
            case v.SetElectionTimeout():
                timeout = True
            case v.SaveCurrentTerm():
                term, calls, broadcast, sends = True, (), False, ()
            case v.SaveVotedFor():
                vote = True
            case v.CallAll() | v.BroadcastMessage():
                broadcast = True
            case v.CallOne(to) | v.SendMessage(to, v.AppendEntriesCall()) | v.InstallSnapshot(to):
                calls = tuple(sorted({*calls, to}))
            case v.AppendLogEntries():
                append = merge_appends(append, one)
            case v.SendMessage():
                sends = merge_sends(sends, one)
    return Pending(timeout, term, vote, calls, broadcast, append, sends)


def owed_in(pending: Pending) -> tuple[v.Owed, ...]:
    """What is pending as a rule would owe it: `owe(NOTHING, owed_in(pending)) == pending`.

    The values that are saved are no part of it, for they are those of the node.
    """
    timeout, term, vote, calls, broadcast, append, sends = pending
    return (
        *([v.SaveCurrentTerm(0)] if term else []),
        *([v.SaveVotedFor(None)] if vote else []),
        *([v.SetElectionTimeout()] if timeout else []),
        *[v.CallOne(to) for to in calls],
        *([v.CallAll()] if broadcast else []),
        *([append] if append is not None else []),
        *sends,
    )


def merge_sends(sends: tuple[v.SendMessage, ...], send: v.SendMessage) -> tuple[v.SendMessage, ...]:
    """One reply for each peer, in the order of the peers: the later one takes the earlier's place.

    But what only tells the term takes no other's place: that one tells it as well, and may be a
    vote.
    """
    earlier = [other for other in sends if other.to == send.to]
    if earlier and tells_term_only(send.message):
        return sends
    others = [other for other in sends if other.to != send.to]
    return tuple(sorted([*others, send], key=lambda send: send.to))


def tells_term_only(message: v.Message) -> bool:
    """The answer to a call of an earlier term."""
    match message:
        case v.AppendEntriesReply(seqno=0) | v.RequestVoteReply(vote_granted=False):
            return True
    return False


def merge_appends(
    earlier: v.AppendLogEntries | None, later: v.AppendLogEntries
) -> v.AppendLogEntries:
    """Both writes as one.  The later one may begin before the earlier one, and then covers it."""
    if earlier is None:
        return later
    kept = later.prev_position.index - earlier.prev_position.index
    if kept < 0:
        return later
    return v.AppendLogEntries(earlier.prev_position, earlier.entries[:kept] + later.entries)


def callers_only(pending: Pending, node: v.Node) -> Pending:
    """Who follows calls nobody; a leader calls those who are its peers."""
    match node.role:
        case v.Follower() if pending.broadcast or pending.calls:
            return pending._replace(broadcast=False, calls=())
    if not pending.calls:
        return pending
    return pending._replace(calls=tuple([to for to in pending.calls if to in node.peers]))


def compact(pending: Pending, log: v.Log) -> Pending:
    """§7: entries that the log's new snapshot covers can no longer be read to execute an action.

    A pending write always ends where the log ends; it keeps what lies after the snapshot.
    """
    append, position = pending.append, log.snapshot_position
    if append is None or log.contains(append.prev_position):
        return pending
    return pending._replace(append=v.AppendLogEntries(position, log.after(position.index)))
