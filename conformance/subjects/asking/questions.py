"""What a node may be asked, which changes nothing: how the specification answers, how the library.

What these answer follows from a node's state, but a subject's answer does not follow from what is
seen of it otherwise.  Each question has cases around the places where the answer turns: terms about
the current one, positions about the snapshot's, the committed, the last one.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, Final, NamedTuple, TypeAlias

from spec import quorums, rules
from spec import values as v

LibraryNode: TypeAlias = Any
"""A `raftbare.Node`, or one of a patched copy's."""

Translate: TypeAlias = Any
"""The `LibrarySubject` that hosts it."""

NOT_LEADER: Final = v.Refused("not_leader")
ABOUT: Final = (-1, 0, 1)


class Question(NamedTuple):
    """`name`: as the library has it.  `argument`: what the question is of in one of the `cases`."""

    name: str
    cases: tuple[Any, ...]
    argument: Callable[[v.Node, Any], Any]
    specified: Callable[[v.Node, Any], object]
    found: Callable[[Translate, LibraryNode, Any], object]


class Asked(NamedTuple):
    question: Question
    argument: Any


class Answer(NamedTuple):
    """`to`: what was asked of."""

    to: Any
    answer: object


# Positions

PLACES: Final[dict[str, Callable[[v.Node], v.Index]]] = {
    "snapshot": lambda node: node.log.snapshot_position.index,
    "committed": lambda node: node.commit_index,
    "last": lambda node: node.log.last_index,
    "configuration": lambda node: node.log.config_index,
    "former configuration": lambda node: node.log.latest_config(node.log.config_index - 1)[1],
}


def position_about(node: v.Node, case: tuple[str, int, int]) -> v.Position:
    place, further, later = case
    log, index = node.log, max(0, PLACES[place](node) + further)
    within = log.snapshot_position.index <= index <= log.last_index
    term = log.term(index) if within else node.current_term
    return v.Position(max(0, term + later), index)


POSITIONS: Final = (
    *product(("snapshot", "committed", "last"), ABOUT, ABOUT),
    *product(("configuration", "former configuration"), (0, 1), (0,)),
)


def library_position(to: Translate, position: v.Position) -> Any:
    return to.library.LogPosition(position.term, position.index)


class Misjudged(NamedTuple):
    """The rules answer otherwise than what the properties go by: no subject can agree."""

    by_rules: object
    by_properties: object


def _judged(by_rules: object, by_properties: object) -> object:
    """The same mistake in specification and library alike shows in no comparison of the two."""
    return by_rules if by_rules == by_properties else Misjudged(by_rules, by_properties)


# Reads


def _confirmed(node: v.Node) -> v.SeqNo:
    return rules.confirmed(node) if isinstance(node.role, v.Leader) else 0


def _read(node: v.Node, case: tuple[int, Callable[[v.Node], v.SeqNo], int]) -> v.ReadIndex:
    later, number, further = case
    seqno = max(0, number(node) + further)
    return v.ReadIndex(max(0, node.current_term + later), seqno, node.commit_index)


def _read_index(node: v.Node, _: None) -> object:
    if not isinstance(node.role, v.Leader):
        return NOT_LEADER
    return _judged(rules.read_index(node), quorums.read_taken_now(node))


def _library_read_index(to: Translate, node: LibraryNode, _: None) -> object:
    read = node.read_index()
    return None if read is None else v.ReadIndex(read.term, read.seqno, read.index)


def _is_confirmed(node: v.Node, read: v.ReadIndex) -> object:
    leads = isinstance(node.role, v.Leader) and node.current_term == read.term
    if not leads:
        return NOT_LEADER
    reached = bool(read.seqno <= quorums.confirmed_by_quorum(node))
    return _judged(bool(rules.is_confirmed(node, read)), reached)


# Votes


def _other(node: v.Node) -> v.NodeId:
    return node.id + 1


def _voted_for(node: v.Node) -> v.NodeId:
    return _other(node) if node.voted_for is None else node.voted_for


def _leader(node: v.Node) -> v.NodeId:
    return _other(node) if node.leader is None else node.leader


def _itself(node: v.Node) -> v.NodeId:
    return node.id


def _vote_call(node: v.Node, case: tuple[Any, ...]) -> v.RequestVoteCall:
    sender, later, last_term, last_index, transfer = case
    last = node.log.last_position
    position = v.Position(max(0, last.term + last_term), max(0, last.index + last_index))
    term = max(0, node.current_term + later)
    return v.RequestVoteCall(sender(node), term, 1, position, transfer)


def _library_pre_vote_call(to: Translate, node: LibraryNode, _: None) -> object:
    call = node.pre_vote_call()
    return None if call is None else to.message_to_spec(call)


# Members


