"""All that is proved."""

from __future__ import annotations

from typing import Final

from conformance.prove import fixed_membership
from conformance.prove.changing import obligations as changing
from conformance.prove.quorums import obligations as quorums
from conformance.prove.runner.obligation import Level, Obligation
from conformance.prove.runner.worker import Source
from conformance.prove.step import answers, equivalence, membership, server_invariants

SOURCES: Final[tuple[Source, ...]] = (
    equivalence.obligations,
    answers.obligations,
    server_invariants.obligations,
    quorums.obligations,
    membership.obligations,
    fixed_membership.obligations,
    changing.obligations,
)


def obligations(level: Level) -> list[Obligation]:
    return [one for source in SOURCES for one in source(level)]
