"""That the library answers what the specification answers, whatever the numbers.

Every question of `conformance.subjects.asking.questions` is asked of servers of some shapes, of a
specified one and of the library's in the same state; of what it is asked about, a position, a read,
a vote call, all numbers are unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step.asking import asked
from conformance.prove.step.assumptions import holds
from conformance.prove.step.counterexample import plain_member
from conformance.prove.step.family import ASKED, CANDIDATE, LARGE, LEADING, ROLES
from conformance.prove.step.shapes import PAIR, TRIO, Server, Shape, Unknowns, config, words
from conformance.subjects.asking.questions import QUESTIONS, Asked, Question
from conformance.subjects.rebuild import Rebuilder
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec import values as v
from spec.cluster import Member, Turn

Argument: TypeAlias = Callable[[Unknowns], Any]
"""Makes what a question is about."""

SENDERS: Final = (0, 1, 2)


def nothing(_: Unknowns) -> None:
    """The question is about nothing but the node."""


def position(of: Unknowns) -> v.Position:
    return of.position("its position")


def read(of: Unknowns) -> v.ReadIndex:
    return v.ReadIndex(of.number("its term"), of.number("its number"), of.number("its index"))


def vote_call(sender: v.NodeId) -> Argument:
    def made(of: Unknowns) -> v.RequestVoteCall:
        last, transfer = of.position("its last position"), of.flag("whether it is asked")
        return v.RequestVoteCall(sender, of.number("its term"), of.number("its"), last, transfer)

    return made


def servers(full: bool) -> dict[str, tuple[list[Server], list[Argument]]]:
    """By question: of which servers it is asked, and about what."""
    logs = words(3 if full else 2)
    joint = (config("01", "02"), config("02"), PAIR)
    changed = [Server(v.Follower(1), word, PAIR, joint) for word in words(3 if full else 2, "ck")]
    positions: list[Argument] = [position]
    leading = [
        Server(v.Leader, word, now, (now,), answered=True)
        for now in (*LEADING, *(LARGE if full else ()))
        for word in ("t",)
    ]
    any_role = [Server(role, "t", PAIR, voted_for=vote) for role in ROLES for vote in (None, 0, 1)]
    calls = [vote_call(sender) for sender in SENDERS]
    voter, guest = PAIR, config("12", "", "0")
    campaigning = [
        Server(role, word, now, (*change, guest))
        for role in (v.Follower(1), CANDIDATE, v.Leader)
        for now in (voter, guest)
        for change in ((guest, voter), (voter, guest))
        for word in words(2, "ck")
    ]
    behind = [
        Server(v.Leader, word, TRIO, behind=behind, answered=True)
        for word in ("", "t", "tc")
        for behind in ((), (1,), (1, 2))
    ]
    handing = [Server(v.Leader, "t", PAIR, transfer=to) for to in (None, 1)]
    return {
        "get_commit_status": ([Server(v.Follower(1), word) for word in logs], positions),
        "get_change_status": (changed, positions),
        "read_index": ([*[Server(v.Leader, word) for word in logs], *any_role], [nothing]),
        "is_confirmed": ([*leading, *any_role], [read]),
        "pre_vote_call": (campaigning, [nothing]),
        "would_vote": (any_role, calls),
        "could_be_disruptive": ([*any_role, Server(ASKED, "t", PAIR)], calls),
        "has_quorum": ([], []),  # of names alone: lockstep has them, and `quorums/library`
        "to_joint_consensus": ([], []),
        "progress": ([*behind, Server(CANDIDATE, "t")], [nothing]),
        "transfer_target": ([*handing, Server(CANDIDATE, "t")], [nothing]),
    }


def obligations(level: Level) -> list[Obligation]:
    """One for each question."""
    asked_of = servers(level != "quick")
    return [
        Obligation(
            f"answer/{question.name}",
            {"entries": max(len(one.word) for one in of), "voters": 3},
            Proof(question, tuple(of), tuple(about)).prove,
        )
        for question in QUESTIONS
        for of, about in [asked_of[question.name]]
        if of
    ]


@dataclass(frozen=True, slots=True)
class Proof:
    """One question, put to all of these, about all of that."""

    question: Question
    servers: tuple[Server, ...]
    about: tuple[Argument, ...]

    def prove(self, subjects: Subjects) -> Result:
        rebuilder = Rebuilder(subjects.library, reraise=(BudgetError, RepeatError))
        return asked(list(self.shapes()), Compared(self.question, rebuilder))

    def shapes(self) -> Iterator[Shape]:
        """A question changes nothing: so none of them acts."""
        for server in self.servers:
            for argument in self.about:
                yield Shape(server, argument, self.question.name, acts=False)


@dataclass(frozen=True, slots=True)
class Compared:
    """What the library answers otherwise.  The place of an event has what a question is about."""

    question: Question
    rebuilder: Rebuilder

    def made(self, shape: Shape, paths: Paths) -> tuple[Member, Any]:
        return shape.made(paths)

    def allows(self, member: Member, argument: Any) -> bool:
        return holds(member, None)

    def judged(self, member: Member, argument: Any) -> tuple[str | None, Turn | None]:
        specified = self.question.specified(member.node, argument)
        found = self.rebuilder.answer(member.node, member.pending, Asked(self.question, argument))
        unlike = None if specified == found else f"specified {specified}, found {found}"
        return unlike, Turn(member, member)

    def plain(self, member: Member, model: Model) -> Member:
        return plain_member(member, model)

    def words(self, wrong: str | Exception, shape: Shape) -> str:
        said = wrong if isinstance(wrong, str) else f"the specification raises {wrong!r}"
        return f"{said}: {shape}"

    def lines(self, wrong: str) -> tuple[str, ...]:
        return (wrong,)
