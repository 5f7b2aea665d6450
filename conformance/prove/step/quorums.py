"""Quorums overlap, and membership only ever moves between configurations whose quorums do (§6).

    membership/overlap      any two quorums of a configuration have a server in common, and one of
                            C_old,new has one in common with any of C_old, and with any of C_new;
                            those of C_old and C_new alone need not, which is why there is a
                            C_old,new
    membership/counting/..  `quorum_index` is the largest index that a quorum holds, `confirmed` the
                            largest number that a quorum has answered
    membership/changes      what a leader's rules put in force comes next after what was

The first is exhaustive for all configurations over a few servers, the second holds for all indices.
The third says of all configurations over a few servers what ConfigChangeThroughJoint says of the
shapes of `conformance.prove.step.server_invariants`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product
from types import ModuleType
from typing import Any, Final

from conformance.prove.runner.obligation import Counterexample, Level, Obligation, Result, Subjects
from conformance.prove.step.counterexample import plain
from conformance.prove.step.family import LARGE, LEADING, name_of
from conformance.prove.step.shapes import SELF, config
from conformance.symbolic.paths import BudgetError, Paths, RepeatError
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, execute, rules_of, take
from spec.pending import NOTHING

Nodes = frozenset[v.NodeId]
SERVERS: Final = 5
"""Over how many servers all quorums of all configurations are tried."""
CHANGED: Final[dict[Level, int]] = {"quick": 3, "full": 4, "deep": 4}
"""Over how many servers every change is tried."""
PATHS: Final = 200_000
QUESTIONS: Final = 20_000_000


def obligations(level: Level) -> list[Obligation]:
    """All that is to be proved, in a fixed order."""
    counted = [*LEADING, *LARGE, config("012", "013"), config("012", "123"), config("012", "345")]
    return [
        Obligation("membership/overlap", {"servers": SERVERS}, Overlap(SERVERS).prove),
        *[
            Obligation(
                f"membership/counting/{name_of(one)}",
                {"voters": len(one.electors)},
                Counting(one).prove,
            )
            for one in counted
        ],
        *[
            Obligation(
                f"membership/answers counted/{name_of(one)}",
                {"voters": len(one.electors)},
                Counting(one, answers=True).prove,
            )
            for one in counted
        ],
        Obligation(
            "membership/changes", {"servers": CHANGED[level]}, Changes(CHANGED[level]).prove
        ),
    ]


# Overlap


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of two quorums one is the smallest that it contains: so the minimal ones are enough.

    For that a superset of a quorum has to be a quorum, which is tried as well.
    """

    servers: int

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        is_quorum = rules_of(subjects.rule).has_quorum
        groups = [one for one in subsets(self.servers) if one]
        for old, new in product(groups, repeat=2):
            wrong = overlap(is_quorum, self.servers, old, new)
            result.paths += 1
            if wrong is not None:
                result.result, result.detail = "refuted", wrong
                break
        else:
            if disjoint(is_quorum, self.servers, groups) is None:
                result.result = "unknown"
                result.detail = "all quorums of all configurations overlap: nothing was at stake"
        result.live = result.paths
        return result


IsQuorum = Callable[[v.Config, Nodes], bool]


def subsets(servers: int) -> list[Nodes]:
    everyone = range(servers)
    return [frozenset(one) for size in range(servers + 1) for one in combinations(everyone, size)]


def quorums(is_quorum: IsQuorum, servers: int, of: v.Config) -> list[Nodes]:
    return [nodes for nodes in subsets(servers) if is_quorum(of, nodes)]


def minimal(sets: list[Nodes]) -> list[Nodes]:
    return [one for one in sets if not any(other < one for other in sets)]


