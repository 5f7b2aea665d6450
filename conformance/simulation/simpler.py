"""Simpler choices in place of others, and how simple a schedule is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from conformance.simulation.choices import Choice, Compact, Pick
from spec import cluster as c
from spec import values as v

Names = Mapping[v.NodeId, v.NodeId | None]
"""What each node is named now; None: it is there no more."""


def weight(choices: Iterable[Choice]) -> int:
    """How large the values in a schedule are: of two of one length the lighter one is simpler."""
    return sum(map(_weight, choices))


def _weight(choice: Choice) -> int:
    match choice:
        case Pick(then, _, _, _, nth, keep):
            return nth + (then is c.Duplicate) + (0 if keep is None else 1 + keep)
        case Compact(_, index):
            return index
        case c.Drain(_, crash_after) if crash_after is not None:
            return 1 + crash_after
        case c.Input(_, event):
            return _weight_of_event(event)
    return 0


def _weight_of_event(event: v.Event) -> int:
    match event:
        case v.CreateCluster(voters):
            return len(voters)
        case v.ProposeConfig(config):
            return sum(map(len, _groups(config)))
        case v.TimeoutNow(term):
            return term
        case v.Restart(limits=limits):
            return sum(one != other for one, other in zip(limits, v.LIMITS, strict=True))
        case v.Receive(v.AppendEntriesCall() as call):
            prev = call.prev_position
            numbers = call.term, call.seqno, call.commit_index, prev.term, prev.index
            return sum(numbers) + len(call.entries)
    return 0


def _groups(config: v.Config) -> tuple[frozenset[v.NodeId], ...]:
    return config.voters, config.new_voters, config.non_voters


def simpler(choice: Choice) -> Iterator[Choice]:
    """The choice with a smaller value in it, the simplest first."""
    match choice:
        case Pick():
            if choice.keep is not None:
                yield replace(choice, keep=None)
            if choice.nth:
                yield replace(choice, nth=0, like=None)
        case Compact(node, index):
            for lower in range(1, index):
                yield Compact(node, lower)
        case c.Drain(node, crash_after) if crash_after is not None:
            yield c.Drain(node)
            for fewer in range(crash_after):
                yield c.Drain(node, fewer)
        case c.Input(node, event):
            for smaller in _smaller(event):
                yield c.Input(node, smaller)


def _smaller(event: v.Event) -> Iterator[v.Event]:
    match event:
        case v.CreateCluster(voters):
            for node in sorted(voters):
                yield v.CreateCluster(voters - {node})
        case v.ProposeConfig(config):
            groups = _groups(config)
            for at, group in enumerate(groups):
                for node in sorted(group):
                    less = [*groups[:at], group - {node}, *groups[at + 1 :]]
                    yield v.ProposeConfig(v.Config(*less))
        case v.TimeoutNow(term) if term:
            yield v.TimeoutNow(term - 1)
        case v.Restart(limits=limits):
            for name in v.Limits._fields:
                usual = limits._replace(**{name: getattr(v.LIMITS, name)})
                if usual != limits:
                    yield replace(event, limits=usual)
        case v.Receive(v.AppendEntriesCall() as call):
            for name in ("term", "seqno", "commit_index"):
                if getattr(call, name):
                    yield v.Receive(replace(call, **{name: getattr(call, name) - 1}))
            for fewer in range(len(call.entries)):
                yield v.Receive(replace(call, entries=call.entries[:fewer]))


def node_of(choice: Choice) -> v.NodeId:
    """Whose turn it is."""
    if isinstance(choice, Pick):
        return choice.to
    assert not isinstance(choice, (c.Deliver, c.Lose, c.Duplicate)), "it was to be a Pick"
    return choice.node


def otherwise(choices: list[Choice], place: int, size: int) -> Iterator[list[Choice]]:
    """Schedules that do something else at a place, which may make other steps superfluous.

    Another node gets what was sent to several, or fewer entries of it arrive; a node campaigns
    where it did something else; another one does in its place, and the two change parts from there.
    """
    before, choice, after = choices[:place], choices[place], choices[place + 1 :]
    if isinstance(choice, Pick):
        for to in range(size):
            if to not in (choice.to, choice.sender):
                yield [*before, replace(choice, to=to), *after]
        if isinstance(choice.like, v.AppendEntriesCall):
            for keep in range(len(choice.like.entries)):
                if keep != choice.keep:
                    yield [*before, replace(choice, keep=keep), *after]
    node = node_of(choice)
    timeout = c.Input(node, v.ElectionTimeout())
    if choice != timeout:
        yield [*before, timeout, *after]
        return
    for other in range(size):
        if other != node:
            same: dict[v.NodeId, v.NodeId | None] = {one: one for one in range(size)}
            yield before + renamed(choices[place:], {**same, node: other, other: node})


# Other names


def renamed(choices: Iterable[Choice], names: Names) -> list[Choice]:
    """The schedule of nodes with other names; what those do that are gone is left out."""
    found = [_renamed(choice, names) for choice in choices]
    return [choice for choice in found if choice is not None]


def _renamed(choice: Choice, names: Names) -> Choice | None:
    if isinstance(choice, Pick):
        to, sender = names[choice.to], names[choice.sender]
        if to is None or sender is None or to == sender:
            return None
        if (to, sender) == (choice.to, choice.sender):
            return choice
        return replace(choice, to=to, sender=sender, like=None)
    match choice:
        case c.Input(node, event):
            to, other = names[node], _renamed_event(event, names)
            return None if to is None or other is None else c.Input(to, other)
        case Compact(node) | c.Drain(node) | c.Crash(node) | c.Comeback(node):
            to = names[node]
            return None if to is None else replace(choice, node=to)
    raise AssertionError(f"{choice} was to be a Pick")


def _renamed_event(event: v.Event, names: Names) -> v.Event | None:
    match event:
        case v.CreateCluster(voters):
            return v.CreateCluster(_group(voters, names))
        case v.ProposeConfig(config):
            return v.ProposeConfig(_config(config, names))
        case v.SnapshotInstalled(position, config):
            return v.SnapshotInstalled(position, _config(config, names))
        case v.TransferLeadership(to):
            target = names.get(to)
            return None if target is None else v.TransferLeadership(target)
        case v.Receive(message):
            sender = names.get(message.sender)
            if sender is None:
                return None
            if isinstance(message, v.AppendEntriesCall):
                entries = tuple([_entry(entry, names) for entry in message.entries])
                return v.Receive(replace(message, sender=sender, entries=entries))
            return v.Receive(replace(message, sender=sender))
    return event


def _entry(entry: v.Entry, names: Names) -> v.Entry:
    if isinstance(entry.payload, v.Config):
        return entry._replace(payload=_config(entry.payload, names))
    return entry


def _config(config: v.Config, names: Names) -> v.Config:
    return v.Config(*[_group(group, names) for group in _groups(config)])


def _group(group: frozenset[v.NodeId], names: Names) -> frozenset[v.NodeId]:
    """A node that is not of the cluster keeps its name."""
    found = [names.get(node, node) for node in group]
    return frozenset([node for node in found if node is not None])
