"""Membership only ever moves between configurations whose quorums overlap (§6).

    membership/changes   what a leader's rules put in force comes next after what was

It says of all configurations over a few servers what ConfigChangeThroughJoint says of the shapes of
`conformance.prove.step.server_invariants`.  That the quorums overlap, of configurations of every
size, is `conformance.prove.quorums`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step.shapes import SELF
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, execute, take
from spec.pending import NOTHING

CHANGED: Final[dict[Level, int]] = {"quick": 3, "full": 4, "deep": 4}
"""Over how many servers every change is tried."""


def obligations(level: Level) -> list[Obligation]:
    """All that is to be proved, in a fixed order."""
    servers = CHANGED[level]
    return [Obligation("membership/changes", {"servers": servers}, Changes(servers).prove)]


@dataclass(frozen=True, slots=True)
class Changes:
    """A leader in any configuration, to whom any other is proposed; then all replicate its log.

    So every accepted change is committed: C becomes C_old,new, which becomes C_new by itself, or
    only who has no vote changes.
    """

    servers: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        configs = list(configurations(self.servers))
        accepted = 0
        for now, wanted in product(configs, repeat=2):
            result.paths += 1
            wrong, accepts = change(subjects.rule, now, wanted)
            accepted += accepts
            if wrong is not None:
                result.result, result.detail = "refuted", wrong
                break
        else:
            if not accepted:
                result.result, result.detail = "unknown", "no change is ever accepted"
        result.live = result.paths
        return result


def configurations(servers: int) -> Iterator[v.Config]:
    """All, with somebody who votes, and nobody who is a voter and none; but while a change is in
    progress, an old voter may be a non-voter to come.
    """
    for roles in product(range(6), repeat=servers):
        groups = [frozenset(at for at, role in enumerate(roles) if role in of) for of in PARTS]
        if groups[0] and (groups[1] or 5 not in roles):
            yield v.Config(*groups)


PARTS: Final = ((1, 2, 5), (2, 3), (4, 5))
"""Voters, new voters, non-voters, of those who are 1: old, 2: both, 3: new, 4: non-voters, 5: old
and non-voters to come.
"""


def comes_next(old: v.Config, new: v.Config) -> bool:
    """§6: C, then C_old,new, then C_new; who has no vote may change at any time but in between."""
    if old.is_joint:
        return new == v.Config(old.new_voters, frozenset(), old.non_voters)
    return new.voters == old.voters and not (new.new_voters or new.voters) & new.non_voters


def change(rule: Rule, now: v.Config, wanted: v.Config) -> tuple[str | None, bool]:
    """What is wrong with the configurations that one proposal leads to, and if it was accepted."""
    log = v.new_log(v.Position(1, 1), now, (v.Entry(2, v.TERM),))
    node = v.Node(SELF, v.Leader((), 2), 2, SELF, log, 1)
    node = node._replace(role=v.Leader(tuple(v.Progress(peer, 2) for peer in node.peers), 2))
    turn = take(Member(node, NOTHING, Disk(2, SELF, log)), v.ProposeConfig(wanted), rule)
    if isinstance(turn.outcome, v.Refused):
        if not now.is_joint and comes_next(now, wanted):
            return f"from {now} to {wanted} is refused", False
        return None, False
    before = turn.before.node
    for after in followed_up(turn, rule):
        if after.config != before.config and not comes_next(before.config, after.config):
            return f"from {before.config} to {after.config}", True
        before = after
    if before.config.is_joint:
        return f"{before.config} is committed, and stays", True
    return None, True


def followed_up(turn: Turn, rule: Rule) -> Iterator[v.Node]:
    """The leader after its proposal, and as long as it leads after whatever its peers report."""
    member = turn.after
    yield member.node
    while isinstance(member.node.role, v.Leader):
        before = member
        member = execute(member, rule=rule).after
        yield member.node
        for peer in member.node.peers:
            node = member.node
            reply = v.AppendEntriesReply(
                peer, node.current_term, node.seqno + 1, node.log.last_position
            )
            member = take(member, v.Receive(reply), rule).after
            yield member.node
        if member.node.log is before.node.log:
            return
