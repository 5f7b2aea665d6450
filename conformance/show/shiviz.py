"""A picture as a log for ShiViz: an event in two lines, the second with its vector clock.

https://bestchai.bitbucket.io/shiviz/.  The first line is the regular expression that reads the log;
the second is empty, for there is nothing to part it by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from conformance.show import words
from conformance.show.model import Picture
from conformance.show.text import cell, clean
from spec.values import NodeId

EXPRESSION: Final = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"
"""ShiViz's own default."""

Clock = dict[NodeId, int]


def clocks(picture: Picture) -> Iterator[Clock]:
    """The vector clock of each moment (Mattern; Fidge): of each server, how many of its events this
    one can depend on.  A server's latest clock is kept, and those of messages under way.
    """
    latest: dict[NodeId, Clock] = {}
    carried: dict[int, Clock] = {}
    for moment in picture.moments:
        clock = dict(latest.get(moment.node, {}))
        clock[moment.node] = clock.get(moment.node, 0) + 1
        if moment.received is not None:
            sending = picture.sendings[moment.received]
            for node, count in carried.get(sending.number, {}).items():
                clock[node] = max(count, clock.get(node, 0))
            if sending.received[-1] == moment.place:
                carried.pop(sending.number, None)
        for number in moment.sent:
            if picture.sendings[number].received:
                carried[number] = clock
        latest[moment.node] = clock
        yield clock


def shiviz(picture: Picture) -> Iterator[str]:
    """The lines, each with its line feed."""
    yield EXPRESSION + "\n\n"
    wrong: dict[int | None, str] = {}
    for one in picture.wrong:
        wrong.setdefault(one.place, f"{one.name}! ")
    for moment, clock in zip(picture.moments, clocks(picture), strict=True):
        said = "; ".join([words.event(moment, picture), *words.changes(moment)])
        event = clean(f"{wrong.get(moment.place, '')}{cell(moment.record.state)} {said}")
        named = {f"node{node}": count for node, count in sorted(clock.items())}
        yield f"{event}\nnode{moment.node} {json.dumps(named)}\n"
