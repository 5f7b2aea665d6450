"""All mutants, by chapter of the paper, and a way to find one by its name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from conformance.mutants.planted.actions import ACTIONS
from conformance.mutants.planted.asked import ASKED
from conformance.mutants.planted.calls import CALLS
from conformance.mutants.planted.commit import COMMIT
from conformance.mutants.planted.handover import HANDOVER
from conformance.mutants.planted.membership import MEMBERSHIP
from conformance.mutants.planted.reads import READS
from conformance.mutants.planted.replication import REPLICATION
from conformance.mutants.planted.snapshots import SNAPSHOTS
from conformance.mutants.planted.votes import VOTES
from conformance.subjects.mutant import Mutant

CATALOGUE: Final[tuple[Mutant, ...]] = (
    *VOTES,
    *REPLICATION,
    *CALLS,
    *COMMIT,
    *MEMBERSHIP,
    *SNAPSHOTS,
    *READS,
    *HANDOVER,
    *ASKED,
    *ACTIONS,
)

UNRECORDED: Final = frozenset(
    {
        "second-leader-followed",  # it takes two leaders of one term, which no cluster has
        "removed-follower-called",  # it fails before it does anything that a recording shows
        "removed-follower-answered",  # so does this one
        "handover-without-end",  # an answer shows it before anything that is recorded
        *[mutant.name for mutant in ASKED],  # no answer is recorded
    }
)
"""Those of which there is no recording that an audit condemns."""


class UnknownMutantError(LookupError):
    """There is no mutant of that name; the message has those that are named much like it."""


def by_name(name: str) -> Mutant:
    """The mutant of that name.  Raises `UnknownMutantError`."""
    for mutant in CATALOGUE:
        if mutant.name == name:
            return mutant
    near = get_close_matches(name, [mutant.name for mutant in CATALOGUE])
    hint = f": {' or '.join(near)}?" if near else ""
    raise UnknownMutantError(f"there is no mutant {name!r}{hint}")
