"""The proof of each fact, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from conformance.prove.changing.statements.script import Script
from conformance.prove.changing.why.completeness import prove_new, prove_wins
from conformance.prove.changing.why.counting import prove_chosen, prove_counted, prove_no_more
from conformance.prove.changing.why.elections import prove_alone, prove_opening
from conformance.prove.changing.why.log_matching import prove_along

Proof: TypeAlias = Callable[[Script], None]

PROOFS: Final[dict[str, Proof]] = {
    "along": prove_along,
    "wins": prove_wins,
    "alone": prove_alone,
    "new": prove_new,
    "opening": prove_opening,
    "counted": prove_counted,
    "no_more": prove_no_more,
    "chosen": prove_chosen,
}
