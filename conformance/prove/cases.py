"""Every case of a step, by kind: what happens, and the shapes of the server that it happens to.

A case is as general as what its code reads allows.  Where that is the log's last position alone,
the log is any.  Where entries are read, as many as `entries` lie behind a snapshot at any index, or
behind the founding entry; that is the one bound, and it is no proven cut-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from conformance.prove import steps
from conformance.prove.actor import Actor, Start, Window
from conformance.prove.steps import OTHER, Happening, Step, any_vote, founded
from conformance.prove.views import ACTOR, SENDER
from spec.values import Candidate, ElectionTimeout, Heartbeat, ProposeCommand

Kind: TypeAlias = str
Cases: TypeAlias = Iterator[tuple[str, Callable[[Actor], Happening]]]

EMPTY: Final = Window("empty", 0)


def windows(entries: int) -> list[Window]:
    """Shapes of logs that are not empty."""
    starts: tuple[Start, ...] = ("founded", "snapshot")
    return [Window(start, k) for start in starts for k in range(entries + 1)]


def owing(write: bool) -> str:
    return "owes a write" if write else "owes no write"


def vote_call(size: int, entries: int) -> Cases:
    for name, vote in (("none", None), ("own", ACTOR), ("theirs", SENDER), ("another", OTHER)):
        yield f"vote {name}", partial(steps.vote_call, vote=vote)


def vote_reply(size: int, entries: int) -> Cases:
    yield "denied", lambda actor: steps.vote_reply(actor, any_node(actor), False)
    yield "to none that campaigns", reply_to_no_candidate
    for log, write in product(windows(entries), (False, True)):
        for granted in counted(size):
            shape = f"{log}, has {sorted(granted)}, {owing(write)}"
            yield shape, partial(reply_to_candidate, log=log, granted=granted, write=write)


def counted(size: int) -> Iterator[frozenset[int]]:
    """Too few votes, the own one among them.  Of those that sent nothing any is like any other."""
    for others, sender in product(range(size // 2), (False, True)):
        granted = frozenset({ACTOR, *range(OTHER, OTHER + others)}) | (
            {SENDER} if sender else set()
        )
        if len(granted) <= size // 2:
            yield granted


def any_node(actor: Actor) -> Any:
    return actor.node("any", None, any_vote(actor))


def reply_to_no_candidate(actor: Actor) -> Happening:
    node = any_node(actor)
    actor.case(z3.Not(actor.was.campaigns))
    return steps.vote_reply(actor, node, True)


def reply_to_candidate(
    actor: Actor, log: Window, granted: frozenset[int], write: bool
) -> Happening:
    return steps.vote_reply(actor, actor.node(Candidate(granted), log, ACTOR), True, write)


def election_timeout(size: int, entries: int) -> Cases:
    yield (
        "any log",
        lambda actor: steps.event(actor, founded(actor, "not a leader"), ElectionTimeout()),
    )
    yield (
        "no log",
        lambda actor: steps.event(
            actor, actor.node("not a leader", EMPTY, any_vote(actor)), ElectionTimeout()
        ),
    )


def heartbeat(size: int, entries: int) -> Cases:
    yield (
        "of no leader",
        lambda actor: steps.event(actor, founded(actor, "not a leader"), Heartbeat()),
    )
    for owed in (None, EMPTY, *windows(entries)):
        yield f"of a leader, owes a call of {owed}", partial(beat, owed=owed)


def beat(actor: Actor, owed: Window | None) -> Happening:
    return steps.event(actor, founded(actor, "leader"), Heartbeat(), owed=owed)


def propose_command(size: int, entries: int) -> Cases:
    yield (
        "to no leader",
        lambda actor: steps.event(actor, founded(actor, "not a leader"), ProposeCommand()),
    )
    for log, write in product(windows(entries), (False, True)):
        yield f"{log}, {owing(write)}", partial(propose, log=log, write=write)
    for owed in (EMPTY, *windows(entries)):
        last_only = Window("snapshot", 0)  # no more of a log than its end has part in a merge
        yield f"owes a call of {owed}", partial(propose, log=last_only, write=False, owed=owed)


def propose(actor: Actor, log: Window, write: bool, owed: Window | None = None) -> Happening:
    return steps.event(actor, founded(actor, "leader", log), ProposeCommand(), write, owed)


def append_call(size: int, entries: int) -> Cases:
    yield "to a leader", steps.append_call_to_leader
    for log, message in product((EMPTY, *windows(entries)), repeat=2):
        for write in (False, True):
            shape = f"{log}, a call of {message}, {owing(write)}"
            yield shape, partial(steps.append_call, log=log, message=message, write=write)


def append_reply(size: int, entries: int) -> Cases:
    yield "to no leader", partial(steps.append_reply, log=None, owed=None)
    for log in windows(entries):
        yield f"{log}", partial(steps.append_reply, log=log, owed=None)
    # A merge looks at where the calls begin and end: the leader's log may be a short one.
    for log, owed in product(windows(min(entries, 1)), (EMPTY, *windows(entries))):
        yield f"{log}, owes a call of {owed}", partial(steps.append_reply, log=log, owed=owed)


def compaction(size: int, entries: int) -> Cases:
    for log in compactable(entries):
        yield f"{log}", partial(steps.compaction, log=log, write=False, entries=0, owed=None)
        for held in range(entries + 1):
            yield (
                f"{log}, owes a write, {held} on the disk",
                partial(steps.compaction, log=log, write=True, entries=held, owed=None),
            )
    for log, owed in product(compactable(min(entries, 1)), (EMPTY, *windows(entries))):
        yield (
            f"{log}, owes a call of {owed}",
            partial(steps.compaction, log=log, write=False, entries=0, owed=owed),
        )


def compactable(entries: int) -> list[Window]:
    """Those with something to compact."""
    return [log for log in windows(entries) if log != Window("snapshot", 0)]


def installation(size: int, entries: int) -> Cases:
    for role, log in product(("not a leader", "leader"), (EMPTY, *windows(entries))):
        yield (
            f"{role}, {log}",
            partial(steps.installation, role=role, log=log, write=False, entries=0),
        )
        for held in range(min(entries, 1) + 1):
            yield (
                f"{role}, {log}, owes a write, {held} on the disk",
                partial(steps.installation, role=role, log=log, write=True, entries=held),
            )


def save_current_term(size: int, entries: int) -> Cases:
    yield "any", steps.save_term


def save_voted_for(size: int, entries: int) -> Cases:
    for name, vote in (("none", None), ("own", ACTOR), ("another", SENDER)):
        yield f"vote {name}", partial(steps.save_vote, vote=vote)


def broadcast(size: int, entries: int) -> Cases:
    for what in ("vote call", "append call"):
        yield what, partial(steps.broadcast, what=what)


def write_log(size: int, entries: int) -> Cases:
    for log in windows(entries):
        for synced in range(log.entries + 1 + (log.start == "founded")):
            yield f"{log}, after {synced}", partial(steps.write_log, log=log, synced=synced)


def send(size: int, entries: int) -> Cases:
    yield "vote reply", partial(steps.send, what="vote reply", vote=SENDER)
    yield "append call", partial(steps.send, what="append call")
    for log in (EMPTY, *windows(entries)):
        yield f"append reply, {log}", partial(steps.send, what="append reply", log=log)
        yield f"snapshot, {log}", partial(steps.send_snapshot, log=log)


def end_of_drain(size: int, entries: int) -> Cases:
    yield "of no leader", partial(steps.drain_ends, log=None)
    for log in windows(entries):
        yield f"of a leader, {log}", partial(steps.drain_ends, log=log)


def crash(size: int, entries: int) -> Cases:
    for log in (EMPTY, *windows(entries)):
        yield f"{log}", partial(steps.crashes, log=log)


KINDS: Final[dict[Kind, Callable[[int, int], Cases]]] = {
    "vote call": vote_call,
    "vote reply": vote_reply,
    "election timeout": election_timeout,
    "append call": append_call,
    "append reply": append_reply,
    "propose command": propose_command,
    "heartbeat": heartbeat,
    "compaction": compaction,
    "snapshot": installation,
    "save current term": save_current_term,
    "save vote": save_voted_for,
    "broadcast": broadcast,
    "write": write_log,
    "send": send,
    "end of drain": end_of_drain,
    "crash": crash,
}
"""All that may happen to a server of a cluster with a fixed membership, but what changes nothing.

That is: a refusal, a message of the node's own (D8), an action that sets a timer.
"""


def cases(kind: Kind, size: int, entries: int) -> list[Step]:
    return [Step(kind, shape, prepare) for shape, prepare in KINDS[kind](size, entries)]
