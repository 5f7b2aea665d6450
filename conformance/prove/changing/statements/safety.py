"""What the lemmas of a changing membership are for: the properties of the paper, and safe reads."""

from __future__ import annotations

from typing import Any, Final

from conformance.prove.any_size import statements as fixed
from conformance.prove.any_size.statements import Node
from conformance.prove.changing.statements.lemmas import Servers, View, quorum
from conformance.prove.statements.lemma import Lemma, adds_to
from conformance.prove.statements.logic import Formula, both, implies, negation


def answered(v: Any, n: Node) -> Servers:
    """Who answered a leader a call after the read, and itself."""
    return Servers(fixed.answered(v, n), lambda voters: v.answered_by_majority(voters, n))


SAFETY: Final[list[Lemma]] = [one for one in fixed.SAFETY if one.name != "ReadIndexSafe"]


@adds_to(SAFETY)("No stale read is confirmed by a quorum, its leader among it (§8).")
def read_index_safe(v: View, n: Node) -> Formula:
    s = v.server(n)
    took = both(s.leads, v.read_term() >= 1, s.term == v.read_term())
    config = v.tlog(s.term, v.lc(s.term, v.tlast(s.term)))
    return implies(both(took, v.read_stale()), negation(quorum(v, config, answered(v, n))))
