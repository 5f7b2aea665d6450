"""Faults made in recordings that are right: each at one random place, if there is one for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, TypeAlias

from conformance.importers.importer import message
from conformance.trace.moments import Moment, SeenMessage
from conformance.trace.vocabulary import Position
from spec import values as v

Edit: TypeAlias = Callable[[list[Moment], Random], list[Moment] | None]
"""Gives what is left of a recording, or None where it has no place for the fault."""


def renumbered(moments: list[Moment]) -> list[Moment]:
    seqs: defaultdict[v.NodeId, int] = defaultdict(int)
    changed = []
    for moment in moments:
        seqs[moment.node] += 1
        changed.append(moment.model_copy(update={"seq": seqs[moment.node]}))
    return changed


def with_fields(moments: list[Moment], place: int, **fields: Any) -> list[Moment]:
    """One moment shows something else."""
    changed = list(moments)
    changed[place] = moments[place].model_copy(update=fields)
    return changed


def inserted(moments: list[Moment], place: int, **fields: Any) -> list[Moment]:
    """One more moment of the same node, which shows the same otherwise."""
    more = moments[place].model_copy(update={"came_up": None} | fields)
    return [*moments[: place + 1], more, *moments[place + 1 :]]


def unreceived(
    moments: list[Moment], last: int, fits: Callable[[SeenMessage], bool]
) -> list[Moment]:
    """Up to this moment, its node has received none of these messages."""
    changed = list(moments)
    for at, one in enumerate(moments[: last + 1]):
        if one.node == moments[last].node and one.received is not None and fits(one.received):
            changed[at] = one.model_copy(update={"received": None})
    return changed


def pick(places: Iterator[int], random: Random) -> int | None:
    found = list(places)
    return random.choice(found) if found else None


def previous(moments: list[Moment]) -> Iterator[tuple[int, Moment, Moment]]:
    """Each moment's place, the moment, and the one of its node before it, in one life."""
    latest: dict[v.NodeId, Moment] = {}
    for place, moment in enumerate(moments):
        before = latest.get(moment.node)
        if before is not None and not moment.came_up:
            yield place, moment, before
        latest[moment.node] = moment


def led(moments: list[Moment]) -> Iterator[tuple[int, Moment, Moment]]:
    """Those where a node leads and led before, with others to vote."""
    for place, moment, before in previous(moments):
        same = moment.current_term == before.current_term
        if moment.role == before.role == "leader" and same and others(moment):
            yield place, moment, before


def others(moment: Moment) -> bool:
    """Whether a quorum needs someone else."""
    return any(len({*voters} - {moment.node}) * 2 > len(voters) for voters in moment.voters or ())


def elections(moments: list[Moment]) -> Iterator[int]:
    for place, moment, before in previous(moments):
        led = before.role == "leader" and before.current_term == moment.current_term
        if moment.role == "leader" and not led and others(moment):
            yield place


def _votes_for(moment: Moment, received: SeenMessage | None, granted: bool = True) -> bool:
    return (
        received is not None
        and received.type == "request_vote_reply"
        and received.granted is granted
        and received.term == moment.current_term
    )


