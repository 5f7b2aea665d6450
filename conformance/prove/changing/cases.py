"""The cases of a cluster whose membership changes: those of a fixed one, with configurations where
the code reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Final

from conformance.prove.any_size import cases as fixed
from conformance.prove.any_size.actor import Votes
from conformance.prove.changing.actor import BEFORE, proposed
from conformance.prove.induction import drains, events
from conformance.prove.induction.actor import Window
from conformance.prove.induction.cases import (
    Cases,
    answer,
    reply_to_candidate,
    times_out_without_log,
    windows,
)
from conformance.prove.induction.events import Happening, Step, any_vote
from spec.values import Candidate, ElectionTimeout, Event, Heartbeat, ProposeConfig

Prepare = Callable[[Any], Happening]


def placed(entries: int) -> Iterator[tuple[Window, int]]:
    """Logs, with the place of the configuration in force."""
    for window in windows(entries):
        for place in range(BEFORE, window.entries):
            yield window, place


def where(window: Window, place: int) -> str:
    return f"{window}" if place == BEFORE else f"{window}, of which {place + 1} is a configuration"


def configured(prepare: Prepare, place: int = BEFORE, sender_leaves: bool = False) -> Prepare:
    def with_config(actor: Any) -> Happening:
        actor.configure(place, sender_leaves)
        return prepare(actor)

    return with_config


def vote_reply(size: int, entries: int) -> Cases:
    yield from list(fixed.vote_reply(size, entries))[:2]
    granted: Any = Votes()
    for log, place in placed(entries):
        prepare = partial(reply_to_candidate, log=log, granted=granted)
        yield f"{where(log, place)}, has any votes", configured(prepare, place)


def takes(event: Event, role: str, log: Window | None = None) -> Prepare:
    return lambda actor: events.taking(actor, actor.node(role, log, any_vote(actor)), event)


def election_timeout(size: int, entries: int) -> Cases:
    yield "any log", configured(takes(ElectionTimeout(), "not a leader"))
    yield "no log", times_out_without_log


def heartbeat(size: int, entries: int) -> Cases:
    for role in ("not a leader", "leader"):
        yield role, configured(takes(Heartbeat(), role))


def timeout_now(size: int, entries: int) -> Cases:
    for shape, prepare in fixed.KINDS["timeout now"](size, entries):
        yield shape, configured(prepare)


def propose_command(size: int, entries: int) -> Cases:
    for log, place in placed(entries):
        yield where(log, place), configured(partial(events.propose_command, log=log), place)


def propose_config(size: int, entries: int) -> Cases:
    for (log, place), joint in product(placed(entries), (False, True)):

        def prepare(actor: Any, log: Window = log, joint: bool = joint) -> Happening:
            node = actor.node("leader", log, any_vote(actor))
            return events.taking(actor, node, ProposeConfig(proposed(actor, joint)))

        kind = "joint" if joint else "not joint"
        yield f"{where(log, place)}, a {kind} one", configured(prepare, place)


def append_reply(size: int, entries: int) -> Cases:
    yield "to no leader", partial(events.append_reply, log=None)
    for (log, place), accepted, sent_all in product(placed(entries), (True, False), (True, False)):
        prepare = partial(events.append_reply, log=log, accepted=accepted, sent_all=sent_all)
        shape = f"{where(log, place)}, {answer(accepted, sent_all)}"
        yield shape, configured(prepare, place, sender_leaves=True)


def end_of_drain(size: int, entries: int) -> Cases:
    yield "of a follower", partial(drains.drain_ends, role="a follower", log=None)
    granted: Any = Votes()
    for role, name in ((Candidate(granted), "a candidate"), ("leader", "a leader")):
        for log, place in placed(entries):
            prepare = partial(drains.drain_ends, role=role, log=log)
            votes = "" if role == "leader" else ", has any votes"
            yield f"of {name}, {where(log, place)}{votes}", configured(prepare, place)


CHANGED: Final = {
    "vote reply": vote_reply,
    "election timeout": election_timeout,
    "heartbeat": heartbeat,
    "timeout now": timeout_now,
    "propose command": propose_command,
    "propose configuration": propose_config,
    "append reply": append_reply,
    "end of drain": end_of_drain,
}
KINDS: Final = {**fixed.KINDS, **CHANGED}


def cases(kind: str, entries: int) -> list[Step]:
    return [Step(kind, shape, prepare) for shape, prepare in KINDS[kind](3, entries)]
