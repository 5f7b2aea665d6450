"""The specification with single rules as the Rust crate (raftbare 0.2.2) has them.

The decisions D1 to D9 are where this library departs from the crate; `ARCHITECTURE.md` lists them.
Here each is a patch that takes one back.  They name what a recording of the crate departs in.
`IN_LIBRARY` has the same for the library: mutants that the checks have to catch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from conformance.subjects.patched import Patch, patched_rule
from spec.cluster import Rule


@dataclass(frozen=True, slots=True)
class Decision:
    """`what` the crate does, and the patches that make the specification do the same."""

    name: str
    what: str
    patches: tuple[Patch, ...]


def _decision(name: str, what: str, *replacements: tuple[str, str]) -> Decision:
    """`replacements`: texts of `spec.node`, and what stands in their place."""
    return Decision(name, what, tuple(Patch("node", *texts) for texts in replacements))


D1 = _decision(
    "D1",
    "a vote compares the index of the last entries only",
    (
        "if call.last_position < node.log.last_position:",
        "if call.last_position.index < node.log.last_position.index:",
    ),
)
D2 = _decision(
    "D2",
    "the leader of the own term is followed only by who voted for it, or takes it for its vote",
    (
        """    node = node._replace(role=Follower(call.sender))
    accepted = agree_with_leader(node, call)
""",
        """    voted: tuple[Action, ...] = ()
    if not isinstance(node.role, Follower):
        return node, ()
    if node.voted_for is None:
        node = node._replace(voted_for=call.sender)
        voted = (SaveVotedFor(call.sender),)
    if node.voted_for != call.sender:
        return node, ()
    node = node._replace(role=Follower(call.sender))
    accepted = agree_with_leader(node, call)
""",
    ),
    (
        "    return node, (*owed, reply_to(node, call), SetElectionTimeout())",
        "    return node, (*voted, *owed, reply_to(node, call), SetElectionTimeout())",
    ),
)
D3 = _decision(
    "D3",
    "a removed leader clears its vote when it steps down in its own term",
    (
        "        return node._replace(role=Follower()), (SetElectionTimeout(),)",
        "        return step_down(node, node.current_term)",
    ),
)
D4 = _decision(
    "D4",
    "a snapshot ahead of the commit index leaves it behind",
    (
        "        commit_index=max(node.commit_index, position.index),\n",
        "",
    ),
)
D5 = _decision(
    "D5",
    "entries that begin before the own snapshot are not matched with it",
    (
        "        prev, entries = log.snapshot_position, entries[covered:]\n",
        "        return node, ()\n",
    ),
)
D6 = _decision(
    "D6",
    "a conflicting suffix is removed one entry per round trip",
    (
        """    keep = min(prev.index - 1, log.last_index)
    while keep >= log.snapshot_position.index and log.term(keep) > prev.term:
        keep -= 1
""",
        """    keep = prev.index - 1 if prev.index <= log.last_index else log.last_index
""",
    ),
    (
        "    return node, (AppendLogEntries(log.position(keep), ()),)",
        "    return node, ()",
    ),
    (
        """    if not behind or not isinstance(node.role, Leader):
        return node, owed
    node = node._replace(seqno=node.seqno + 1)
""",
        """    if not behind or not isinstance(node.role, Leader):
        return node, owed
    if shared != reply.last_position:
        index = reply.last_position.index
        if index > node.log.last_index:
            return node, owed
        node = node._replace(seqno=node.seqno + 1)
        probe = AppendEntriesCall(
            node.id,
            node.current_term,
            node.seqno,
            node.commit_index,
            node.log.position(index),
            (),
        )
        return node, (*owed, SendMessage(reply.sender, probe))
    node = node._replace(seqno=node.seqno + 1)
""",
    ),
)
D7 = _decision(
    "D7",
    "a node that voted for another drops a vote request of a higher term",
    (
        "    before, owed = node, NOTHING_OWED\n",
        """    before, owed = node, NOTHING_OWED
    if (
        isinstance(message, RequestVoteCall)
        and message.term > node.current_term
        and not isinstance(node.role, Candidate)
        and node.voted_for not in (None, message.sender)
    ):
        return Step(None, (), node)
""",
    ),
)
D8 = _decision(
    "D8",
    "a node answers its own messages",
    (
        "    if message.sender == node.id:\n        return Step(None, (), node)\n",
        "",
    ),
)
D9 = _decision(
    "D9",
    "asked to remove committed entries, a node does",
    (
        """    if agreed < node.commit_index:
        return Refused("invariant", "the leader's log contradicts committed entries")
""",
        "",
    ),
)
LEARN_LATE = _decision(
    "beyond D1 to D9",
    "a follower learns the commit index only from a call that its log then ends with",
    (
        """    if not missing:
        return learn_commit(node, call.commit_index, agreed), ()
""",
        """    if not missing:
        if agreed < log.last_index:
            return node, ()
        return learn_commit(node, call.commit_index, agreed), ()
""",
    ),
)

DECISIONS = (D1, D2, D3, D4, D5, D6, D7, D8, D9)


@cache
def as_in_crate(*decisions: Decision) -> Rule:
    """The specification of a node with these decisions taken back."""
    return patched_rule(*(patch for decision in decisions for patch in decision.patches))
