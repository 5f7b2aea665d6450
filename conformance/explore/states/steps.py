"""What may happen next to one server, within the bounds.

An outcome is a whole step of the search: a server takes an event and executes what it owes, up to
the end or up to a crash from which it comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from conformance.explore.states.bounds import FREE, Bounds, Cost
from spec import values as v
from spec.cluster import Member, Rule, Snapshot, Turn, come_back, crash, event_of, execute, take
from spec.pending import NOTHING


class Outcome(NamedTuple):
    """The turns of one server that are one step, and what they take from the budgets."""

    turns: tuple[Turn, ...]
    cost: Cost

    @property
    def after(self) -> Member:
        return self.turns[-1].after


def inputs(member: Member, bounds: Bounds) -> Iterator[tuple[v.Event, Cost]]:
    """The events that the user or a timer may hand a server.

    An event that the server refuses, or that changes nothing, is left out: `probes` has those.
    """
    node = member.node
    if node.id == 0 and node.log.last_position == v.ZERO:
        yield v.CreateCluster(bounds.initial_voters), FREE
    if isinstance(node.role, v.Leader):
        yield v.ProposeCommand(), Cost(proposals=1)
        yield v.Heartbeat(), Cost(heartbeats=1)
        if bounds.changes:
            for config in changes(node, bounds.nodes):
                yield v.ProposeConfig(config), Cost(changes=1)
        if bounds.demotions and not node.config.is_joint:
            for config in demotions(node.config):
                yield v.ProposeConfig(config), Cost(changes=1, demotions=1)
        yield from _handing_over(node, node.role.transfer, bounds)
    else:
        yield v.ElectionTimeout(), FREE
        if bounds.transfers:
            yield v.TimeoutNow(node.current_term), Cost(campaigns=1)
    if bounds.snapshots:
        for index in range(node.log.snapshot_position.index + 1, node.commit_index + 1):
            if not member.pending.save_current_term:
                position = node.log.position(index)
                event = v.SnapshotInstalled(position, node.log.config_at(index))
                yield event, Cost(snapshots=1)


def _handing_over(
    node: v.Node, target: v.NodeId | None, bounds: Bounds
) -> Iterator[tuple[v.Event, Cost]]:
    if bounds.step_downs:
        yield v.StepDown(), Cost(step_downs=1)
    if bounds.transfers:
        for other in node.config.electors - {node.id, target}:
            yield v.TransferLeadership(other), Cost(transfers=1)
    if target is not None:
        yield v.CancelTransfer(), FREE


def changes(node: v.Node, nodes: int) -> Iterator[v.Config]:
    """The next configurations: one server joins or leaves, with a vote or without (§6)."""
    config = node.config
    if config.is_joint:
        return
    voters, non_voters = config.voters, config.non_voters
    for other in range(nodes):
        one = frozenset({other})
        if other in voters:
            if len(voters) > 1:
                yield v.Config(voters, voters - one, non_voters)
        elif other in non_voters:
            yield v.Config(voters, voters | one, non_voters - one)
            yield v.Config(voters, frozenset(), non_voters - one)
        else:
            yield v.Config(voters, voters | one, non_voters)
            yield v.Config(voters, frozenset(), non_voters | one)


def demotions(config: v.Config) -> Iterator[v.Config]:
    """The next configurations in which one voter loses its vote and stays."""
    voters, non_voters = config.voters, config.non_voters
    if len(voters) > 1:
        for one in sorted(voters):
            yield v.Config(voters, voters - {one}, non_voters | {one})


def probes(node: v.Node, bounds: Bounds) -> tuple[v.Event, ...]:
    """Events that are no steps here, for they are refused or change little.

    A refusal has to leave all as it was; so each is tried on every state of a server, too.
    """
    events = _probes(node)
    return (*events, *_refused_in_transfer(node)) if bounds.transfers else events


def _probes(node: v.Node) -> tuple[v.Event, ...]:
    log, own = node.log, frozenset({node.id})
    anyone = v.CreateCluster(own), v.SnapshotInstalled(log.last_position, log.config)
    if isinstance(node.role, v.Leader):
        voter_and_non_voter = v.Config(node.config.voters, own, own)
        return (*anyone, v.ElectionTimeout(), v.ProposeConfig(voter_and_non_voter))
    return (*anyone, v.ProposeCommand(), v.Heartbeat())


def _refused_in_transfer(node: v.Node) -> tuple[v.Event, ...]:
    if not isinstance(node.role, v.Leader):
        late = v.TimeoutNow(node.current_term + 1)
        return v.StepDown(), v.TransferLeadership(node.id), v.CancelTransfer(), late
    here = v.TransferLeadership(node.id), v.TimeoutNow(node.current_term)
    return here if node.role.transfer is None else (*here, v.ProposeCommand())


def deliveries(
    content: v.Message | Snapshot, bounds: Bounds
) -> Iterator[tuple[int | None, v.Event, Cost]]:
    """What may arrive of a content: all of it, or a call with the first so many entries."""
    yield None, event_of(content), FREE
    if bounds.shortened and isinstance(content, v.AppendEntriesCall):
        for keep in range(len(content.entries)):
            yield keep, event_of(content, keep), Cost(shortened=1)


def of_event(
    member: Member, event: v.Event, cost: Cost, bounds: Bounds, rule: Rule
) -> Iterator[Outcome]:
    """What may become of an event: drained at once, not yet, or up to a crash."""
    taken = take(member, event, rule)
    if bounds.held and taken.after.pending != NOTHING:
        yield Outcome((taken,), cost._replace(held=cost.held + 1))
    yield from of_drain(taken.after, cost, bounds, rule, (taken,))


def of_drain(
    member: Member, cost: Cost, bounds: Bounds, rule: Rule, before: tuple[Turn, ...] = ()
) -> Iterator[Outcome]:
    drained = execute(member, rule=rule)
    yield Outcome((*before, drained), cost)
    if not bounds.crashes:
        return
    for executed in range(len(drained.owed or ())):
        crashed = execute(member, executed, rule)
        back = come_back(crashed.after, rule)
        turns = (*before, crashed, back, execute(back.after, rule=rule))
        yield Outcome(turns, cost._replace(crashes=cost.crashes + 1))


def of_crash(member: Member, rule: Rule) -> Outcome:
    """A server crashes with nothing owed, or before any of it, and comes back."""
    crashed = crash(member)
    back = come_back(crashed.after, rule)
    return Outcome((crashed, back, execute(back.after, rule=rule)), Cost(crashes=1))


def of_inputs(member: Member, bounds: Bounds, rule: Rule) -> Iterator[Outcome]:
    """Every step that begins with the server itself.  One that changes nothing is none."""
    for event, cost in inputs(member, bounds):
        for outcome in of_event(member, event, cost, bounds, rule):
            if outcome.after != member or any(turn.executed for turn in outcome.turns):
                yield outcome
    if member.pending != NOTHING:
        yield from of_drain(member, FREE, bounds, rule)
    if bounds.crashes and (outcome := of_crash(member, rule)).after != member:
        yield outcome


def exceeded(outcome: Outcome, bounds: Bounds) -> list[str]:
    """The bounds that the server leaves on the way, even if a crash takes it back."""
    nodes = [turn.after.node for turn in outcome.turns]
    beyond = []
    if any(node.current_term > bounds.terms for node in nodes):
        beyond.append("terms")
    if any(node.log.last_index > bounds.log for node in nodes):
        beyond.append("log")
    return beyond
