"""The ways in which a user takes what a node owes: by all of them it is to be the same.

Between two actions a user may also ask for what is refused, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from types import ModuleType
from typing import Any, Final, TypeAlias

LibraryNode: TypeAlias = Any
"""A `raftbare.Node`, or one of a patched copy's."""

Way: TypeAlias = Callable[[Any, LibraryNode], Iterator[Any]]
"""The actions of a node of that library, each executed when the next one is asked for."""


class NotRefusedError(Exception):
    """A node took what it has to refuse."""


def by_loop(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    yield from node.actions


def by_next(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    nothing = object()
    while (action := next(node.actions, nothing)) is not nothing:
        yield action


def while_there_are_any(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    while node.actions:
        yield next(node.actions)


def asked_twice(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    """Whether there is one more changes nothing where there is."""
    actions = node.actions
    while actions and node.actions:
        yield next(actions)


def left_and_resumed(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    """A loop that is left after one action, the next one after two, and so on."""
    for most in count(1):
        for taken, action in enumerate(node.actions, 1):
            yield action
            if taken == most:
                break
        else:
            return


def with_refusals(library: ModuleType, node: LibraryNode) -> Iterator[Any]:
    """After some of the actions a thing is asked for that is refused."""
    for number, action in enumerate(node.actions, node.current_term):
        yield action
        if number % 2:
            continue
        calls = refused_by(library, node)
        call = calls[number // 2 % len(calls)]
        try:
            call()
        except library.RaftError:
            continue
        raise NotRefusedError(f"node {node.id}, a {node.role.value}, took what it has to refuse")


WAYS: Final[tuple[Way, ...]] = (
    by_loop,
    while_there_are_any,
    left_and_resumed,
    by_next,
    with_refusals,
    asked_twice,
)


def refused_by(library: Any, node: LibraryNode) -> list[Callable[[], object]]:
    """What the node has to refuse, whatever it owes."""
    nobody, last = library.ClusterConfig(), node.log.last_position
    later = library.LogPosition(node.current_term + 1, last.index)
    snapshots: list[Callable[[], object]] = [
        lambda: node.handle_snapshot_installed(later, node.config)
    ]
    if last.index:
        snapshots.append(lambda: node.create_cluster([node.id]))
    if node.role is library.Role.LEADER:
        return [
            *snapshots,
            lambda: node.transfer_leadership(node.id),
            lambda: node.propose_config(nobody),
        ]
    return [
        *snapshots,
        node.propose_command,
        node.heartbeat,
        node.step_down,
        node.cancel_transfer,
        lambda: node.propose_config(node.config),
        lambda: node.transfer_leadership(node.id + 1),
        node.read_index,
    ]
