"""A picture as text: a line an event, a column a server; ASCII, for terminals and logs.

#  0          1          2
4 +C1 0/1     |          |          founds {0,1,2} at t0i1; saves term 1; saves vote 0; ...
"""

from __future__ import annotations

from collections.abc import Iterator

from conformance.observe.observed import Observed
from conformance.show import words
from conformance.show.model import ORDERS, Moment, Picture, Wrong
from spec.values import NodeId

LEGEND = """\
A line an event, a column a server: role, term, committed/last index.
  F3 5/7  follower in term 3, has committed 5 of 7 entries; C candidate; L leader; | as before
  * starts  ^ restarts after a crash  = checkpoint  < receives  ! timer  ~ heartbeat  @ snapshot
  + command, membership, founding  - steps down, hands over
  RV RequestVote  AE AppendEntries  IS InstallSnapshot; + granted, accepted  - not; #4 its number
  t2i5 index 5 in term 2; [2T 2c] a new term's entry and a command, both of term 2
  > 1,2 sends to 1 and 2; 1x never received  1~ late  1= received again  1? not recorded
  (actions pending) what it has to save, write and send waits until after a later event
  !! a property is broken  ?? the specification would have done otherwise
"""

ROLES = {"follower": "F", "candidate": "C", "leader": "L"}


def text(picture: Picture, legend: bool = True) -> Iterator[str]:
    """The lines, each with its line feed."""
    if legend:
        yield LEGEND
        for source in picture.sources:
            yield f"  {clean(source)}\n"
        yield f"  {ORDERS[picture.order]}\n\n"
    yield from lines(picture)
    if legend:
        yield "\n"
        yield from summary(picture)


def lines(picture: Picture) -> Iterator[str]:
    """The events alone, under the servers' names."""
    width = _width(picture)
    place_width = max(3, len(str(len(picture.moments))))
    heads = "".join(f" {node:<{width}}" for node in picture.nodes)
    yield f"{'#':>{place_width}} {heads}".rstrip() + "\n"
    wrong: dict[int | None, list[Wrong]] = {}
    for one in picture.wrong:
        wrong.setdefault(one.place, []).append(one)
    seen: set[NodeId] = set()
    for moment in picture.moments:
        seen.add(moment.node)
        yield line(moment, picture, seen, width, place_width) + "\n"
        for one in wrong.get(moment.place, ()):
            yield f"{' ' * place_width} {_wrong(one)}\n"


def line(moment: Moment, picture: Picture, seen: set[NodeId], width: int, place_width: int) -> str:
    """One event.  `seen`: the servers that have had one."""
    cells = ""
    for node in picture.nodes:
        if node == moment.node:
            glyph = words.GLYPHS[type(moment.record.event)]
            cells += f"{glyph}{cell(moment.record.state):<{width}}"
        else:
            cells += f" {'|' if node in seen else '':<{width}}"
    said = "; ".join([words.event(moment, picture), *words.changes(moment)])
    done = "; ".join(words.actions(moment, picture))
    return f"{moment.place:>{place_width}} {cells} {said}" + (f"; {done}" if done else "")


def cell(state: Observed) -> str:
    """What a server shows, in short."""
    last = state.last_position.index
    return f"{ROLES[state.role]}{state.current_term} {state.commit_index}/{last}"


def summary(picture: Picture) -> Iterator[str]:
    """What was wrong with all of it, or that nothing was found."""
    for problem in picture.unread:
        yield f"not read to its end: {clean(problem)}\n"
    for place in picture.against_order:
        yield f"event {place} was received before anything like it was sent\n"
    for one in picture.wrong:
        if one.place is None:
            yield f"{_wrong(one)}\n"
    first = picture.first_wrong
    if first is None:
        yield f"The audit's verdict: {picture.verdict}.\n"
    else:
        where = "" if first.place is None else f" at event {first.place}"
        yield f"The audit's verdict: {picture.verdict}, first {clean(first.name)}{where}.\n"


def clean(string: str) -> str:
    """Text from outside, on one line and without orders to a terminal."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in string)


def _wrong(one: Wrong) -> str:
    node = "" if one.node is None else f" node {one.node}"
    return clean(f"{'??' if one.departure else '!!'}{node} {one.name}: {one.detail}")


def _width(picture: Picture) -> int:
    """Of a column: of what stands in it, and of the names."""
    cells = (len(cell(moment.record.state)) for moment in picture.moments)
    return 1 + max([9, *cells, *(len(str(node)) for node in picture.nodes)])
