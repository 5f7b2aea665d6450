"""More faults made in recordings that are right, and all of them by name.

Of those in `LEFT_OPEN` moments may have no evidence: then the audit has to say so, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final

from conformance.audit.safety.partial.node import GIVEN, RESTARTED
from conformance.importers.importer import message
from conformance.trace.moments import Moment, SeenMessage
from conformance.trace.vocabulary import Position
from spec import values as v
from tests.importers.faults import (
    EDITS,
    Edit,
    changed_receipt,
    elections,
    inserted,
    led,
    pick,
    previous,
    sent_otherwise,
    with_fields,
)
from tests.importers.member_faults import MEMBER_FAULTS


def _nodes(moments: list[Moment]) -> list[v.NodeId]:
    return sorted({moment.node for moment in moments})


# Messages that nobody sent


def vote_invented(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A candidate receives the vote of one that gave it none."""
    given = {
        (one.from_, one.to, one.term)
        for moment in moments
        for one in moment.sent or ()
        if one.type == "request_vote_reply" and one.granted
    }
    nodes = _nodes(moments)

    def free(one: Moment) -> list[v.NodeId]:
        ends = [(node, one.node, one.current_term) for node in nodes if node != one.node]
        return [end[0] for end in ends if end not in given]

    place = pick(
        (at for at, one in enumerate(moments) if one.role == "candidate" and free(one)), random
    )
    if place is None:
        return None
    one = moments[place]
    vote = message(
        type="request_vote_reply",
        sender=random.choice(free(one)),
        to=one.node,
        term=one.current_term,
        granted=True,
    )
    return inserted(moments, place, received=vote, sent=None)


