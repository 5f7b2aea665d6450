"""What has to be seen to hold after a step, and of whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import z3

from conformance.prove.statements import claims
from conformance.prove.statements.claims import Claim
from conformance.prove.statements.logic import Formula, implies
from conformance.prove.statements.views import entry_function
from spec.values import NodeId


@dataclass(frozen=True, slots=True)
class Goal:
    """`before`: the same of the cluster before the step, at the same numbers, where that is known.

    `after`: what then has to be shown, if `formula` has premises besides.
    """

    name: str
    formula: Formula
    before: Formula = True
    after: Formula = None

    @property
    def statement(self) -> str:
        """The lemma or claim that it is about."""
        return re.split(r"[\[(:]", self.name)[0].rstrip()

    @property
    def kept(self) -> Formula:
        return implies(self.before, self.formula if self.after is None else self.after)


def stands_for_all(chosen: tuple[NodeId, ...], alike: frozenset[NodeId]) -> bool:
    """Whether those that are alike are named in the order of their numbers, from the first one on:
    any other choice of them differs by their names only.
    """
    named = dict.fromkeys(n for n in chosen if n in alike)
    return list(named) == sorted(alike)[: len(named)]


@cache
def older(size: int) -> tuple[Any, ...]:
    """An arbitrary message of each kind, sender and receiver."""
    number, entries = z3.Int, entry_function("old_entry")
    term, last, index = number("old_term"), number("old_last"), number("old_index")
    commit, prev, at = number("old_commit"), number("old_prev"), number("old_at")
    seqno = number("old_seqno")
    found: list[claims.Message] = []
    for sender in range(size):
        found.append(claims.VoteCall(sender, term, last, index))
        found.append(claims.AppendReply(sender, term, last, index, seqno))
        found.append(claims.AppendCall(sender, term, commit, prev, at, index, entries, seqno))
        found.append(claims.CallAll(sender, term))
        for to in range(size):
            if to != sender:
                found.append(claims.CallOne(sender, to, term))
                found.append(claims.VoteReply(sender, to, term, z3.Bool("old_granted")))
                found.append(claims.Install(sender, to, term, last, index))
    return tuple(found)


def older_name(claim: Claim, message: claims.Message) -> str:
    return f"{claim.name} (older, of {' to '.join(map(str, ends(message)))})"


def ends(message: claims.Message) -> tuple[NodeId, ...]:
    """Who sent it, and to whom if that is claimed."""
    if isinstance(message, (claims.VoteReply, claims.Install, claims.CallOne)):
        return message.sender, message.to
    return (message.sender,)
