"""What is assumed of a server's state, and of an event: as little as the library needs.

Each assumption is a plain predicate on what the specification knows.  Evaluated on a server in the
middle of a run it says whether it holds; evaluated on symbolic numbers, which numbers it holds for:
the paths on which it is true.  So the constraint of a proof and what the random runs are held
against (`tests/prove/step/test_assumptions.py`) are the same code.

An assumption says that a state is reachable, or that the library has a value for it.  Nothing is
assumed of how a message and its receiver fit together, of votes, nor of who is known to lead.  That
no number is negative is assumed where it is named (`conformance.prove.step.shapes`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import z3

from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Member

Holds: TypeAlias = Callable[[Member], bool]


class Assumption(NamedTuple):
    words: str
    holds: Holds


def adds_to(known: list[Assumption]) -> Callable[[str], Callable[[Holds], Holds]]:
    """A decorator for such a predicate, that adds it with these words."""

    def adding(words: str) -> Callable[[Holds], Holds]:
        def add(holds: Holds) -> Holds:
            known.append(Assumption(words, holds))
            return holds

        return add

    return adding


def _sorted(prev: v.Position, entries: v.Entries, last: v.Term | None = None) -> bool:
    """Terms never fall, up to `last`."""
    term = prev.term
    for entry in entries:
        if not term <= entry.term:
            return False
        term = entry.term
    return last is None or term <= last


def _opened(prev: v.Position, entries: v.Entries) -> bool:
    """Only the entry with which a leader opens its term changes the term."""
    term = prev.term
    for entry in entries:
        if entry.payload != v.TERM and entry.term != term:
            return False
        term = entry.term
    return True


def is_message(message: v.Message) -> bool:
    """What a call may be, whoever sent it: it has entries as they are in a log."""
    if not isinstance(message, v.AppendEntriesCall):
        return True
    prev, entries = message.prev_position, message.entries
    return _opened(prev, entries) and _sorted(prev, entries)


ASSUMPTIONS: Final[list[Assumption]] = []
assumed = adds_to(ASSUMPTIONS)


@assumed("Terms never fall in a log, and are at most the node's (§5.1, §5.3).")
def terms_never_fall(member: Member) -> bool:
    log = member.node.log
    return _sorted(log.snapshot_position, log.entries, member.node.current_term)


@assumed("Only the entry with which a leader opens its term changes the term (§8).")
def only_leaders_open_terms(member: Member) -> bool:
    log = member.node.log
    return _opened(log.snapshot_position, log.entries)


@assumed("A log is committed at least up to its snapshot and at most to its end (§7).")
def committed_within_log(member: Member) -> bool:
    log = member.node.log
    snapshot = log.snapshot_position.index
    return snapshot <= member.node.commit_index <= log.last_index


@assumed("The configuration in force is the last one in the log (§6).")
def config_from_log(member: Member) -> bool:
    log = member.node.log
    found = v.new_log(log.snapshot_position, log.snapshot_config, log.entries)
    return found.config == log.config and found.config_index == log.config_index


@assumed("A leader's log ends in its own term: the entry that opened it, and what followed.")
def leaders_log_is_of_its_term(member: Member) -> bool:
    node = member.node
    return not isinstance(node.role, v.Leader) or node.log.last_position.term == node.current_term


@assumed("What a leader knows anybody to hold, itself too, is within its log (§5.3).")
def progress_within_log(member: Member) -> bool:
    node = member.node
    if not isinstance(node.role, v.Leader):
        return True
    known = [node.role.durable, *(peer.match for peer in node.role.peers)]
    return all(index <= node.log.last_index for index in known)


@assumed("What a peer is to be sent next is within the leader's log, or its snapshot (§5.3, §7).")
def next_within_log(member: Member) -> bool:
    node = member.node
    if not isinstance(node.role, v.Leader):
        return True
    following = [peer.next for peer in node.role.peers if peer.next is not None]
    return all(index <= node.log.last_index for index in following)


@assumed("A leader keeps count of the other members of the configuration in force (§6).")
def leader_follows_members(member: Member) -> bool:
    node = member.node
    if not isinstance(node.role, v.Leader):
        return True
    return tuple([peer.node for peer in node.role.peers]) == node.peers


@assumed("A broadcast is owed by who campaigns or leads, calls by a leader, each to one peer.")
def callers_call(member: Member) -> bool:
    node, pending = member.node, member.pending
    match node.role:
        case v.Follower():
            return not pending.broadcast and not pending.calls
        case v.Candidate():
            return not pending.calls
    return pending.calls == tuple([peer for peer in node.peers if peer in pending.calls])


@assumed("Replies that are owed are of the current term: a new one voids them.")
def owed_replies_of_this_term(member: Member) -> bool:
    return all(send.message.term == member.node.current_term for send in member.pending.sends)


@assumed("An owed write begins at an entry of the log, and ends where the log does.")
def owed_write_ends_the_log(member: Member) -> bool:
    write, log = member.pending.append, member.node.log
    if write is None:
        return True
    at = write.prev_position
    return log.contains(at) and log.after(at.index) == write.entries


def is_event(event: v.Event | None) -> bool:
    """What the types of the library have a value for, and what servers send.

    Along a call's entries terms never fall, and change only with an entry that opens one.  In the
    log that a disk brings back they may fall: it is for the node to refuse it.
    """
    match event:
        case v.Receive(message):
            return is_message(message)
        case v.Restart(log=log):
            return _opened(log.snapshot_position, log.entries)
    return True


def holds(member: Member, event: v.Event | None) -> bool:
    """Whether a proof speaks of this."""
    return all(one.holds(member) for one in ASSUMPTIONS) and is_event(event)


def assume(paths: Paths, allows: Callable[[], bool]) -> None:
    """Go only where a predicate holds: for the numbers for which it says so."""
    allowed = []
    for path in paths.run(allows):
        if path.raised is not None:
            raise path.raised
        if path.result:
            allowed.append(path)
    if len(allowed) == 1:
        paths.take(allowed[0].conditions)
    else:
        paths.assume(z3.Or([path.formula(paths) for path in allowed]))
