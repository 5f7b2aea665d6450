"""All that is proved."""

from __future__ import annotations

from typing import Final

from conformance.prove import equivalence, inductive, invariants, quorums
from conformance.prove.changing import obligations as changing
from conformance.prove.obligation import Level, Obligation
from conformance.prove.worker import Source

SOURCES: Final[tuple[Source, ...]] = (
    equivalence.obligations,
    invariants.obligations,
    quorums.obligations,
    inductive.obligations,
    changing.obligations,
)


def obligations(level: Level) -> list[Obligation]:
    return [one for source in SOURCES for one in source(level)]
