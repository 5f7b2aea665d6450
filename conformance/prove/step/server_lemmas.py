"""What holds of a server between its steps, its disk and what it owes included.

`SERVER_LEMMAS` begins with what step equivalence assumes (`assumptions` beside it), and goes on
with what the properties of a single server need: that memory, disk and what is owed fit together.
`conformance.prove.step.server_invariants` proves that every turn of a server keeps all of it, and
`fits_reports` and `is_to_own_call` are all that is assumed of the other servers for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.prove.step.assumptions import ASSUMPTIONS, adds_to
from spec import steps
from spec import values as v
from spec.cluster import Disk, Member

SERVER_LEMMAS: Final = [*ASSUMPTIONS]
lemma = adds_to(SERVER_LEMMAS)


@lemma("Who campaigns or leads has voted for itself (§5.2).")
def voted_for_itself(member: Member) -> bool:
    node = member.node
    return not isinstance(node.role, (v.Candidate, v.Leader)) or node.voted_for == node.id


@lemma("The calls that a peer is owed have a number: 0 is that of none.")
def owed_calls_have_numbers(member: Member) -> bool:
    node = member.node
    if not isinstance(node.role, v.Leader):
        return True
    calls = member.pending.calls
    return all(peer.probe >= 1 for peer in node.role.peers if peer.node in calls)


@lemma("A vote that is owed to be told is the one that was given.")
def owed_votes_are_given(member: Member) -> bool:
    for send in member.pending.sends:
        match send.message:
            case v.RequestVoteReply(vote_granted=True) if send.to != member.node.voted_for:
                return False
    return True


@lemma("Where a vote is owed to be told, so is the timer that it sets (§5.2).")
def owed_votes_set_timer(member: Member) -> bool:
    return member.pending.set_election_timeout or not any(map(tells_vote, member.pending.sends))


def tells_vote(send: v.SendMessage) -> bool:
    match send.message:
        case v.RequestVoteReply(vote_granted=True):
            return True
    return False


def reports(member: Member) -> Iterator[v.Position]:
    """The entries of the current term that the server owes somebody a report of.

    Only those count (§5.4.2).
    """
    for send in member.pending.sends:
        match send.message:
            case v.AppendEntriesReply(last_position=last) if last.term >= member.node.current_term:
                yield last


def has(log: v.Log, position: v.Position) -> bool:
    """Whether the log has it, or the snapshot has taken its place."""
    return position.index < log.snapshot_position.index or log.contains(position)


@lemma("The log has the entry of the current term that is owed to be reported (Figure 2).")
def reported_is_in_log(member: Member) -> bool:
    return all(has(member.node.log, last) for last in reports(member))


@lemma("The disk has the term and the vote, unless they are owed, and no later term (Figure 2).")
def disk_has_term_and_vote(member: Member) -> bool:
    node, pending, disk = member.node, member.pending, member.disk
    if not pending.save_voted_for and disk.voted_for != node.voted_for:
        return False
    if pending.save_current_term:
        return disk.current_term <= node.current_term
    return disk.current_term == node.current_term


@lemma("The disk has the log, up to where an owed write begins.")
def disk_lacks_only_what_is_owed(member: Member) -> bool:
    log, written, owed = member.node.log, member.disk.log, member.pending.append
    if owed is None:
        return written == log
    at = owed.prev_position
    return written.contains(at) and written.truncated(at.index) == log.truncated(at.index)


@lemma("A server can come up from the disk at any time: its term is not below its log's (§5.1).")
def disk_is_fit_to_come_up_from(member: Member) -> bool:
    return is_fit(member.node.id, member.disk)


@lemma("What a leader counts of its own log is on its disk: an owed write begins after it.")
def counted_is_on_disk(member: Member) -> bool:
    node, owed = member.node, member.pending.append
    if not isinstance(node.role, v.Leader) or owed is None:
        return True
    return node.role.durable <= owed.prev_position.index


def is_fit(node_id: v.NodeId, disk: Disk) -> bool:
    """Whether what would come up from a disk is as step equivalence assumes."""
    log = disk.log
    node = v.Node(
        node_id, v.Follower(), disk.current_term, disk.voted_for, log, log.snapshot_position.index
    )
    return all(one.holds(Member(node)) for one in ASSUMPTIONS)


def fits_reports(member: Member, event: v.Event | None) -> bool:
    """What is assumed of others: a leader's log has what the server is about to report to it.

    While the report is owed the term goes on, whose leader made the entry and never loses it
    (Leader Append-Only).  So its calls have the same entries up to there (Log Matching, §5.3), and
    none of a lower term after it; and so has a snapshot, of which it has all (Leader Completeness).
    """
    match event:
        case v.Receive(v.AppendEntriesCall() as call) if call.term == member.node.current_term:
            prev, entries = call.prev_position, call.entries
        case v.SnapshotInstalled(position):
            prev, entries = position, ()
        case _:
            return True
    log = member.node.log
    sent = [prev, *(v.Position(one.term, prev.index + 1 + at) for at, one in enumerate(entries))]
    return all(
        one.term >= last.term if one.index > last.index else has(log, one)
        for last in reports(member)
        for one in sent
    )


def is_to_own_call(member: Member, event: v.Event | None) -> bool:
    """What is assumed of others: a leader is told of no call that it has not sent in this life.

    That is the network's, and how calls of an earlier term are answered: it takes a run to break
    it, so the property is checked where there are runs.
    """
    match event:
        case v.Receive(message):
            return steps.reply_is_to_own_call(member.node, message) is None
    return True
