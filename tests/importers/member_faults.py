"""Faults of leaders that change the voters, or that go by other voters than those in force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from conformance.trace.moments import Moment, SeenMessage
from spec import values as v
from tests.importers.faults import Edit, elections, led, others, pick, previous, unreceived


def _steps(moments: list[Moment]) -> Iterator[int]:
    """Where a leader changes its voters in one step."""
    for place, moment, before in led(moments):
        old, new = before.voters or (), moment.voters or ()
        if len(old) == len(new) == 1 and old != new:
            yield place


def voters_changed_at_once(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A leader's configuration changes by two, with no joint one in between."""
    place = pick((at for at, one, _ in led(moments) if others(one)), random)
    if place is None:
        return None
    node, changed = moments[place].node, list(moments)
    for at in range(place, len(moments)):
        one = moments[at]
        if one.node == node and one.voters:
            more = tuple(sorted({*one.voters[0], 98, 99}))
            changed[at] = one.model_copy(update={"voters": (more,)})
            break
    return changed


def two_voters_in_one_step(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A change of one voter takes one more along, for as long as that leader leads."""
    place = pick(_steps(moments), random)
    if place is None:
        return None
    first, changed = moments[place], list(moments)
    for at in range(place, len(moments)):
        one = moments[at]
        if (one.node, one.current_term, one.role) == (first.node, first.current_term, "leader"):
            sets = tuple(tuple(sorted({*voters} ^ {99})) for voters in one.voters or ())
            changed[at] = one.model_copy(update={"voters": sets})
    return changed


def _commit_held(moments: list[Moment], first: int, last: int, most: v.Index) -> list[Moment]:
    """A node shows, and tells others, that no more is committed, from one moment to another."""
    node, changed = moments[first].node, list(moments)
    for at in range(first, last + 1):
        one = moments[at]
        if one.node == node:
            sent = tuple(_telling(message, most) for message in one.sent or ())
            commit = min(one.commit_index or 0, most)
            changed[at] = one.model_copy(update={"commit_index": commit, "sent": sent or None})
    return changed


def _telling(message: SeenMessage, most: v.Index) -> SeenMessage:
    told = message.commit_index
    return message if told is None else message.model_copy(update={"commit_index": min(told, most)})


def second_change_before_the_first_is_committed(
    moments: list[Moment], random: Random
) -> list[Moment] | None:
    """All between a leader's two changes shows no more committed than before the first one."""
    latest: dict[tuple[v.NodeId, v.Term | None], int] = {}
    found: list[tuple[int, int]] = []
    for place in _steps(moments):
        leader = moments[place].node, moments[place].current_term
        if leader in latest:
            found.append((latest[leader], place))
        latest[leader] = place
    if not found:
        return None
    first, second = random.choice(found)
    before = next(before for place, _, before in led(moments) if place == first)
    return _commit_held(moments, first, second, before.commit_index or 0)


def change_before_a_commit_in_the_term(
    moments: list[Moment], random: Random
) -> list[Moment] | None:
    """From its election to its first change a leader shows nothing more committed."""
    found: list[tuple[int, int]] = []
    steps = list(_steps(moments))
    for elected in elections(moments):
        leader = moments[elected].node, moments[elected].current_term
        for place in steps:
            if place > elected and (moments[place].node, moments[place].current_term) == leader:
                found.append((elected, place))
                break
    if not found:
        return None
    elected, place = random.choice(found)
    before = [one for one in moments[:elected] if one.node == moments[elected].node][-1]
    return _commit_held(moments, elected, place, before.commit_index or 0)


def _surplus(
    moments: list[Moment], place: int, counts: Callable[[Moment, SeenMessage], bool]
) -> set[v.NodeId]:
    """Whose messages make a quorum of all that a leader counts: without them it lacks one node.

    Where their number is even, that is a quorum of the voters without the last one that came.
    """
    leader, sets = moments[place], moments[place].voters or ()
    if len(sets) != 1:
        return set()
    counted = {
        one.received.from_
        for one in moments[: place + 1]
        if one.node == leader.node and one.received and counts(leader, one.received)
    }
    others = sorted(counted & {*sets[0]} - {leader.node})
    kept = len(sets[0]) // 2 - (leader.node in sets[0])
    return {*others[kept:]} if 0 <= kept < len(others) else set()


def _one_too_few(
    moments: list[Moment],
    random: Random,
    places: list[int],
    counts: Callable[[Moment, SeenMessage], bool],
) -> list[Moment] | None:
    """Of what a leader counts, too little arrives by one node."""
    random.shuffle(places)
    surplus = ((place, _surplus(moments, place, counts)) for place in places)
    place, dropped = next(((place, nodes) for place, nodes in surplus if nodes), (0, set()))
    if not dropped:
        return None
    leader = moments[place]
    return unreceived(moments, place, lambda one: one.from_ in dropped and counts(leader, one))


def elected_by_one_vote_too_few(moments: list[Moment], random: Random) -> list[Moment] | None:
    def counts(leader: Moment, told: SeenMessage) -> bool:
        return (told.type, told.term, told.granted) == (
            "request_vote_reply",
            leader.current_term,
            True,
        )

    shown = {at for at, moment, before in previous(moments) if moment.voters == before.voters}
    places = [at for at in elections(moments) if at in shown]
    return _one_too_few(moments, random, places, counts)


def committed_by_one_copy_too_few(moments: list[Moment], random: Random) -> list[Moment] | None:
    def counts(leader: Moment, told: SeenMessage) -> bool:
        kind = told.type, told.term, told.granted
        acknowledged = kind == ("append_entries_reply", leader.current_term, True)
        return acknowledged and (told.index or 0) >= (leader.commit_index or 0)

    places = [
        place
        for place, moment, before in led(moments)
        if (moment.commit_index or 0) > (before.commit_index or 0)
        if moment.voters == before.voters
    ]
    return _one_too_few(moments, random, places, counts)


MEMBER_FAULTS: Final[dict[str, Edit]] = {
    edit.__name__: edit
    for edit in (
        change_before_a_commit_in_the_term,
        committed_by_one_copy_too_few,
        elected_by_one_vote_too_few,
        second_change_before_the_first_is_committed,
        two_voters_in_one_step,
        voters_changed_at_once,
    )
}

FOUND_BY: Final[dict[str, str]] = {
    "change_before_a_commit_in_the_term": "ChangeAfterCommitInTerm",
    "committed_by_one_copy_too_few": "CommittedOnQuorum",
    "elected_by_one_vote_too_few": "ElectedByQuorum",
    "second_change_before_the_first_is_committed": "OneChangeAtATime",
    "two_voters_in_one_step": "ConfigChangeThroughJoint",
    "voters_changed_at_once": "ConfigChangeThroughJoint",
}
"""The property that is to find each, whatever else is found too."""
