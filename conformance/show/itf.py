"""A picture in the Informal Trace Format, which Apalache and Quint write and trace viewers read.

https://apalache-mc.org/docs/adr/015adr-trace.html.  There is a state for each event; what led to it
is in `mbt::actionTaken`, as with Quint.  What there may be none of is a set: readers disagree about
variants.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from conformance.observe.observed import Observed
from conformance.show import words
from conformance.show.model import Picture
from conformance.show.text import clean
from spec import values as v
from spec.cluster import Disk, Snapshot

VARIABLES: Final = (
    *("role", "term", "voted_for", "commit_index", "last_position", "disk"),
    *("network", "wrong", "mbt::actionTaken", "at"),
)
"""By server what it showed, and what was on its disk; what was under way, of what arrived in the
end; what an audit found in the event; what the event was, and at which server."""


def itf(picture: Picture) -> Iterator[str]:
    """The text, in pieces.  A state has all logs in it: this is for short runs."""
    wrong: dict[int | None, list[str]] = {}
    for one in picture.wrong:
        wrong.setdefault(one.place, []).append(f"{one.name}: {clean(one.detail)}")
    head = {
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "description": "; ".join(map(clean, picture.sources)),
            "status": picture.verdict,
        },
        "params": [],
        "vars": list(VARIABLES),
    }
    yield json.dumps(head)[:-1] + ', "states": [\n'
    seen: dict[v.NodeId, tuple[Observed, Disk]] = {}
    under_way: dict[int, Any] = {}
    for moment in picture.moments:
        seen[moment.node] = moment.record.state, moment.disk
        if moment.received is not None:
            sending = picture.sendings[moment.received]
            if sending.received[-1] == moment.place:
                under_way.pop(sending.number, None)
        for number in moment.sent:
            sending = picture.sendings[number]
            if sending.received:
                under_way[number] = _message(sending.to, sending.content)
        state = {
            "#meta": {"index": moment.place - 1},
            "role": _by_node({node: shown.role for node, (shown, _) in seen.items()}),
            "term": _by_node({node: _int(one.current_term) for node, (one, _) in seen.items()}),
            "voted_for": _by_node(
                {node: _option(one.voted_for) for node, (one, _) in seen.items()}
            ),
            "commit_index": _by_node(
                {node: _int(one.commit_index) for node, (one, _) in seen.items()}
            ),
            "last_position": _by_node(
                {node: _value(one.last_position) for node, (one, _) in seen.items()}
            ),
            "disk": _by_node({node: _disk(disk) for node, (_, disk) in seen.items()}),
            "network": {"#set": _distinct(under_way)},
            "wrong": wrong.get(moment.place, []),
            "mbt::actionTaken": words.kind(moment.record),
            "at": _int(moment.node),
        }
        yield json.dumps(state) + ("\n" if moment.place == len(picture.moments) else ",\n")
    yield "]}\n"


def _distinct(under_way: dict[int, Any]) -> list[Any]:
    return list({json.dumps(one): one for one in under_way.values()}.values())


def _by_node(values: dict[v.NodeId, Any]) -> dict[str, Any]:
    return {"#map": [[_int(node), value] for node, value in sorted(values.items())]}


def _int(value: int) -> dict[str, str]:
    return {"#bigint": str(value)}


def _option(value: int | None) -> dict[str, Any]:
    return {"#set": [] if value is None else [_int(value)]}


def _message(to: v.NodeId, content: v.Message | Snapshot) -> dict[str, Any]:
    """A record with the fields that every message has: a set of records of one type."""
    return {
        "kind": type(content).__name__,
        "source": _int(content.sender),
        "destination": _int(to),
        "content": words.message(content),
    }


def _disk(disk: Disk) -> dict[str, Any]:
    log = disk.log
    return {
        "term": _int(disk.current_term),
        "voted_for": _option(disk.voted_for),
        "snapshot": _value(log.snapshot_position),
        "entries": [{"term": _int(one.term), "payload": words.payload(one)} for one in log.entries],
    }


def _value(position: v.Position) -> dict[str, Any]:
    return {"term": _int(position.term), "index": _int(position.index)}