def votes_removed(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick(elections(moments), random)
    if place is None:
        return None
    leader = moments[place]
    return unreceived(moments, place, lambda told: _votes_for(leader, told))


def votes_refused(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick(elections(moments), random)
    if place is None:
        return None
    leader, changed = moments[place], list(moments)
    for at, one in enumerate(moments[: place + 1]):
        if one.node == leader.node and _votes_for(leader, one.received):
            assert one.received is not None
            refused = one.received.model_copy(update={"granted": False})
            changed[at] = one.model_copy(update={"received": refused})
    return changed


def vote_given_twice(moments: list[Moment], random: Random) -> list[Moment] | None:
    nodes = {moment.node for moment in moments}

    def places() -> Iterator[int]:
        for place, moment in enumerate(moments):
            for one in moment.sent or ():
                if one.type == "request_vote_reply" and one.granted and nodes - {one.to, one.from_}:
                    yield place

    place = pick(places(), random)
    if place is None:
        return None
    moment = moments[place]
    vote = next(one for one in moment.sent or () if one.type == "request_vote_reply")
    other = random.choice(sorted(nodes - {vote.to, vote.from_}))
    again = moment.model_copy(
        update={"sent": (vote.model_copy(update={"to": other}),), "received": None}
    )
    return [*moments[: place + 1], again, *moments[place + 1 :]]


def vote_changed(moments: list[Moment], random: Random) -> list[Moment] | None:
    nodes = {moment.node for moment in moments}

    def places() -> Iterator[int]:
        for place, moment, before in previous(moments):
            same = moment.current_term == before.current_term
            if same and before.voted_for is not None and nodes - {before.voted_for}:
                yield place

    place = pick(places(), random)
    if place is None:
        return None
    other = random.choice(sorted(nodes - {moments[place].voted_for}))
    return with_fields(moments, place, voted_for=other)


def acknowledgements_removed(moments: list[Moment], random: Random) -> list[Moment] | None:
    def places() -> Iterator[int]:
        for place, moment, before in led(moments):
            if (moment.commit_index or 0) > (before.commit_index or 0):
                yield place

    place = pick(places(), random)
    if place is None:
        return None
    leader = moments[place]

    def acknowledges(reply: SeenMessage) -> bool:
        return (
            reply.type == "append_entries_reply"
            and reply.term == leader.current_term
            and (reply.index or 0) >= (leader.commit_index or 0)
        )

    return unreceived(moments, place, acknowledges)


def _committed_from(moments: list[Moment], place: int) -> list[Moment]:
    """A node commits all of its log from here on."""
    first, changed = moments[place], list(moments)
    for at in range(place, len(moments)):
        one = moments[at]
        if one.node == first.node:
            if one.came_up:
                break
            commit = max(one.commit_index or 0, first.last_index or 0)
            changed[at] = one.model_copy(update={"commit_index": commit})
    return changed


def leader_commits_early(moments: list[Moment], random: Random) -> list[Moment] | None:
    def places() -> Iterator[int]:
        for place, moment, before in led(moments):
            if (moment.last_index or 0) > (before.last_index or 0):
                yield place

    place = pick(places(), random)
    return None if place is None else _committed_from(moments, place)


def follower_commits_early(moments: list[Moment], random: Random) -> list[Moment] | None:
    told: defaultdict[v.NodeId, int] = defaultdict(int)
    found = []
    for place, moment, before in previous(moments):
        if moment.received is not None:
            told[moment.node] = max(told[moment.node], moment.received.commit_index or 0)
        last = moment.last_index or 0
        calm = moment.role == before.role == "follower" and moment.received is None
        if calm and last > max(told[moment.node], moment.commit_index or 0):
            found.append(place)
    return _committed_from(moments, random.choice(found)) if found else None


def term_lowered(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick(
        (place for place, moment, before in previous(moments) if before.current_term), random
    )
    if place is None:
        return None
    before = next(before for at, _, before in previous(moments) if at == place)
    return with_fields(moments, place, current_term=(before.current_term or 0) - 1)


def commit_lowered(moments: list[Moment], random: Random) -> list[Moment] | None:
    places = {place: before for place, _, before in previous(moments) if before.commit_index}
    place = pick(iter(places), random)
    if place is None:
        return None
    return with_fields(moments, place, commit_index=(places[place].commit_index or 0) - 1)


def committed_cut_off(moments: list[Moment], random: Random) -> list[Moment] | None:
    places = (place for place, moment in enumerate(moments) if moment.commit_index)
    place = pick(places, random)
    if place is None:
        return None
    return with_fields(moments, place, last_index=(moments[place].commit_index or 0) - 1)


def leader_drops_entry(moments: list[Moment], random: Random) -> list[Moment] | None:
    places = {
        place: before
        for place, _, before in led(moments)
        if (before.last_index or 0) > (before.commit_index or 0)
    }
    place = pick(iter(places), random)
    if place is None:
        return None
    return with_fields(
        moments, place, last_index=(places[place].last_index or 0) - 1, last_term=None
    )


def _followers(moments: list[Moment]) -> Iterator[int]:
    """Where a node follows in a term that another one leads, and it never did."""
    led = {(one.node, one.current_term) for one in moments if one.role == "leader"}
    terms = {term for _, term in led}
    for place, one, before in previous(moments):
        if one.role == before.role == "follower" and one.current_term in terms:
            if (one.node, one.current_term) not in led:
                yield place


def second_leader(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick(_followers(moments), random)
    return None if place is None else with_fields(moments, place, role="leader")


def later_entry(moments: list[Moment], random: Random) -> list[Moment] | None:
    places = (place for place, moment, _ in previous(moments) if moment.last_index)
    place = pick(places, random)
    if place is None:
        return None
    return with_fields(moments, place, last_term=(moments[place].current_term or 0) + 3)


def _invented(moments: list[Moment], random: Random, **fields: Any) -> list[Moment] | None:
    nodes = sorted({moment.node for moment in moments})
    places = (place for place, _, before in previous(moments) if before.current_term)
    place = pick(places, random)
    if place is None or len(nodes) < 2:
        return None
    one = moments[place]
    told = message(
        sender=random.choice([node for node in nodes if node != one.node]),
        to=one.node,
        term=1,
        **fields,
    )
    more = one.model_copy(update={"received": told, "sent": None})
    return [*moments[: place + 1], more, *moments[place + 1 :]]


def call_invented(moments: list[Moment], random: Random) -> list[Moment] | None:
    call = {"index": 10**6, "log_term": 1, "entries": 1, "commit_index": 0}
    return _invented(moments, random, type="append_entries_call", **call)


def acknowledgement_invented(moments: list[Moment], random: Random) -> list[Moment] | None:
    return _invented(moments, random, type="append_entries_reply", index=10**6, granted=True)


def call_of_a_follower(moments: list[Moment], random: Random) -> list[Moment] | None:
    place = pick(_followers(moments), random)
    if place is None:
        return None
    one = moments[place]
    call = message(
        type="append_entries_call",
        sender=one.node,
        to=one.node + 1,
        term=one.current_term,
        index=0,
        log_term=0,
        entries=0,
        commit_index=0,
    )
    more = one.model_copy(update={"received": None, "sent": (call,)})
    return [*moments[: place + 1], more, *moments[place + 1 :]]


def snapshot_too_far(moments: list[Moment], random: Random) -> list[Moment] | None:
    places = (place for place, one in enumerate(moments) if one.commit_index is not None)
    place = pick(places, random)
    if place is None:
        return None
    index = (moments[place].commit_index or 0) + 1
    return with_fields(moments, place, snapshot_position=Position(term=1, index=index))


def changed_receipt(
    moments: list[Moment], random: Random, kind: str, **fields: Callable[[SeenMessage], Any]
) -> list[Moment] | None:
    """A message arrives as nobody sent it."""
    places = (
        place
        for place, one in enumerate(moments)
        if one.received is not None and one.received.type == kind
        if one.received.from_ != one.node
    )
    place = pick(places, random)
    if place is None:
        return None
    told = moments[place].received
    assert told is not None
    changes = {name: change(told) for name, change in fields.items()}
    return with_fields(moments, place, received=told.model_copy(update=changes))


def call_with_more_entries(moments: list[Moment], random: Random) -> list[Moment] | None:
    more = {"entries": lambda told: (told.entries or 0) + 1000}
    return changed_receipt(moments, random, "append_entries_call", **more)


def acknowledgement_raised(moments: list[Moment], random: Random) -> list[Moment] | None:
    more = {"index": lambda told: (told.index or 0) + 1000}
    return changed_receipt(moments, random, "append_entries_reply", **more)


def request_of_a_longer_log(moments: list[Moment], random: Random) -> list[Moment] | None:
    more = {"index": lambda told: (told.index or 0) + 1000}
    return changed_receipt(moments, random, "request_vote_call", **more)


def sent_otherwise(
    moments: list[Moment],
    random: Random,
    fits: Callable[[Moment, SeenMessage], bool],
    change: Callable[[Moment, SeenMessage], dict[str, Any]],
) -> list[Moment] | None:
    """A message is sent as it should not be, and arrives so."""
    places = (
        place
        for place, one in enumerate(moments)
        if any(fits(one, message) for message in one.sent or ())
    )
    place = pick(places, random)
    if place is None:
        return None
    one = moments[place]
    old = next(message for message in one.sent or () if fits(one, message))
    new = old.model_copy(update=change(one, old))
    changed = []
    for moment in moments:
        sent = tuple(new if message == old else message for message in moment.sent or ())
        received = new if moment.received == old else moment.received
        changed.append(moment.model_copy(update={"sent": sent or None, "received": received}))
    return changed


def acknowledges_what_it_has_not(moments: list[Moment], random: Random) -> list[Moment] | None:
    return sent_otherwise(
        moments,
        random,
        lambda one, told: told.type == "append_entries_reply" and told.granted is True,
        lambda one, told: {"index": (one.last_index or 0) + 1},
    )


def sends_in_a_later_term(moments: list[Moment], random: Random) -> list[Moment] | None:
    return sent_otherwise(
        moments,
        random,
        lambda one, told: True,
        lambda one, told: {"term": (one.current_term or 0) + 1},
    )


def votes_for_an_older_log(moments: list[Moment], random: Random) -> list[Moment] | None:
    """A candidate's request tells of a log that ends before its voter's."""
    latest: dict[v.NodeId, Moment] = {}
    asked: list[SeenMessage] = []
    for one in moments:
        told = one.received
        if told is not None and told.type == "request_vote_call" and told.log_term:
            voter = latest.get(one.node)
            granted = any(
                reply.type == "request_vote_reply"
                and (reply.from_, reply.to, reply.term) == (one.node, told.from_, told.term)
                and reply.granted
                for other in moments
                for reply in other.sent or ()
            )
            if granted and voter is not None and voter.last_term == told.log_term:
                asked.append(told)
        latest[one.node] = one
    if not asked:
        return None
    call = random.choice(asked)
    return sent_otherwise(
        moments, random, lambda one, told: told == call, lambda one, told: {"log_term": 0}
    )


def committed_term_changed(moments: list[Moment], random: Random) -> list[Moment] | None:
    return sent_otherwise(
        moments,
        random,
        lambda one, told: (
            told.type == "append_entries_call"
            and 0 < (told.index or 0) <= (one.commit_index or 0)
            and (told.log_term or 0) > 1
            and told.term == one.current_term
        ),
        lambda one, told: {"log_term": (told.log_term or 0) - 1},
    )


EDITS: dict[str, Edit] = {
    edit.__name__: edit
    for edit in (
        acknowledgement_invented,
        acknowledgement_raised,
        acknowledgements_removed,
        acknowledges_what_it_has_not,
        call_invented,
        call_of_a_follower,
        call_with_more_entries,
        commit_lowered,
        committed_cut_off,
        committed_term_changed,
        follower_commits_early,
        later_entry,
        leader_commits_early,
        leader_drops_entry,
        request_of_a_longer_log,
        second_leader,
        sends_in_a_later_term,
        snapshot_too_far,
        term_lowered,
        vote_changed,
        vote_given_twice,
        votes_for_an_older_log,
        votes_refused,
        votes_removed,
    )
}
