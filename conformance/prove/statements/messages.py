"""Messages of the specification as what they claim, with terms of z3 or plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from conformance.prove.statements import claims
from conformance.prove.statements.lemma import Int, LogOf
from spec import values as v
from spec.pending import Pending


class Reads(NamedTuple):
    """How numbers are read, and the entries of a call: by their index, and where they are known."""

    number: Callable[[Any], Int]
    entries: Callable[[v.AppendEntriesCall], tuple[LogOf, tuple[Int, ...]]]


Addressed: TypeAlias = tuple[v.Message | None, v.NodeId | None]
"""A message, or a snapshot (None), and to whom; None: to all."""


def claim_of(reads: Reads, message: v.Message, to: v.NodeId | None) -> claims.Message:
    number = reads.number
    match message:
        case v.AppendEntriesCall(sender, term, _, commit, prev, sent):
            entry, window = reads.entries(message)
            of_leader = number(term), number(commit), number(prev.term), number(prev.index)
            last = number(prev.index + len(sent))
            return claims.AppendCall(sender, *of_leader, last, entry, window)
        case v.AppendEntriesReply(sender, term, _, last):
            return claims.AppendReply(sender, number(term), number(last.term), number(last.index))
        case v.RequestVoteCall(sender, term, _, last):
            return claims.VoteCall(sender, number(term), number(last.term), number(last.index))
        case v.RequestVoteReply(sender, term, _, granted):
            assert to is not None
            return claims.VoteReply(sender, to, number(term), granted)


def install_of(reads: Reads, node: v.Node, to: v.NodeId) -> claims.Install:
    """A snapshot that a leader owes or sends."""
    number, position = reads.number, node.log.snapshot_position
    numbers = number(node.current_term), number(position.term), number(position.index)
    return claims.Install(node.id, to, *numbers)


def owed(pending: Pending) -> Iterator[Addressed]:
    if pending.broadcast is not None:
        yield pending.broadcast, None
    yield from [(send.message, send.to) for send in pending.sends]
    yield from [(None, to) for to in pending.installs]
