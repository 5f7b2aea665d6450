"""Every case of a step, by kind: what happens, and the shapes of the server that it happens to.

A case is as general as what its code reads allows.  Where that is the log's last position alone,
the log is any.  Where entries are read, as many as `entries` come after a snapshot at any index, or
after the founding entry; that is the one bound, and it is no proven cut-off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Final, TypeAlias

import z3

from conformance.prove.induction import drains, events
from conformance.prove.induction.actor import Actor, Start, Window
from conformance.prove.induction.events import OTHER, Happening, Step, any_vote, founded
from conformance.prove.statements.views import ACTOR, SENDER
from spec.values import Candidate, ElectionTimeout, Event, Heartbeat, ProposeCommand, StepDown

Kind: TypeAlias = str
Prepare: TypeAlias = Callable[[Actor], Happening]
Cases: TypeAlias = Iterator[tuple[str, Prepare]]

EMPTY: Final = Window("empty", 0)


def windows(entries: int) -> list[Window]:
    """Shapes of logs that are not empty."""
    starts: tuple[Start, ...] = ("founded", "snapshot")
    return [Window(start, k) for start in starts for k in range(entries + 1)]


def vote_call(size: int, entries: int) -> Cases:
    for name, vote in (("none", None), ("own", ACTOR), ("theirs", SENDER), ("another", OTHER)):
        yield f"vote {name}", partial(events.vote_call, vote=vote)


def vote_reply(size: int, entries: int) -> Cases:
    yield "denied", lambda actor: events.vote_reply(actor, any_node(actor), False)
    yield "to none that campaigns", reply_to_no_candidate
    for log, granted in product(windows(entries), counted(size)):
        shape = f"{log}, has {sorted(granted)}"
        yield shape, partial(reply_to_candidate, log=log, granted=granted)


def counted(size: int) -> Iterator[frozenset[int]]:
    """Too few votes, the own one among them.  Of those that sent nothing any is like any other."""
    for others, sender in product(range(size // 2), (False, True)):
        granted = frozenset({ACTOR, *range(OTHER, OTHER + others), *([SENDER] if sender else ())})
        if len(granted) <= size // 2:
            yield granted


def any_node(actor: Actor) -> Any:
    return actor.node("any", None, any_vote(actor))


def reply_to_no_candidate(actor: Actor) -> Happening:
    node = any_node(actor)
    actor.case(z3.Not(actor.was.campaigns))
    return events.vote_reply(actor, node, True)


def reply_to_candidate(actor: Actor, log: Window, granted: frozenset[int]) -> Happening:
    return events.vote_reply(actor, actor.node(Candidate(granted), log, ACTOR), True)


def takes(event: Event, role: str, log: Window | None = None) -> Prepare:
    """A server with a configuration takes an event."""
    return lambda actor: events.taking(actor, founded(actor, role, log), event)


def election_timeout(size: int, entries: int) -> Cases:
    yield "any log", takes(ElectionTimeout(), "not a leader")
    yield "no log", times_out_without_log


def times_out_without_log(actor: Actor) -> Happening:
    node = actor.node("not a leader", EMPTY, any_vote(actor))
    return events.taking(actor, node, ElectionTimeout())


def heartbeat(size: int, entries: int) -> Cases:
    yield "of no leader", takes(Heartbeat(), "not a leader")
    yield "of a leader", takes(Heartbeat(), "leader")


def propose_command(size: int, entries: int) -> Cases:
    yield "to no leader", takes(ProposeCommand(), "not a leader")
    for log in windows(entries):
        yield f"{log}", partial(events.propose_command, log=log)


def step_down(size: int, entries: int) -> Cases:
    yield "no leader", takes(StepDown(), "not a leader")
    yield "a leader", takes(StepDown(), "leader")


def timeout_now(size: int, entries: int) -> Cases:
    for role in ("a follower", "a candidate", "leader"):
        yield f"to {role}", partial(events.timeout_now, role=role)


def read(size: int, entries: int) -> Cases:
    for log in windows(entries):
        yield f"of a leader, {log}", partial(events.takes_read, log=log)


def append_call(size: int, entries: int) -> Cases:
    yield "to a leader", events.append_call_to_leader
    for log, message in product((EMPTY, *windows(entries)), repeat=2):
        yield f"{log}, a call of {message}", partial(events.append_call, log=log, message=message)


def append_reply(size: int, entries: int) -> Cases:
    yield "to no leader", partial(events.append_reply, log=None)
    for log, accepted, sent_all in product(windows(entries), (True, False), (True, False)):
        prepare = partial(events.append_reply, log=log, accepted=accepted, sent_all=sent_all)
        yield f"{log}, {answer(accepted, sent_all)}", prepare


def answer(accepted: bool, sent_all: bool) -> str:
    """Of a peer that was sent all that all others were, or of one that was not."""
    return ("accepted" if accepted else "refused") + ("" if sent_all else ", catches up")


def compaction(size: int, entries: int) -> Cases:
    for role, log in product(("any", "leader"), compactable(entries)):
        yield f"{role}, {log}", partial(events.compaction, role=role, log=log, write=False)
    for log in compactable(entries):
        shape = f"{log}, owes a write"
        yield shape, partial(events.compaction, role="any", log=log, write=True)


def compactable(entries: int) -> list[Window]:
    """Those with something to compact."""
    return [log for log in windows(entries) if log != Window("snapshot", 0)]


def installation(size: int, entries: int) -> Cases:
    roles = ("a follower", "a candidate", "leader")
    for role, log in product(roles, (EMPTY, *windows(entries))):
        for write in (False, True):
            shape = f"{role}, {log}" + (", owes a write" if write else "")
            yield shape, partial(events.installation, role=role, log=log, write=write)


def save_current_term(size: int, entries: int) -> Cases:
    yield "any", drains.save_term


def save_voted_for(size: int, entries: int) -> Cases:
    for name, vote in (("none", None), ("own", ACTOR), ("another", SENDER)):
        yield f"vote {name}", partial(drains.save_vote, vote=vote)


def call_to_one(size: int, entries: int) -> Cases:
    for log, most in product(windows(entries), limits(entries)):
        for name, sent_all in (("all", True), ("some", False)):
            prepare = partial(drains.call_to_one, log=log, entries=most, sent_all=sent_all)
            yield f"{log}, {most} a call, was sent {name}", prepare


def call_to_all(size: int, entries: int) -> Cases:
    yield "of a candidate", drains.vote_call
    for log, most in product(windows(entries), limits(entries)):
        for synced in (None, *places(log)):
            prepare = partial(drains.call_to_all, log=log, entries=most, synced=synced)
            what = "nothing to write" if synced is None else f"writes after {synced}"
            yield f"of a leader, {log}, {most} a call, {what}", prepare


def limits(entries: int) -> range:
    """How many entries a call may carry: up to all that come after the snapshot."""
    return range(1, max(entries, 1) + 1)


def places(log: Window) -> range:
    """After how many entries an owed write may begin."""
    return range(log.entries + 1 + (log.start == "founded"))


def write_log(size: int, entries: int) -> Cases:
    for log in windows(entries):
        for synced in places(log):
            yield f"{log}, after {synced}", partial(drains.write_log, log=log, synced=synced)


def reply(size: int, entries: int) -> Cases:
    for what in ("vote", "denial"):
        yield what, partial(drains.reply, what=what)
    for log in (EMPTY, *windows(entries)):
        yield f"append reply, {log}", partial(drains.reply, what="append reply", log=log)


def end_of_drain(size: int, entries: int) -> Cases:
    yield "of a follower", partial(drains.drain_ends, role="a follower", log=None)
    for log, granted in product(windows(entries), voted(size)):
        shape = f"of a candidate, {log}, has {sorted(granted)}"
        yield shape, partial(drains.drain_ends, role=Candidate(granted), log=log)
    for log in windows(entries):
        yield f"of a leader, {log}", partial(drains.drain_ends, role="leader", log=log)


def voted(size: int) -> Iterator[frozenset[int]]:
    """Who voted for a candidate, itself among them, be they too few or just enough."""
    for others in range(size // 2 + 1):
        yield frozenset({ACTOR, *range(OTHER, OTHER + others)})


def crash(size: int, entries: int) -> Cases:
    for log in (EMPTY, *windows(entries)):
        yield f"{log}", partial(drains.crashes, log=log)


KINDS: Final[dict[Kind, Callable[[int, int], Cases]]] = {
    "vote call": vote_call,
    "vote reply": vote_reply,
    "election timeout": election_timeout,
    "append call": append_call,
    "append reply": append_reply,
    "propose command": propose_command,
    "heartbeat": heartbeat,
    "step down": step_down,
    "timeout now": timeout_now,
    "read": read,
    "compaction": compaction,
    "snapshot": installation,
    "save current term": save_current_term,
    "save vote": save_voted_for,
    "call to one": call_to_one,
    "call to all": call_to_all,
    "write": write_log,
    "reply": reply,
    "end of drain": end_of_drain,
    "crash": crash,
}
"""All that may happen to a server of a cluster with a fixed membership, but what changes nothing.

That is: a refusal, a message of the node's own (D8), an action that sets a timer, to whom
leadership is handed over.
"""


def cases(kind: Kind, size: int, entries: int) -> list[Step]:
    return [Step(kind, shape, prepare) for shape, prepare in KINDS[kind](size, entries)]
