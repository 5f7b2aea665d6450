"""Messages of the specification as what they claim, with terms of z3 or plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Int, LogOf
from spec import values as v
from spec.pending import Pending


class Reads(NamedTuple):
    """How numbers are read, and the entries of a call: by their index, and where they are known."""

    number: Callable[[Any], Int]
    entries: Callable[[v.AppendEntriesCall], tuple[LogOf, tuple[Int, ...]]]


def claim_of(reads: Reads, message: v.Message, to: v.NodeId | None) -> claims.Message:
    number = reads.number
    match message:
        case v.AppendEntriesCall(sender, term, seqno, commit, prev, sent):
            entry, window = reads.entries(message)
            of_leader = number(term), number(commit), number(prev.term), number(prev.index)
            last = number(prev.index + len(sent))
            return claims.AppendCall(sender, *of_leader, last, entry, number(seqno), window)
        case v.AppendEntriesReply(sender, term, seqno, last):
            position = number(last.term), number(last.index)
            return claims.AppendReply(sender, number(term), *position, number(seqno))
        case v.RequestVoteCall(sender, term, _, last):
            return claims.VoteCall(sender, number(term), number(last.term), number(last.index))
        case v.RequestVoteReply(sender, term, _, granted):
            assert to is not None
            return claims.VoteReply(sender, to, number(term), granted)


def install_of(reads: Reads, node: v.Node, to: v.NodeId) -> claims.Install:
    """A snapshot that a leader sends."""
    number, position = reads.number, node.log.snapshot_position
    numbers = number(node.current_term), number(position.term), number(position.index)
    return claims.Install(node.id, to, *numbers)


def owed(reads: Reads, node: v.Node, pending: Pending) -> Iterator[claims.Message]:
    """What a node owes: replies, which are made already, and calls, which are not."""
    term = reads.number(node.current_term)
    for send in pending.sends:
        yield claim_of(reads, send.message, send.to)
    if pending.broadcast:
        yield claims.CallAll(node.id, term)
    for to in pending.calls:
        yield claims.CallOne(node.id, to, term)
