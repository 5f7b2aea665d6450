"""All that is proved."""

from __future__ import annotations

from typing import Final

from conformance.prove import fixed_membership as inductive
from conformance.prove.changing import obligations as changing
from conformance.prove.runner.obligation import Level, Obligation
from conformance.prove.runner.worker import Source
from conformance.prove.step import equivalence, quorums
from conformance.prove.step import server_invariants as invariants

SOURCES: Final[tuple[Source, ...]] = (
    equivalence.obligations,
    invariants.obligations,
    quorums.obligations,
    inductive.obligations,
    changing.obligations,
)


def obligations(level: Level) -> list[Obligation]:
    return [one for source in SOURCES for one in source(level)]