def _some(node: v.Node, case: tuple[int, int, bool]) -> frozenset[v.NodeId]:
    """As many of the voters and of the new voters as half of them and so many, maybe non-voters."""
    old, new, more = case
    config = node.config
    voters, new_voters = sorted(config.voters), sorted(config.new_voters, reverse=True)
    named = [*voters[: len(voters) // 2 + old], *new_voters[: len(new_voters) // 2 + new]]
    return frozenset(named) | (config.non_voters if more else frozenset())


class Shown(NamedTuple):
    """What a leader shows of a peer; `state`: how it is brought what it lacks."""

    node: v.NodeId
    match: v.Index
    next: v.Index
    answered: v.SeqNo
    state: str


Changed: TypeAlias = tuple[frozenset[v.NodeId], frozenset[v.NodeId], frozenset[v.NodeId]]
"""Who is added, who is removed, who becomes a non-voter."""


def _changed(node: v.Node, case: tuple[bool, bool, bool]) -> Changed:
    """A non-voter or a node that is new, the first voter, the last one: or nobody."""
    added, removed, demoted = case
    config = node.config
    voters, others = sorted(config.voters), sorted(config.non_voters)
    return (
        frozenset([*others, _other(node)][:1] if added else ()),
        frozenset(voters[:1] if removed else ()),
        frozenset(voters[-1:] if demoted else ()),
    )


def _joint(node: v.Node, changed: Changed) -> v.Config | v.Refused:
    added, removed, demoted = changed
    config = node.config
    new_voters = (config.voters | added) - removed - demoted
    if not new_voters:
        return v.Refused("invalid_config")
    return v.Config(config.voters, new_voters, (config.non_voters | demoted) - new_voters)


def _library_joint(to: Translate, node: LibraryNode, changed: Changed) -> object:
    added, removed, demoted = [to.names(sorted(names)) for names in changed]
    joint = node.config.to_joint_consensus(adding=added, removing=removed, demoting=demoted)
    return v.Config(joint.voters, joint.new_voters, joint.non_voters)


def _progress(node: v.Node, _: None) -> object:
    if not isinstance(node.role, v.Leader):
        return ()
    following, snapshot = node.log.last_index + 1, node.log.snapshot_position.index
    shown: list[Shown] = []
    for peer in node.role.peers:
        first = following if peer.next is None else peer.next
        state = "probe" if peer.probing else "replicate"
        if first <= snapshot:
            state = "snapshot"
        shown.append(Shown(peer.node, peer.match, first, peer.answered, state))
    return tuple(shown)


def _library_progress(to: Translate, node: LibraryNode, _: None) -> object:
    return tuple(
        Shown(peer, one.match_index, one.next_index, one.answered, one.state.value)
        for peer, one in node.progress.items()
    )


def _transfer_target(node: v.Node, _: None) -> v.NodeId | None:
    return node.role.transfer if isinstance(node.role, v.Leader) else None


def _nothing(node: v.Node, _: None) -> None:
    return None


QUESTIONS: Final = (
    Question(
        "get_commit_status",
        POSITIONS,
        position_about,
        rules.commit_status,
        lambda to, node, at: node.get_commit_status(library_position(to, at)).value,
    ),
    Question(
        "get_change_status",
        POSITIONS,
        position_about,
        rules.change_status,
        lambda to, node, at: node.get_change_status(library_position(to, at)).value,
    ),
    Question("read_index", (None,), _nothing, _read_index, _library_read_index),
    Question(
        "is_confirmed",
        tuple(product(ABOUT, (_confirmed, lambda node: node.seqno), ABOUT)),
        _read,
        _is_confirmed,
        lambda to, node, read: node.is_confirmed(to.library.ReadIndex(*read)),
    ),
    Question(
        "pre_vote_call",
        (None,),
        _nothing,
        lambda node, _: rules.pre_vote_call(node),
        _library_pre_vote_call,
    ),
    Question(
        "would_vote",
        tuple(product((_other, _voted_for, _leader, _itself), ABOUT, ABOUT, ABOUT, (False,))),
        _vote_call,
        rules.would_vote,
        lambda to, node, call: node.would_vote(to.message_from_spec(call)),
    ),
    Question(
        "could_be_disruptive",
        tuple(product((_other, _leader, _itself), ABOUT, (0,), (0,), (False, True))),
        _vote_call,
        rules.could_be_disruptive,
        lambda to, node, call: node.could_be_disruptive(to.message_from_spec(call)),
    ),
    Question(
        "has_quorum",
        tuple(product((0, 1), (0, 1), (False, True))),
        _some,
        lambda node, nodes: _judged(
            rules.has_quorum(node.config, nodes), quorums.is_quorum(node.config, nodes)
        ),
        lambda to, node, nodes: node.config.has_quorum(nodes),
    ),
    Question(
        "to_joint_consensus",
        tuple(product((False, True), (False, True), (False, True))),
        _changed,
        _joint,
        _library_joint,
    ),
    Question("progress", (None,), _nothing, _progress, _library_progress),
    Question(
        "transfer_target",
        (None,),
        _nothing,
        _transfer_target,
        lambda to, node, _: node.transfer_target,
    ),
)
