"""That the lemmas hold in a new cluster of any number of servers, and once one has created it.

Nobody has a log then, nobody has told anything, and nothing is on any disk: each part of a view is
a constant.  Before a server creates the cluster nothing happens in it, and only one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

import z3

from conformance.prove.any_size.representatives import standing_for_all
from conformance.prove.any_size.statements import LEMMAS, Node, claims_of, may_be_chosen
from conformance.prove.any_size.views import ANY, Each, Either
from conformance.prove.induction.answers import answering
from conformance.prove.induction.events import OTHER
from conformance.prove.runner.obligation import Result, Subjects
from conformance.prove.statements.claims import CallAll
from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, Lemma, Server
from conformance.prove.statements.logic import Formula, either, negation
from conformance.prove.statements.statements import NODES, at_goals
from conformance.prove.statements.views import (
    ACTOR,
    FOUNDING,
    NUMBERS,
    SENDER,
    TERM_OF,
    TRUTHS,
)
from spec import values as v
from spec.cluster import Member, Turn, rules_of, take
from spec.pending import Pending

NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(NUMBERS, 0),
    **dict.fromkeys(("vote", "disk_vote"), NOBODY),
    **dict.fromkeys(TRUTHS, False),
    **dict.fromkeys(("log", "disk_log"), lambda i: FOUNDING),
    **dict.fromkeys(("match", "answered"), Each(lambda m: 0)),
    "granted": Each(lambda m: False),
}
NEW: Final = Server(**NOTHING)
"""A server that has just been started for the first time; its log is empty."""


class New:
    """A new cluster, as a view."""

    founding = FOUNDING

    def term_of(self, entry: EntryTerm) -> Int:
        return TERM_OF(entry)

    def server(self, n: Node) -> Any:
        return NEW

    def lead(self, term: Int) -> Int:
        return NOBODY

    def tlast(self, term: Int) -> Int:
        return 0

    def tlog(self, term: Int, i: Int) -> EntryTerm:
        return FOUNDING

    def told(self, n: Node, term: Int) -> Int:
        return NOBODY

    def ack(self, n: Node, term: Int) -> Int:
        return 0

    def commit_term(self, j: Int) -> Int:
        return 0

    committed_up_to = commit_term

    def read_term(self) -> Int:
        return 0

    read_seqno = read_term

    def read_stale(self) -> Formula:
        return False

    left_by_majority = read_stale

    def left(self, n: Node) -> Formula:
        return False

    # Of all servers it is the same whether they are in one of these sets.

    def told_by_majority(self, *of: Any) -> Formula:
        *_, n = of
        return n == NOBODY

    def acked_by_majority(self, *of: Any) -> Formula:
        *_, i = of
        return i <= 0

    def may_ack_by_majority(self, *of: Any) -> Formula:
        *_, term, i = of
        return either(i <= 0, term >= 0)

    def choosable(self, term: Int, i: Int) -> Formula:
        return may_be_chosen(self, term, i)  # type: ignore[arg-type]


class Created(New):
    """The same once a server has created the cluster: it has saved and told nothing yet."""

    def __init__(self, creator: Server) -> None:
        self._creator = creator

    def server(self, n: Node) -> Any:
        if isinstance(n, int):
            return self._creator if n == ACTOR else NEW
        return Either(n == ACTOR, self._creator, NEW)


def creator(member: Member) -> Server:
    """What the creator of a cluster is to z3."""
    node, owed = member.node, member.pending
    role, write = node.role, owed.append
    granted = role.granted if isinstance(role, v.Candidate) else frozenset()
    return replace(
        NEW,
        term=node.current_term,
        vote=NOBODY if node.voted_for is None else node.voted_for,
        commit=node.commit_index,
        last=node.log.last_index,
        leads=isinstance(role, v.Leader),
        campaigns=isinstance(role, v.Candidate),
        granted=Each(lambda m: either(*[m == one for one in granted])),
        owes_term=owed.save_current_term,
        owes_vote=owed.save_voted_for,
        owes_write=write is not None,
        synced=node.log.last_index if write is None else write.prev_position.index,
        seqno=node.seqno,
    )


@dataclass(frozen=True, slots=True)
class Begins:
    """As a proof: on the representatives of any number of servers.

    `new`, `created`: the views; of a changing membership they say more.
    """

    lemmas: Sequence[Lemma] = tuple(LEMMAS)
    new: type[New] = New
    created: type[Created] = Created

    def prove(self, subjects: Subjects) -> Result:
        rule, voters = subjects.rule, frozenset((ACTOR, SENDER, OTHER))
        before, result = Member(rules_of(rule).start(ACTOR).node), Result(paths=1)
        wrong = broken(self.lemmas, self.new())
        for alone in (False, True):
            quorums = answering(rule, has_quorum=lambda *_, alone=alone: alone)
            with quorums, standing_for_all(rule, lambda alone=alone: not alone):  # type: ignore[misc]
                turn = take(before, v.CreateCluster(voters), rule)
            wrong = wrong or other_than_expected(turn, voters, not alone)
            wrong = wrong or broken(
                self.lemmas, self.created(creator(turn.after)), CallAll(ACTOR, 1)
            )
            result.paths += 1
        result.live = result.paths
        if wrong:
            result.result, result.detail = "refuted", wrong
        return result


def other_than_expected(turn: Turn, voters: frozenset[v.NodeId], calls: bool) -> str:
    """What a creator has, or owes, that `creator` leaves out; it `calls` others, if any."""
    node, pending = turn.after.node, turn.after.pending
    if node.log != v.new_log(entries=(v.Entry(0, v.Config(voters)),)):
        return "its log is not the founding entry"
    if pending._replace(append=None) != Pending(True, True, True, (), calls):
        return "it owes other actions than to save, to write and to call"
    return "" if turn.after.disk == turn.before.disk else "its disk is another one"


def broken(lemmas: Sequence[Lemma], view: New, *owed: CallAll) -> str:
    """The first lemma, or claim of what is owed, that does not hold."""
    for lemma in lemmas:
        kinds = [kind for kind in lemma.over if kind in NODES]
        for nodes in product(*[(ACTOR, ANY[kind]) for kind in kinds]):
            if not is_true(at_goals(lemma, view, nodes)):  # type: ignore[arg-type]
                return f"{lemma.name}{list(nodes)} does not hold"
    for message in owed:
        for claim in claims_of(message, True):
            if not is_true(at_goals(claim, view, (), message)):  # type: ignore[arg-type]
                return f"{claim.name} does not hold"
    return ""


def is_true(formula: Formula) -> bool:
    if isinstance(formula, bool):
        return formula
    solver = z3.Solver()
    solver.add(TERM_OF(FOUNDING) == 0, *[one != ACTOR for one in ANY.values()])
    solver.add(negation(formula))
    return bool(solver.check() == z3.unsat)
