"""The cases of a cluster whose membership changes: those of a fixed one, with configurations where
the code reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any, Final

from conformance.prove.changing.actor import BEFORE, PARTS, Part, Proposed, Voters
from conformance.prove.induction import cases as fixed
from conformance.prove.induction import drains, events
from conformance.prove.induction.actor import Window
from conformance.prove.induction.cases import Cases, windows
from conformance.prove.induction.events import OTHER, Happening, Step, any_vote
from conformance.prove.statements.views import ACTOR, SENDER
from spec.values import Candidate, ElectionTimeout, Event, Heartbeat, ProposeCommand, ProposeConfig

Prepare = Callable[[Any], Happening]


def placed(entries: int) -> Iterator[tuple[Window, int]]:
    """Logs, with the place of the configuration in force."""
    for window in windows(entries):
        for place in range(BEFORE, window.entries):
            yield window, place


def where(window: Window, place: int) -> str:
    return f"{window}" if place == BEFORE else f"{window}, of which {place + 1} is a configuration"


def configured(prepare: Prepare, part: Part, place: int = BEFORE) -> Prepare:
    def with_config(actor: Any) -> Happening:
        actor.configure(part, place)
        return prepare(actor)

    return with_config


def vote_reply(size: int, entries: int) -> Cases:
    """Whom else a candidate was told votes of; but for the sender nodes differ by their names."""
    yield from list(fixed.vote_reply(size, entries))[:2]
    for (log, place), others, sender in product(placed(entries), range(size - 1), (False, True)):
        granted = frozenset({ACTOR, *range(OTHER, OTHER + others), *([SENDER] if sender else ())})
        prepare = partial(fixed.reply_to_candidate, log=log, granted=granted)
        yield f"{where(log, place)}, has {sorted(granted)}", configured(prepare, Part(), place)


def takes(event: Event, role: str, log: Window | None = None) -> Prepare:
    return lambda actor: events.taking(actor, actor.node(role, log, any_vote(actor)), event)


def election_timeout(size: int, entries: int) -> Cases:
    for part in PARTS:
        yield f"any log, {part}", configured(takes(ElectionTimeout(), "not a leader"), part)
    yield list(fixed.election_timeout(size, entries))[1]


def heartbeat(size: int, entries: int) -> Cases:
    for role in ("not a leader", "leader"):
        yield role, configured(takes(Heartbeat(), role), Part())


def propose_command(size: int, entries: int) -> Cases:
    for log, place in placed(entries):
        prepare = takes(ProposeCommand(), "leader", log)
        yield where(log, place), configured(prepare, Part(), place)


def propose_config(size: int, entries: int) -> Cases:
    for (log, place), joint, part in product(placed(entries), (False, True), PARTS):

        def prepare(actor: Any, log: Window = log, joint: bool = joint) -> Happening:
            node = actor.node("leader", log, any_vote(actor))
            config = Proposed(
                node.log.config.voters,
                Voters.of(size, False) if joint else frozenset(),
                Voters.of(size, False),
            )
            return events.taking(actor, node, ProposeConfig(config))

        kind = "joint" if joint else "not joint"
        yield f"{where(log, place)}, {part}, a {kind} one", configured(prepare, part, place)


def append_reply(size: int, entries: int) -> Cases:
    yield "to no leader", partial(events.append_reply, log=None)
    for (log, place), part in product(placed(entries), PARTS):
        prepare = partial(events.append_reply, log=log)
        yield f"{where(log, place)}, {part}", configured(prepare, part, place)


def end_of_drain(size: int, entries: int) -> Cases:
    yield "of a follower", partial(drains.drain_ends, role="a follower", log=None)
    for (log, place), granted in product(placed(entries), fixed.voted(size)):
        prepare = partial(drains.drain_ends, role=Candidate(granted), log=log)
        shape = f"of a candidate, {where(log, place)}, has {sorted(granted)}"
        yield shape, configured(prepare, Part(), place)
    for (log, place), part in product(placed(entries), PARTS):
        prepare = partial(drains.drain_ends, role="leader", log=log)
        yield f"of a leader, {where(log, place)}, {part}", configured(prepare, part, place)


CHANGED: Final = {
    "vote reply": vote_reply,
    "election timeout": election_timeout,
    "heartbeat": heartbeat,
    "propose command": propose_command,
    "propose configuration": propose_config,
    "append reply": append_reply,
    "end of drain": end_of_drain,
}
KINDS: Final = {**fixed.KINDS, **CHANGED}


def cases(kind: str, size: int, entries: int) -> list[Step]:
    return [Step(kind, shape, prepare) for shape, prepare in KINDS[kind](size, entries)]
