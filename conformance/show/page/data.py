"""A picture as plain values, which the page's script reads.

What is repeated is told once: a message in `sendings`, and a log as what was written to it.
Integers that a browser would round are strings.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from conformance.observe.observed import Checkpoint
from conformance.observe.show import show, show_field
from conformance.show import words
from conformance.show.expected import expected
from conformance.show.model import ORDERS, Moment, Picture, Wrong
from conformance.show.short import decision, in_short
from conformance.show.text import ROLES, clean
from spec import properties
from spec import values as v
from spec.cluster import Snapshot

MOST_EXPECTED: Final = 20
"""For so many of what is wrong it is told what the specification would have done."""

EXACT: Final = 2**53
"""Integers below it are numbers in a browser."""

TABLES: Final[tuple[Any, ...]] = (
    *(properties.LOG, properties.NODE, properties.MEMBER, properties.PAIR, properties.CLUSTER),
    *(properties.HISTORY, properties.CHANGE, properties.QUORUM, properties.DISK),
    *(properties.TURN, properties.RECEIVE, *properties.ACTION.values()),
)
SOURCES: Final = {one.name: one.source for table in TABLES for one in table} | {
    "VoteForUpToDateLog": "§5.4.1"
}
"""Where the paper has a property."""


def plain(picture: Picture) -> dict[str, Any]:
    """All that the page shows, as JSON can say it."""
    lanes = {node: lane for lane, node in enumerate(picture.nodes)}
    first = picture.first_wrong
    return {
        "nodes": [str(node) for node in picture.nodes],
        "order": ORDERS[picture.order],
        "causal": picture.order == "causal",
        "sources": [clean(source) for source in picture.sources],
        "unread": [clean(problem) for problem in picture.unread],
        "against": picture.against_order,
        "verdict": picture.verdict,
        "moments": [_moment(moment, picture, lanes) for moment in picture.moments],
        "sendings": [
            [
                words.message(one.content),
                words.name(one.content),
                "" if isinstance(one.content, Snapshot) else _number(one.content.term),
                lanes.get(one.sender, -1),
                lanes.get(one.to, -1),
                str(one.sender),
                str(one.to),
                one.sent or 0,
                one.received,
                one.fate,
            ]
            for one in picture.sendings
        ],
        "wrong": [_wrong(one, picture, count) for count, one in enumerate(picture.wrong)],
        "pending": words.PENDING,
        "first": picture.wrong.index(first) if first is not None else -1,
        "short": list(_short(picture)),
    }


def _moment(moment: Moment, picture: Picture, lanes: dict[v.NodeId, int]) -> list[Any]:
    """lane, glyph, kind, state, what happened, what changed, message received, actions, log"""
    return [
        lanes[moment.node],
        words.GLYPHS[type(moment.record.event)],
        words.kind(moment.record),
        _state(moment),
        words.event(moment, picture),
        words.changes(moment),
        -1 if moment.received is None else moment.received,
        words.actions(moment, picture),
        moment.sent,
        list(_log(moment)),
    ]


def _state(moment: Moment) -> list[Any]:
    """role, term, vote, commit index, last position, snapshot, membership, leader, saved term and
    vote, the latest call that a quorum has answered"""
    state, disk = moment.record.state, moment.disk
    return [
        ROLES[state.role],
        _number(state.current_term),
        _name(state.voted_for),
        _number(state.commit_index),
        _number(state.last_position.term),
        _number(state.last_position.index),
        show(state.snapshot_position),
        words.config(state.config),
        _name(state.leader) if state.leader_given else "not told",
        _number(disk.current_term),
        _name(disk.voted_for),
        "not told" if state.confirmed is None else show_field("confirmed", state.confirmed),
    ]


def _log(moment: Moment) -> Iterable[list[Any]]:
    """What became of the log on the disk: a new one, a snapshot, writes."""
    match moment.record.event:
        case v.Start():
            yield ["new", 0, 0, []]
        case v.Restart(log=log) | Checkpoint(disk=v.Restart(log=log)):
            yield ["new", *_position(log.snapshot_position), _runs(log.entries)]
        case v.SnapshotInstalled(position) if moment.record.outcome is True:
            yield ["snapshot", *_position(position)]
    for action in moment.record.actions or ():
        if isinstance(action, v.AppendLogEntries):
            yield ["write", *_position(action.prev_position), _runs(action.entries)]


def _runs(entries: v.Entries) -> list[list[Any]]:
    """Equal entries that follow one another as one: how many, the term, what they hold."""
    return [
        [len(list(equal)), _number(entry.term), words.entry(entry)]
        for entry, equal in groupby(entries)
    ]


def _position(position: v.Position) -> tuple[int | str, int | str]:
    return _number(position.term), _number(position.index)


def _number(value: int) -> int | str:
    return value if value < EXACT else str(value)


def _name(node: v.NodeId | None) -> str:
    return "nobody" if node is None else str(node)


def _short(picture: Picture) -> Iterable[list[Any]]:
    """question, answer, event (0: none)"""
    first = picture.first_wrong
    if first is None or first.place is None:
        return
    told = expected(picture, first.place) if picture.specified and not first.note else None
    for one in in_short(picture, told, SOURCES.get(first.name, "")):
        yield [one.question, one.said, one.place or 0]


def _wrong(one: Wrong, picture: Picture, count: int) -> dict[str, Any]:
    told = None
    asked = picture.specified and not one.note and count < MOST_EXPECTED
    if asked and one.place is not None:
        told = expected(picture, one.place)
    rows = told.rows if told else ()
    shown = one.departure and any(row.differs for row in rows)
    detail = decision(one) if shown else one.detail  # the rows say what differs
    return {
        "name": clean(one.name),
        "source": SOURCES.get(one.name, ""),
        "detail": clean(detail),
        "node": "" if one.node is None else str(one.node),
        "place": one.place or 0,
        "departure": one.departure,
        "note": clean(one.note),
        "alone": bool(told and told.alone),
        "rows": [[row.part, row.specified, row.found] for row in rows],
    }