def request_invented(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A request for a vote arrives from one that does not campaign in its term."""
    asked = {
        (one.from_, one.term)
        for moment in moments
        for one in moment.sent or ()
        if one.type == "request_vote_call"
    }
    nodes = _nodes(moments)

    def free(one: Moment) -> list[v.NodeId]:
        term = one.current_term
        return [node for node in nodes if node != one.node and (node, term) not in asked]

    place = pick((at for at, one, _ in previous(moments) if one.current_term and free(one)), random)
    if place is None:
        return None
    one = moments[place]
    ask = message(
        type="request_vote_call",
        sender=random.choice(free(one)),
        to=one.node,
        term=one.current_term,
        index=1,
        log_term=1,
    )
    return inserted(moments, place, received=ask, sent=None)


def reply_of_another_node(moments: list[Moment], random: Random) -> list[Moment] | None:
    """An acknowledgement arrives under the name of one that never sent the like."""
    nodes = _nodes(moments)
    sent = {one for moment in moments for one in moment.sent or ()}

    def renamed(one: Moment) -> list[SeenMessage]:
        told = one.received
        if told is None or told.type != "append_entries_reply":
            return []
        named = [told.model_copy(update={"from_": node}) for node in nodes if node != one.node]
        return [other for other in named if other not in sent]

    place = pick((at for at, one in enumerate(moments) if renamed(one)), random)
    if place is None:
        return None
    return with_fields(moments, place, received=random.choice(renamed(moments[place])))


def _refusal_turned(kind: str) -> Edit:
    def edit(moments: list[Moment], random: Random) -> list[Moment] | None:
        sent = {one for moment in moments for one in moment.sent or ()}

        def turned(one: Moment) -> SeenMessage | None:
            told = one.received
            if told is None or told.type != kind or told.granted is not False:
                return None
            granted = told.model_copy(update={"granted": True})
            return None if granted in sent else granted

        place = pick((at for at, one in enumerate(moments) if turned(one)), random)
        return (
            None if place is None else with_fields(moments, place, received=turned(moments[place]))
        )

    return edit


vote_refused_and_received = _refusal_turned("request_vote_reply")
refusal_received_as_success = _refusal_turned("append_entries_reply")


def acknowledgement_of_a_later_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    later = {"term": lambda told: told.term + 1000}
    return changed_receipt(moments, random, "append_entries_reply", **later)


def call_of_a_later_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    later = {"term": lambda told: told.term + 1000}
    return changed_receipt(moments, random, "append_entries_call", **later)


def call_that_commits_more(moments: list[Moment], random: Random) -> list[Moment] | None:
    more = {"commit_index": lambda told: (told.commit_index or 0) + 1000}
    return changed_receipt(moments, random, "append_entries_call", **more)


# What is told, on both sides


def leader_tells_more_than_it_has(moments: list[Moment], random: Random) -> list[Moment] | None:
    return sent_otherwise(
        moments,
        random,
        lambda one, told: told.type == "append_entries_call",
        lambda one, told: {"commit_index": (one.commit_index or 0) + 1000},
    )


def request_with_a_later_log(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A candidate claims a last entry of the term that it only campaigns in."""
    return sent_otherwise(
        moments,
        random,
        lambda one, told: told.type == "request_vote_call" and bool(told.index),
        lambda one, told: {"log_term": told.term + 1},
    )


def call_of_two_leaders(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A call is sent, and received, in the name of another member in the same term."""
    nodes = _nodes(moments)
    calls = [
        (at, one)
        for at, moment in enumerate(moments)
        for one in moment.sent or ()
        if one.type == "append_entries_call" and {*nodes} - {one.from_, one.to}
    ]
    if not calls:
        return None
    place, call = random.choice(calls)
    other = random.choice(sorted({*nodes} - {call.from_, call.to}))
    latest = [one for one in moments[: place + 1] if one.node == other]
    if not latest or latest[-1].current_term != call.term:
        return None
    sent = (call.model_copy(update={"from_": other}),)
    more = latest[-1].model_copy(update={"sent": sent, "received": None, "came_up": None})
    return [*moments[: place + 1], more, *moments[place + 1 :]]


# Votes and elections


def candidate_votes_for_another(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick((at for at, one, _ in previous(moments) if one.role == "candidate"), random)
    if place is None:
        return None
    other = [node for node in _nodes(moments) if node != moments[place].node]
    return with_fields(moments, place, voted_for=random.choice(other)) if other else None


def vote_after_the_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    """In a later term, a node tells another candidate too of a vote in the one that it voted in."""
    given = [
        (at, one)
        for at, moment in enumerate(moments)
        for one in moment.sent or ()
        if one.type == "request_vote_reply" and one.granted
    ]
    nodes, found = _nodes(moments), []
    for at, vote in given:
        for place in range(at, len(moments)):
            one = moments[place]
            if one.node == vote.from_ and (one.current_term or 0) > vote.term:
                found += [(place, vote)] if {*nodes} - {vote.from_, vote.to} else []
                break
    if not found:
        return None
    place, vote = random.choice(found)
    other = random.choice(sorted({*nodes} - {vote.from_, vote.to}))
    sent = (vote.model_copy(update={"to": other}),)
    return inserted(moments, place, sent=sent, received=None)


def leader_goes_on_to_the_next_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    """It leads on in a term that nobody has reached, without an election."""
    latest = max((one.current_term or 0 for one in moments), default=0)
    place = pick((at for at, one, _ in led(moments)), random)
    if place is None:
        return None
    node, changed = moments[place].node, list(moments)
    for at in range(place, len(moments)):
        if moments[at].node == node:
            if moments[at].came_up or moments[at].role != "leader":
                break
            fields = {"current_term": latest + 1, "voted_for": node, "sent": None, "received": None}
            changed[at] = moments[at].model_copy(update=fields)
    return changed


# Logs


def committed_entry_of_another_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A node shows another term for its last entry, which it and others have committed."""
    shown = [
        at
        for at, one, _ in previous(moments)
        if one.commit_index and one.commit_index == one.last_index and (one.last_term or 0) > 1
    ]
    seen = {moments[at].commit_index for at in shown}
    place = pick((at for at in shown if moments[at].commit_index in seen), random)
    if place is None:
        return None
    return with_fields(moments, place, last_term=(moments[place].last_term or 0) - 1)


def snapshot_of_another_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    def at_its_end(one: Moment) -> Position | None:
        position = one.snapshot_position
        return position if position is not None and position.term > 1 else None

    place = pick((at for at, one, _ in previous(moments) if at_its_end(one)), random)
    if place is None:
        return None
    position = at_its_end(moments[place])
    assert position is not None
    older = Position(term=position.term - 1, index=position.index)
    return with_fields(moments, place, snapshot_position=older)


def commit_beyond_the_log(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick((at for at, one, _ in previous(moments) if one.last_index is not None), random)
    if place is None:
        return None
    return with_fields(moments, place, commit_index=(moments[place].last_index or 0) + 1)


def leader_of_a_shorter_log(moments: list[Moment], random: Random) -> list[Moment] | None:
    """Whoever is elected has less than what was committed in an earlier term."""
    committed, most, found = 0, 0, {}
    elected = set(elections(moments))
    of: dict[v.Term, v.Index] = {}
    for at, one in enumerate(moments):
        if at in elected:
            most = max((index for term, index in of.items() if term < (one.current_term or 0)),
                       default=0)  # fmt: skip
            if most > 1:
                found[at] = most
        committed = one.commit_index or 0
        term = one.current_term or 0
        of[term] = max(of.get(term, 0), committed)
    place = pick(iter(found), random)
    if place is None:
        return None
    return with_fields(moments, place, last_index=found[place] - 1, last_term=None)


# What moments do not show


def restart_in_an_earlier_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    return _restarted(moments, random, "current_term", lambda one: (one.current_term or 0) - 1)


def restart_without_an_entry(moments: list[Moment], random: Random) -> list[Moment] | None:
    return _restarted(moments, random, "last_index", lambda one: (one.last_index or 0) - 1)


def _restarted(
    moments: list[Moment], random: Random, field: str, change: Callable[[Moment], int]
) -> list[Moment] | None:
    started: set[v.NodeId] = set()

    def places() -> Iterator[int]:
        for at, one in enumerate(moments):
            if one.came_up and one.node in started and getattr(one, field):
                if one.commit_index in (None, 0):
                    yield at
            started.add(one.node)

    place = pick(places(), random)
    if place is None:
        return None
    fields: dict[str, Any] = {field: change(moments[place]), "voted_for": None, "last_term": None}
    return with_fields(moments, place, **fields)


LEFT_OPEN: Final[dict[str, tuple[str, str]]] = {
    "later_entry": ("TermNotBelowLog", GIVEN),
    "restart_in_an_earlier_term": ("RestartFromDisk", RESTARTED),
    "restart_without_an_entry": ("RestartFromDisk", RESTARTED),
}
"""The property that is left open, and the reason."""

RARER: Final[dict[str, Edit]] = {
    "vote_refused_and_received": vote_refused_and_received,
    "refusal_received_as_success": refusal_received_as_success,
} | {
    edit.__name__: edit
    for edit in (
        acknowledgement_of_a_later_term,
        call_of_a_later_term,
        call_of_two_leaders,
        call_that_commits_more,
        candidate_votes_for_another,
        commit_beyond_the_log,
        committed_entry_of_another_term,
        leader_goes_on_to_the_next_term,
        leader_of_a_shorter_log,
        leader_tells_more_than_it_has,
        reply_of_another_node,
        request_invented,
        request_with_a_later_log,
        restart_in_an_earlier_term,
        restart_without_an_entry,
        snapshot_of_another_term,
        vote_after_the_term,
        vote_invented,
    )
}

FAULTS: Final[dict[str, Edit]] = dict(sorted((EDITS | RARER | MEMBER_FAULTS).items()))
