"""Which question is asked: one that is drawn, or all there are."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Final

from conformance.subjects.asking.coded import CODED
from conformance.subjects.asking.laws import LAWS
from conformance.subjects.asking.lookups import LOOKUPS
from conformance.subjects.asking.questions import QUESTIONS, Asked
from spec import values as v

ALL: Final = (*QUESTIONS, *LOOKUPS, LAWS, *CODED)
NAMES: Final = frozenset(question.name for question in ALL)


def drawn(random: Random, node: v.Node) -> Asked:
    """One question, in one of its cases."""
    question = ALL[int(random.random() * len(ALL))]
    case = question.cases[int(random.random() * len(question.cases))]
    return Asked(question, question.argument(node, case))


def all_of(node: v.Node, name: str | None = None) -> Iterator[Asked]:
    """All cases of the question of that name; None: of every question."""
    for question in ALL:
        if name in (None, question.name):
            for case in question.cases:
                yield Asked(question, question.argument(node, case))
