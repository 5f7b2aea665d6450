"""What a library node keeps twice has to agree, and what it shares with none has to be its own."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import raftbare
from conformance.subjects.patched import Patch, patched_library
from conformance.subjects.readback import (
    InconsistentError,
    Reader,
    State,
    UnreadableError,
    unknown,
)
from conformance.subjects.rebuild import Rebuilder, UnbuildableError
from spec import values as v
from spec.pending import NOTHING, Pending


def leading() -> State:
    """A leader of three, with a call owed to all and to node 1, and a reply to node 2."""
    entries = (
        v.Entry(0, v.Config(frozenset({0, 1, 2}))),
        v.Entry(1, v.TERM),
        v.Entry(1, v.COMMAND),
    )
    log = v.new_log(entries=(*entries, v.Entry(1, v.COMMAND)))
    prev, rest = v.Position(0, 1), log.after(1)
    reply = v.AppendEntriesReply(0, 1, 0, log.last_position, False)
    node = v.Node(0, v.Leader((v.Progress(1, 0, 2, 5), v.Progress(2)), 1), 1, 0, log, 1, 7)
    return node, Pending(
        calls=(1,),
        broadcast=True,
        append=v.AppendLogEntries(prev, rest),
        sends=(v.SendMessage(2, reply),),
    )


def mutable_parts(root: object) -> dict[int, object]:
    """All that can be reached from an object and changed, but for classes and code."""
    parts: dict[int, object] = {}
    unseen = [root]
    while unseen:
        one = unseen.pop()
        if id(one) not in parts and not callable(one):
            parts[id(one)] = one
            unseen += gc.get_referents(one)
    immutable = (int, str, frozenset, tuple, raftbare.Role, raftbare.Limits, type(None))
    return {at: part for at, part in parts.items() if not isinstance(part, immutable)}


CAMPAIGNING = v.Node(0, v.Candidate(frozenset({0, 2})), 3, 0, leading()[0].log, 1, 9)


@pytest.mark.parametrize("state", [leading(), (CAMPAIGNING, NOTHING), (v.Node(0), NOTHING)])
def test_two_nodes_of_one_state_share_nothing_that_changes(state: State) -> None:
    shared = (raftbare.entries.NO_TERMS, raftbare.entries.NO_CONFIGS, raftbare.LogPosition.ZERO)
    common = {id(part) for one in shared for part in (one, *gc.get_referents(one))}
    rebuilder = Rebuilder()
    first, second = rebuilder.build(*state), rebuilder.build(*state)
    parts = mutable_parts(first)
    assert {id(first), id(first._log), id(first._pending), id(first._role)} <= parts.keys()
    assert not parts.keys() & mutable_parts(second).keys() - common
    first.handle_election_timeout()
    assert rebuilder.drain(first)[0]
    assert rebuilder.read(second) == state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda node, owed: (node._replace(role=v.Leader((v.Progress(1),))), owed), "follows"),
        (
            lambda node, owed: (
                node._replace(log=v.new_log(entries=(v.Entry(1, v.COMMAND),)), role=v.Leader(())),
                Pending(),
            ),
            "begins a term after",
        ),
        (lambda node, owed: (node, owed._replace(append=v.AppendLogEntries(v.ZERO, ()))), "write"),
        (
            lambda node, owed: (
                node,
                owed._replace(append=v.AppendLogEntries(v.Position(9, 2), node.log.after(2))),
            ),
            "write",
        ),
    ],
)
def test_a_state_that_the_library_cannot_be_in(
    change: Callable[[v.Node, Pending], State], message: str
) -> None:
    rebuilder = Rebuilder()
    assert rebuilder.read(rebuilder.build(*leading())) == leading()
    with pytest.raises(UnbuildableError, match=message):
        rebuilder.build(*change(*leading()))


def position(term: int, index: int) -> raftbare.LogPosition:
    return raftbare.LogPosition(raftbare.Term(term), raftbare.LogIndex(index))


def set_to(path: str, value: object) -> Callable[[Any], None]:
    def change(live: Any) -> None:
        *owners, name = path.split(".")
        for owner in owners:
            live = live[int(owner)] if owner.isdigit() else getattr(live, owner)
        setattr(live, name, value)

    return change


def other_limits(live: Any) -> None:
    live._limits = raftbare.Limits()
    object.__setattr__(live._limits, "in_flight", 1)


INCONSISTENT: dict[str, tuple[Callable[[Any], None], str]] = {
    "an index too many": (lambda live: live._role.quorum._held.append(2), "the quorum"),
    "an index that nobody holds": (set_to("_role.quorum._held", [0, 1, 1]), "the quorum"),
    "indices out of order": (set_to("_role.quorum._held", [0, 1, 0]), "the quorum"),
    "a follower that holds more": (set_to("_role.followers.1.match_index", 1), "the quorum"),
    "voters of another cluster": (set_to("_role.quorum._voters", frozenset({0, 1})), "the quorum"),
    "new voters that are none": (
        set_to("_role.quorum._new_voters", frozenset({0, 1})),
        "the quorum",
    ),
    "one progress of two": (
        lambda live: live._role.followers.update({2: live._role.followers[1]}),
        "one progress",
    ),
    "peers that it does not follow": (set_to("_role.peers", (1,)), "a leader of"),
    "a call to itself": (set_to("_role.own.probe", 1), "calls itself"),
    "a limit that does not follow": (other_limits, "in flight"),
    "actions of another node": (
        set_to("actions._node", raftbare.Node.start(raftbare.NodeId(0))),
        "another node",
    ),
    "a last index": (set_to("_log.entries.last_position", position(1, 1)), "marks"),
    "a last term": (set_to("_log.entries.last_position", position(2, 4)), "marks"),
    "a mark too many": (lambda live: live._log.entries._terms.at.append(9), "marks"),
    "a write after nothing": (set_to("_pending.append_after", position(3, 3)), "not contain"),
    "members unlisted": (set_to("_log.entries._configs.values.0._unique_nodes", (0, 1)), "lists"),
    "a message for two": (
        lambda live: live._pending.sends.update({1: live._pending.sends[2]}),
        "share",
    ),
}


@pytest.mark.parametrize("what", INCONSISTENT)
def test_what_is_kept_twice_has_to_agree(what: str) -> None:
    rebuilder, (change, message) = Rebuilder(), INCONSISTENT[what]
    live = rebuilder.build(*leading())
    change(live)
    with pytest.raises(InconsistentError, match=message):
        rebuilder.read(live)


def test_the_table_that_is_shared_has_to_be_empty() -> None:
    with patched_library() as copy:
        rebuilder: Any = Rebuilder(copy)
        rebuilder.library.entries.NO_TERMS.at.append(1)
        with pytest.raises(InconsistentError, match="all empty logs share"):
            rebuilder.read(rebuilder.build(v.Node(0), NOTHING))


SLOTS = {
    "role.Follower keeps since besides": Patch(
        "role", '__slots__ = ("leader",)', '__slots__ = ("leader", "since")'
    ),
    "quorum.Progress keeps since besides": Patch(
        "quorum", '("answered", "asked"', '("answered", "since", "asked"'
    ),
    "quorum.Quorum keeps __dict__ besides": Patch(
        "quorum", '__slots__ = ("_held",', '__slots__ = ("__dict__", "_held",'
    ),
}


@pytest.mark.parametrize("what", SLOTS)
def test_a_library_that_keeps_more_is_not_taken_for_what_it_was(what: str) -> None:
    with (
        patched_library(SLOTS[what]) as copy,
        pytest.raises(UnreadableError, match=what),
    ):
        Rebuilder(copy)


def test_what_a_library_keeps_besides_does_not_keep_the_rest_from_being_read() -> None:
    with patched_library(SLOTS["role.Follower keeps since besides"]) as copy:
        reader = Reader(copy)
        reader.handle(0, v.Start())
        assert reader.read(reader.nodes[0]) == (v.Node(0), NOTHING)


def test_a_slot_that_is_gone_is_named() -> None:
    copy = ModuleType("copy")
    vars(copy).update(vars(raftbare))
    del copy.Actions
    assert str(unknown(copy)[0]).startswith("Actions has no _node any more")
    with pytest.raises(UnreadableError, match=r"readback\.py"):
        Reader(copy)
