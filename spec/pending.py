"""How owed actions merge until the user executes them, and the order in which they then come.

A user may hand a node any number of inputs before a drain (pipelining).  What they owe together
is at most one of each kind, a message and a snapshot for each peer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from spec import values as v


class Pending(NamedTuple):
    """Actions that are owed and not yet executed; the fields are in the order of execution."""

    set_election_timeout: bool = False
    save_current_term: bool = False
    save_voted_for: bool = False
    broadcast: v.Message | None = None
    append: v.AppendLogEntries | None = None
    sends: tuple[v.SendMessage, ...] = ()
    installs: tuple[v.NodeId, ...] = ()


NOTHING = Pending()


def owe(pending: Pending, owed: tuple[v.Action, ...]) -> Pending:
    """Merge newly owed actions, one after another, with those that are pending.

    Of term and vote the latest is saved, whatever it then is.  A new term voids what was to be
    sent in an earlier one: nobody waits for it any more, and the entries it speaks of may be
    overwritten before it leaves.
    """
    timeout, term, vote, broadcast, append, sends, installs = pending
    for action in owed:
        match action:
            case v.SetElectionTimeout():
                timeout = True
            case v.SaveCurrentTerm():
                term, broadcast, sends, installs = True, None, (), ()
            case v.SaveVotedFor():
                vote = True
            case v.BroadcastMessage(message):
                broadcast = merge_messages(broadcast, message)
            case v.AppendLogEntries():
                append = merge_appends(append, action)
            case v.SendMessage():
                sends = merge_sends(sends, action)
            case v.InstallSnapshot(to):
                installs = tuple(sorted({*installs, to}))
    return Pending(timeout, term, vote, broadcast, append, sends, installs)


def merge_sends(sends: tuple[v.SendMessage, ...], send: v.SendMessage) -> tuple[v.SendMessage, ...]:
    """One message for each peer, in the order of the peers."""
    earlier = next((other.message for other in sends if other.to == send.to), None)
    others = [other for other in sends if other.to != send.to]
    merged = v.SendMessage(send.to, merge_messages(earlier, send.message))
    return tuple(sorted([*others, merged], key=lambda send: send.to))


def merge_messages(earlier: v.Message | None, later: v.Message) -> v.Message:
    """The later message to the same peers takes the earlier one's place.

    Two calls of one leader's term whose entries join are one call: the later call with the
    entries of both, of which the later one's win.  Messages may be lost, so an earlier message
    may always be dropped; two calls with a gap between them may not be joined.
    """
    match earlier, later:
        case v.AppendEntriesCall(), v.AppendEntriesCall() if earlier.term == later.term:
            joined = join(
                earlier.prev_position, earlier.entries, later.prev_position, later.entries
            )
            if joined is not None:
                return replace(later, prev_position=earlier.prev_position, entries=joined)
    return later


def merge_appends(
    earlier: v.AppendLogEntries | None, later: v.AppendLogEntries
) -> v.AppendLogEntries:
    """Both writes as one.  The later one may begin before the earlier one, and then covers it."""
    if earlier is not None:
        joined = join(earlier.prev_position, earlier.entries, later.prev_position, later.entries)
        if joined is not None:
            return v.AppendLogEntries(earlier.prev_position, joined)
    return later


def join(
    prev: v.Position, entries: v.Entries, later_prev: v.Position, later: v.Entries
) -> v.Entries | None:
    """`entries` after `prev` up to `later_prev`, then `later`; None if they do not contain it."""
    kept = later_prev.index - prev.index
    if kept < 0 or kept > len(entries):
        return None
    if later_prev.term != (prev.term if kept == 0 else entries[kept - 1].term):
        return None
    joined: v.Entries = entries[:kept] + later
    return joined


def compact(pending: Pending, log: v.Log) -> Pending:
    """§7: entries that the log's new snapshot covers can no longer be read to execute an action.

    A pending write always ends where the log ends; it keeps what lies after the snapshot.  So does
    a call; one that has nothing there keeps its previous position and loses its entries, which
    leaves it as true as before.
    """
    position = log.snapshot_position

    def call_after(message: v.Message) -> v.Message:
        match message:
            case v.AppendEntriesCall(prev_position=prev, entries=entries) if (
                entries and prev.index < position.index
            ):
                covered = join(prev, entries, position, ())
                if covered is None:
                    return replace(message, entries=())
                return replace(message, prev_position=position, entries=entries[len(covered) :])
        return message

    append = pending.append
    if append is not None and (
        append.prev_position.index < position.index or not log.contains(append.prev_position)
    ):
        append = v.AppendLogEntries(position, log.after(position.index))
    return pending._replace(
        broadcast=call_after(pending.broadcast) if pending.broadcast is not None else None,
        append=append,
        sends=tuple(v.SendMessage(send.to, call_after(send.message)) for send in pending.sends),
    )


def actions(pending: Pending, node: v.Node) -> tuple[v.Action, ...]:
    """The pending actions in their order of execution, for the node as it is at the drain.

    Term and vote are durable before any message that rests on them leaves, entries before the
    reply that reports them.  A leader's broadcast does not rest on its own disk (dissertation,
    §10.2.1) and goes first, so that the peers write while the leader does.
    """
    ordered: list[v.Action] = []
    if pending.set_election_timeout:
        ordered.append(v.SetElectionTimeout())
    if pending.save_current_term:
        ordered.append(v.SaveCurrentTerm(node.current_term))
    if pending.save_voted_for:
        ordered.append(v.SaveVotedFor(node.voted_for))
    if pending.broadcast is not None:
        ordered.append(v.BroadcastMessage(pending.broadcast, node.peers))
    if pending.append is not None:
        ordered.append(pending.append)
    ordered.extend(pending.sends)
    ordered.extend(v.InstallSnapshot(to) for to in pending.installs)
    return tuple(ordered)
