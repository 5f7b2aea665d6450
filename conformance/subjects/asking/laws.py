"""What holds of every value, whoever made it: equality, hashes, copies, and what it is shown as.

A node compares configurations and positions, its user compares messages and logs, and keeps
configurations in sets.  So values that are told apart by one part alone have to differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from typing import Any, Final

from conformance.subjects.asking.questions import LibraryNode, Question, Translate
from spec import values as v

Varied = tuple[Any, tuple[Any, ...]]
"""A value of the specification, and others that differ from it in one part each."""


def _config(node: v.Node) -> Varied:
    """With names that collide in a small table: a set of them keeps the order of its making."""
    here, more = node.config, node.id + 1
    groups = [
        frozenset(group) | {name + 8 for name in group}
        for group in (here.voters, here.new_voters, here.non_voters)
    ]
    others = []
    for place in range(3):
        for name in (more, min(here.members, default=more)):
            changed = [group ^ {name} if at == place else group for at, group in enumerate(groups)]
            others.append(v.Config(*changed))
    return v.Config(*groups), tuple(others)


def _position(node: v.Node) -> Varied:
    here = node.log.last_position
    far = here._replace(term=2**64 - 1 - here.term)  # with the highest of 64 bits
    return here, (here._replace(term=here.term + 1), here._replace(index=here.index + 1), far)


def _limits(node: v.Node) -> Varied:
    here = node.limits
    calls = None if here.uncommitted is not None else 7
    return here, (
        here._replace(entries=here.entries + 1),
        here._replace(calls=here.calls + 1),
        here._replace(ask_again=here.ask_again + 1),
        here._replace(uncommitted=calls),
    )


def _log(node: v.Node) -> Varied:
    here = node.log
    last, voters = here.last_position, here.snapshot_config.voters ^ {node.id}
    return here, (
        here.appended((v.Entry(last.term, v.COMMAND),)),
        here.appended((v.Entry(last.term + 1, v.TERM),)),
        here.appended((v.Entry(last.term, node.config),)),
        v.new_log(here.snapshot_position, v.Config(voters), here.entries),
    )


Message = Callable[..., v.Message]


def _message(kind: Message, *parts: Callable[[v.Node], tuple[Any, Any]]) -> Callable[..., Varied]:
    """`parts`: of the message, after its header, each with another one."""

    def varied(node: v.Node) -> Varied:
        given: list[tuple[Any, Any]] = [(node.id, node.id + 1)]
        given += [(node.current_term, node.current_term + 1), (1, 2)]
        given += [part(node) for part in parts]
        here = [part for part, _ in given]
        others = [
            kind(*[other if at == place else part for at, (part, other) in enumerate(given)])
            for place in range(len(given))
        ]
        return kind(*here), tuple(others)

    return varied


def _of_positions(node: v.Node) -> tuple[v.Position, v.Position]:
    last = node.log.last_position
    return last, last._replace(index=last.index + 1)


def _of_entries(node: v.Node) -> tuple[v.Entries, v.Entries]:
    here = (v.Entry(node.log.last_position.term, v.COMMAND),)
    return here, here + here


def _of_truth(node: v.Node) -> tuple[bool, bool]:
    return False, True


def _of_commits(node: v.Node) -> tuple[v.Index, v.Index]:
    return node.commit_index, node.commit_index + 1


def _library_config(to: Translate, config: v.Config, again: bool) -> Any:
    groups = config.voters, config.new_voters, config.non_voters
    return to.library.ClusterConfig(*[sorted(group, reverse=again) for group in groups])


KINDS: Final[dict[str, tuple[Callable[[v.Node], Varied], Callable[..., Any]]]] = {
    "ClusterConfig": (_config, _library_config),
    "LogPosition": (_position, lambda to, at, _: to.library.LogPosition(at.term, at.index)),
    "Limits": (_limits, lambda to, limits, _: to.library.Limits(*limits)),
    "Log": (_log, lambda to, log, _: to.new_log(log)),
    **{
        kind.__name__: (varied, lambda to, message, _: to.new_message(message))
        for kind, varied in (
            (v.RequestVoteCall, _message(v.RequestVoteCall, _of_positions, _of_truth)),
            (v.RequestVoteReply, _message(v.RequestVoteReply, _of_truth)),
            (v.AppendEntriesReply, _message(v.AppendEntriesReply, _of_positions, _of_truth)),
            (
                v.AppendEntriesCall,
                _message(v.AppendEntriesCall, _of_commits, _of_positions, _of_entries),
            ),
        )
    },
}


def _broken(to: Translate, node: LibraryNode, asked: tuple[str, Varied]) -> object:
    name, (value, others) = asked
    make = KINDS[name][1]
    one, same = make(to, value, False), make(to, value, True)
    differ = [make(to, other, False) for other in others]
    return tuple(_laws_broken(one, same, differ, vars(to.library)))


def _are_equal(one: Any, other: Any) -> bool:
    equal, unequal = one == other, one != other
    return equal is True and unequal is False


def _differ(one: Any, other: Any) -> bool:
    equal, unequal = one == other, one != other
    return equal is False and unequal is True


def _hash(value: Any) -> int | None:
    """None for what holds something that can be changed."""
    try:
        return hash(value)
    except TypeError:
        return None


def _laws_broken(one: Any, same: Any, others: list[Any], names: dict[str, Any]) -> Iterator[str]:
    if not _are_equal(one, same):
        yield f"{one!r} is not equal to itself, made once more"
    elif _hash(one) != _hash(same):
        yield f"{one!r} has another hash, made once more"
    for other in others:
        if not _differ(one, other):
            yield f"{one!r} is equal to {other!r}"
    for copied in (copy(one), deepcopy(one)):
        if not _are_equal(copied, one):
            yield f"{one!r} is not equal to its copy"
    shown = eval(repr(one), dict(names))
    if not _are_equal(shown, one):
        yield f"{one!r} is shown as {shown!r} is"


LAWS: Final = Question(
    "types.Value",
    tuple(KINDS),
    lambda node, kind: (kind, KINDS[kind][0](node)),
    lambda node, _: (),
    _broken,
)
