"""Convergence: once all faults are over, a cluster has one leader, one log and nothing unfinished.

At the end of an episode all heals.  What was under way is lost, which the network may do, and is
harder than that it arrives: whatever a leader counts on has to be made up for.  Servers that are
down come back, everybody executes what it owes, and from then on every message arrives.  Then come
rounds of what a driver has to do: whoever leads sends a heartbeat, and ends a handover; where
nobody leads, a server campaigns.  All of this follows from the cluster's state alone, so that it is
done alike after any schedule, however much of it was left out.

No message that a schedule made up can be in the way.  A forged one is refused, and leaves the node
as it was.  A call that a leader might have sent is true of its log, has the number of its latest
call, and is dealt with as any other: its reply tells of the receiver's log as it is.  One that
comes late is of an earlier term, and its answer says nothing of any call.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.observe.finding import Finding
from conformance.simulation.run import Run
from spec import cluster as c
from spec import values as v
from spec.pending import NOTHING
from spec.properties import Violation
from spec.rules.membership import may_campaign

CONVERGENCE: Final = "Convergence"

ROUNDS: Final = 16
"""Rounds within which a cluster converges: of 4,000 episodes 78 in 100 took two at the most, 99 in
100 four, and none more than eight.  Those with most are elections: who is asked to campaign first
may be unable to win, and another one's turn comes after three rounds.
"""

ASKS_AGAIN: Final = 3
"""The largest `ask_again` with which a leader itself asks for a lost snapshot again in time."""

MESSAGES: Final = 4_000
"""What one round may deliver before it counts as one that does not end."""


def heal(run: Run) -> Iterator[tuple[c.Cluster, c.Step, Finding | None]]:
    """Take the steps that heal: the cluster before each, and what is wrong with it.

    It ends with a finding.  That of the last step may be that the cluster has not converged.
    """
    taken: tuple[c.Cluster, c.Step] | None = None
    for step in _steps(run):
        if taken is not None:
            yield *taken, None
        taken = run.cluster, step
        finding = run.take(step)
        if finding is not None:
            yield *taken, finding
            return
    if taken is not None:
        yield *taken, lacking(run.cluster)


def healed(run: Run) -> Finding | None:
    """Heal a cluster up to the first finding."""
    return next((finding for _, _, finding in heal(run) if finding is not None), None)


def lacking(cluster: c.Cluster) -> Violation | None:
    """What a healed cluster lacks of having converged.

    Nothing is asked of one that nobody created, or whose members are not all in it, for who is not
    there cannot follow.  Nor of who is no member of the leader's configuration.
    """
    if not _can_converge(cluster):
        return None
    if cluster.network:
        return _violation(None, "messages go on without end")
    leaders = [member.node for member in cluster.members if isinstance(member.node.role, v.Leader)]
    if len(leaders) != 1:
        return _violation(None, f"{len(leaders)} servers lead")
    return _lacking_at_leader(leaders[0]) or next(
        (
            _violation(peer, f"{what}, and {leaders[0].id} leads")
            for peer in leaders[0].peers
            if (what := _lacking_at(cluster.members[peer].node, leaders[0]))
        ),
        None,
    )


def _violation(node: v.NodeId | None, what: str) -> Violation:
    return Violation(CONVERGENCE, node, f"after {ROUNDS} rounds without faults {what}")


def _can_converge(cluster: c.Cluster) -> bool:
    nodes = [member.node for member in cluster.members]
    there = frozenset(range(len(nodes)))
    return any(node.log.last_index for node in nodes) and all(
        node.config.members <= there for node in nodes
    )


def _lacking_at_leader(node: v.Node) -> Violation | None:
    assert isinstance(node.role, v.Leader)
    last = node.log.last_index
    if node.config.is_joint:
        return _violation(node.id, "its configuration is joint")
    if node.commit_index != last:
        return _violation(node.id, f"it has committed {node.commit_index} of {last} entries")
    if node.role.transfer is not None:
        return _violation(node.id, f"it hands over to {node.role.transfer}")
    for peer in node.role.peers:
        if peer.match != last or peer.next is not None or peer.probing:
            return _violation(node.id, f"it takes {peer} for behind, of {last} entries")
    return None


def _lacking_at(node: v.Node, leader: v.Node) -> str | None:
    """What a peer of the leader lacks."""
    if (node.current_term, node.leader) != (leader.current_term, leader.id):
        return f"it follows {node.leader} in term {node.current_term}"
    if node.log.last_position != leader.log.last_position:
        return f"its log ends at {node.log.last_position}"
    if node.commit_index != leader.commit_index:
        return f"it knows {node.commit_index} entries to be committed"
    return None


# The steps.  Each follows from the cluster as it is when the step is asked for.


def _steps(run: Run) -> Iterator[c.Step]:
    yield from [c.Lose(0)] * len(run.cluster.network)
    for node, member in enumerate(run.cluster.members):
        if not member.up:
            yield c.Comeback(node)
        yield c.Drain(node)
    yield from _compacted(run)
    yield from _delivered(run, snapshots=False)
    if not _can_converge(run.cluster):
        return
    for done in range(ROUNDS):
        if run.cluster.network or lacking(run.cluster) is None:
            return
        yield from _round(run, done)


def _compacted(run: Run) -> Iterator[c.Step]:
    """Half of the leaders compact their logs, so that who is behind needs a snapshot.

    The first transfer of one breaks off, so that it takes a second.
    """
    for member in run.cluster.members:
        node = member.node
        compacts = node.commit_index % 2 and node.commit_index > node.log.snapshot_position.index
        if isinstance(node.role, v.Leader) and compacts:
            position = node.log.position(node.commit_index)
            config = node.log.config_at(position.index)
            yield c.Input(node.id, v.SnapshotInstalled(position, config))
            yield c.Input(node.id, v.Heartbeat())
            yield c.Drain(node.id)


def _round(run: Run, done: int) -> Iterator[c.Step]:
    """What the driver does, and all that follows; `done` rounds were before."""
    leaders = [one.node for one in run.cluster.members if isinstance(one.node.role, v.Leader)]
    for node in leaders:
        assert isinstance(node.role, v.Leader)
        if node.role.transfer is not None:
            yield c.Input(node.id, v.CancelTransfer())
        yield c.Input(node.id, v.Heartbeat())
        yield c.Drain(node.id)
        if node.limits.ask_again > ASKS_AGAIN and done > 1:
            yield from _sent_again(run, node)
    if not leaders:
        electors = sorted(
            (one.node for one in run.cluster.members if may_campaign(one.node)),
            key=lambda node: (node.log.last_position, -node.id),
            reverse=True,
        )
        if electors:  # who can win; but it may have to learn of the latest term first
            node = electors[done // 3 % len(electors)]
            yield c.Input(node.id, v.ElectionTimeout())
            yield c.Drain(node.id)
    yield from _delivered(run)


def _delivered(run: Run, snapshots: bool = True) -> Iterator[c.Step]:
    """All that is under way, and all that comes of it; snapshots are lost, if told."""
    for _ in range(MESSAGES):
        if not run.cluster.network:
            return
        to, content = run.cluster.network[0]
        absent = to >= len(run.cluster.members)
        if absent or (isinstance(content, c.Snapshot) and not snapshots):
            yield c.Lose(0)
            continue
        yield c.Deliver(0)
        if run.cluster.members[to].pending != NOTHING:
            yield c.Drain(to)


def _sent_again(run: Run, node: v.Node) -> Iterator[c.Step]:
    """The user transfers a snapshot again that was lost: the leader would not ask for it soon."""
    position, config = node.log.snapshot_position, node.log.snapshot_config
    for peer in node.peers:
        theirs = run.cluster.members[peer].node
        if theirs.commit_index < position.index and not theirs.log.contains(position):
            yield c.Input(peer, v.SnapshotInstalled(position, config))
