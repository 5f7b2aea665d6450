"""The specification with single rules as the Rust crate (raftbare 0.2.2) has them.

The decisions D1 to D9 are where this library departs from the crate: see `docs/decisions.md`.
Here each is a patch that takes one back.  They name what a recording of the crate departs in.
`conformance.mutants.planted.crate` has the same for the library: mutants that the checks have to
catch.
"""

from __future__ import annotations

from functools import cache

from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import Patch, in_rules, patched_rule
from spec.cluster import Rule


def _decision(name: str, what: str, patches: tuple[Patch, ...]) -> Mutant:
    return Mutant(name, what, in_spec=patches)


D1 = _decision(
    "D1",
    "a vote compares the index of the last entries only",
    (
        in_rules(
            "if call.last_position < node.log.last_position:",
            "if call.last_position.index < node.log.last_position.index:",
        ),
    ),
)
D2 = _decision(
    "D2",
    "the leader of the own term is followed only by who voted for it, or takes it for its vote",
    (
        in_rules(
            """    node = node._replace(role=v.Follower(call.sender))
    effect = agree_with_leader(node, call)
""",
            """    voted: tuple[v.Action, ...] = ()
    if not isinstance(node.role, v.Follower):
        return Effect(node)
    if node.voted_for is None:
        node = node._replace(voted_for=call.sender)
        voted = (v.SaveVotedFor(call.sender),)
    if node.voted_for != call.sender:
        return Effect(node)
    node = node._replace(role=v.Follower(call.sender))
    effect = agree_with_leader(node, call)
""",
        ),
        in_rules(
            "    return Effect(node, (*owed, reply_to(node, call, accepted), "
            "v.SetElectionTimeout()))",
            "    return Effect(node, (*voted, *owed, reply_to(node, call, accepted), "
            "v.SetElectionTimeout()))",
        ),
    ),
)
D3 = _decision(
    "D3",
    "a removed leader clears its vote when it steps down in its own term",
    (
        in_rules(
            "        return Effect(node._replace(role=v.Follower()), (v.SetElectionTimeout(),))",
            """        cleared = v.SaveCurrentTerm(node.current_term), v.SaveVotedFor(None)
        node = node._replace(role=v.Follower(), voted_for=None)
        return Effect(node, (*cleared, v.SetElectionTimeout()))""",
        ),
    ),
)
D4 = _decision(
    "D4",
    "a snapshot ahead of the commit index leaves it behind",
    (
        in_rules(
            "        commit_index=max(node.commit_index, position.index),\n",
            "",
        ),
    ),
)
D5 = _decision(
    "D5",
    "entries that begin before the own snapshot are not matched with it",
    (
        in_rules(
            "        prev, entries = log.snapshot_position, entries[covered:]\n",
            "        return Effect(node, outcome=False)\n",
        ),
    ),
)
D6 = _decision(
    "D6",
    "a conflicting suffix is removed one entry per round trip",
    (
        in_rules(
            """    keep = min(prev.index - 1, log.last_index)
    while keep >= log.snapshot_position.index and log.term(keep) > prev.term:
        keep -= 1
""",
            """    keep = prev.index - 1 if prev.index <= log.last_index else log.last_index
""",
        ),
        in_rules(
            "    return Effect(node, (v.AppendLogEntries(log.position(keep), ()),), False)",
            "    return Effect(node, outcome=False)",
        ),
        in_rules(
            "    known = progress.match if shared is None else max(progress.match, shared.index)\n",
            "    known = min(reply.last_position.index, node.log.last_index)\n",
        ),
    ),
)
D7 = _decision(
    "D7",
    "a node that voted for another drops a vote request of a higher term",
    (
        in_rules(
            "    current = Effect(node)\n",
            """    current = Effect(node)
    if (
        isinstance(message, v.RequestVoteCall)
        and message.term > node.current_term
        and not isinstance(node.role, v.Candidate)
        and node.voted_for not in (None, message.sender)
    ):
        return Effect(node)
""",
        ),
    ),
)
D8 = _decision(
    "D8",
    "a node answers its own messages",
    (
        in_rules(
            "    if message.sender == node.id:\n        return Effect(node)\n",
            "",
        ),
    ),
)
D9 = _decision(
    "D9",
    "asked to remove committed entries, a node does",
    (
        in_rules(
            """        if agreed < node.commit_index:
            return refused(node, "invariant", "the leader's log contradicts committed entries")
""",
            "",
        ),
    ),
)
LEARN_LATE = _decision(
    "beyond D1 to D9",
    "a follower learns the commit index only from a call that its log then ends with",
    (
        in_rules(
            "    verified = agreed + len(missing)\n",
            """    if not missing and agreed < log.last_index:
        return Effect(node, outcome=True)
    verified = agreed + len(missing)
""",
        ),
    ),
)

DECISIONS = (D1, D2, D3, D4, D5, D6, D7, D8, D9)


@cache
def as_in_crate(*decisions: Mutant) -> Rule:
    """The specification of a node with these decisions taken back."""
    return patched_rule(*(patch for decision in decisions for patch in decision.in_spec))
