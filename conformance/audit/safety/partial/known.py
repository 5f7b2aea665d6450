"""What a node showed last, each value since it was shown."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.audit.safety.partial.backing import Voters
from spec import values as v


@dataclass(slots=True)
class Known:
    role: str | None = None
    term: v.Term | None = None
    vote: v.NodeId | None = None
    commit: v.Index | None = None
    last: v.Index | None = None
    voters: Voters | None = None

    def leads_on(self, before: Known) -> bool:
        """Whether it leads its term, and did before."""
        return self.role == before.role == "leader" and self.term == before.term