def overlap(is_quorum: IsQuorum, servers: int, old: Nodes, new: Nodes) -> str | None:
    """What is wrong with the quorums of C_old, of C_old,new, and of the two together."""
    joint = v.Config(old, new)
    of_joint = quorums(is_quorum, servers, joint)
    if not of_joint or frozenset(range(servers)) not in of_joint:
        return f"all servers are no quorum of {joint}"
    for one in of_joint:
        if any(one | {more} not in of_joint for more in range(servers)):
            return f"{sorted(one)} is a quorum of {joint}, and with one more it is none"
    for other in (joint, v.Config(old), v.Config(new)):
        for one, two in product(minimal(of_joint), minimal(quorums(is_quorum, servers, other))):
            if not one & two:
                return f"{sorted(one)} of {joint} and {sorted(two)} of {other} are disjoint"
    for one, two in combinations(minimal(quorums(is_quorum, servers, v.Config(old))), 2):
        if not one & two:
            return f"{sorted(one)} and {sorted(two)} of voters {sorted(old)} are disjoint"
    return None


def disjoint(
    is_quorum: IsQuorum, servers: int, groups: list[Nodes]
) -> tuple[v.Config, Nodes, v.Config, Nodes] | None:
    """A witness: C_old and C_new with a common server, and a quorum of each without one."""
    for old, new in product(groups, repeat=2):
        if not old & new:
            continue
        for one in quorums(is_quorum, servers, v.Config(old)):
            for two in quorums(is_quorum, servers, v.Config(new)):
                if not one & two:
                    return v.Config(old), one, v.Config(new), two
    return None


# Counting


@dataclass(frozen=True, slots=True)
class Counting:
    """A leader in a configuration that knows of every member how much that holds: any numbers.  Or
    what call it has answered.
    """

    config: v.Config
    answers: bool = False

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        module = rules_of(subjects.rule)
        paths = Paths(limit=PATHS, questions=QUESTIONS)
        node = a_leader(paths, self.config, self.answers)

        def wrong() -> str | None:
            return miscounted(module, node, self.answers)

        try:
            for path in paths.run(wrong):
                result.paths += 1
                said = path.result if path.raised is None else f"it raises {path.raised!r}"
                if said is not None:
                    result.result, result.detail = "refuted", said
                    shown = plain(node, path.model)
                    before = Member(shown, NOTHING, Disk())
                    again = miscounted(module, shown, self.answers)
                    replays = path.raised is not None or again is not None
                    result.found = Counterexample(said, Turn(before, before), replays=replays)
                    break
        except (BudgetError, RepeatError) as error:
            result.result, result.detail = "unknown", str(error)
        result.live, result.queries = result.paths, paths.queries
        return result


def a_leader(paths: Paths, of: v.Config, answers: bool = False) -> v.Node:
    """Whoever the leader is, with any progress of its peers, or any answers of theirs."""
    held: dict[v.NodeId, Any] = {}
    for one in sorted(of.members | {SELF}):
        held[one] = paths.number(f"what {one} {'answered' if answers else 'holds'}")
        paths.at_most(0, held[one])
    log = v.new_log(snapshot_config=of)
    others = [(one, number) for one, number in held.items() if one != SELF]
    if answers:
        peers = tuple([v.Progress(one, answered=number) for one, number in others])
        return v.Node(SELF, v.Leader(peers), log=log, seqno=held[SELF])
    peers = tuple([v.Progress(one, index) for one, index in others])
    return v.Node(SELF, v.Leader(peers, held[SELF]), log=log)


def miscounted(module: ModuleType, node: v.Node, answers: bool) -> str | None:
    """What a leader counts a quorum has to have reached, and nothing higher may be: what is held,
    or answered.  Of its own calls a leader answers the next one.
    """
    assert isinstance(node.role, v.Leader)
    peers = node.role.peers
    if answers:
        counted, own = module.confirmed(node), node.seqno + 1
        reached = [(SELF, own), *[(peer.node, peer.answered) for peer in peers]]
    else:
        counted, own = module.quorum_index(node), node.role.durable
        reached = [(SELF, own), *[(peer.node, peer.match) for peer in peers]]

    def there(number: int) -> Nodes:
        return frozenset([one for one, known in reached if known >= number])

    if not module.has_quorum(node.config, there(counted)):
        return f"what is counted no quorum of {node.config} has reached"
    if module.has_quorum(node.config, there(counted + 1)):
        return f"a quorum of {node.config} has reached more than is counted"
    return None


# Changes


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
