"""A picture as one still drawing, SVG without scripts: for documents, and to be sent around.

Time goes down, a lane is a server; below are all logs, before the first event that is drawn and
after the last one.  It has the colours of the reader's system, light or dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import hypot
from textwrap import wrap
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from conformance.show import words
from conformance.show.model import Moment, Picture, Sending, Wrong
from conformance.show.text import ROLES, cell, clean
from spec.values import Log, NodeId

MOST: Final = 60
"""Events that are drawn; a drawing of more cannot be read."""

LEFT, TOP, ROW, SAID, CHARACTER = 34, 30, 26, 440, 6.7
CELL: Final = 27
"""Of a log."""
CROSS: Final = "\u00d7"
LINE: Final = 15
"""Of what is wrong."""

STYLE: Final = """
svg { --paper: #fff; --ink: #1b1f24; --soft: #68717d; --line: #d5dae1; --accent: #0969da;
  --wrong: #b3001b; --departs: #9a5b00; --back: #ffe3e6; --sat: 65%; --light: 82% }
@media (prefers-color-scheme: dark) { svg { --paper: #0f1318; --ink: #e2e7ee; --soft: #97a1ae;
  --line: #333b46; --accent: #6cb2ff; --wrong: #ff8a94; --departs: #ffc565; --back: #4a1a20;
  --sat: 40%; --light: 33% } }
text { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--ink); white-space: pre }
.paper { fill: var(--paper) } .row { fill: var(--back) } .soft { fill: var(--soft) }
.head { font-weight: 700 } .head, .mid, .glyph { text-anchor: middle } .end { text-anchor: end }
.term { fill: hsl(var(--hue) var(--sat) var(--light)) }
.line { fill: none; stroke: var(--ink) } .C { stroke-width: 2.5; stroke-dasharray: 7 4 }
.L { stroke-width: 5 } .down { stroke: var(--soft); stroke-dasharray: 2 5 }
.message { fill: none; stroke: var(--accent); stroke-width: 1.4 } .late { stroke-dasharray: 8 4 }
.repeated { stroke-dasharray: 2 3 } .lost, .unrecorded { stroke: var(--soft) }
.unsent { stroke: var(--wrong); stroke-dasharray: 2 2 } .tip { fill: var(--accent) }
.over { paint-order: stroke; stroke: var(--paper); stroke-width: 3px }
.dot { fill: var(--ink) } .bad { fill: var(--wrong) }
.hollow { fill: var(--paper); stroke: var(--ink) }
.glyph { fill: var(--paper); font-weight: 700 } .dark { fill: var(--ink) }
.wrong { fill: var(--wrong); font-weight: 700 } .departs { fill: var(--departs); font-weight: 700 }
.wrong, .departs { paint-order: stroke; stroke: var(--back); stroke-width: 4px }
.done { stroke: var(--ink); stroke-width: 2.5 }
.differs { fill: none; stroke: var(--wrong); stroke-width: 2 }
"""


def svg(picture: Picture) -> Iterator[str]:
    """The text, in pieces.  It ends with the first thing that is wrong, or else the last event."""
    wrong = picture.first_wrong
    last = wrong.place if wrong is not None and wrong.place is not None else len(picture.moments)
    yield from drawing(picture, max(1, last - MOST + 1), last)


def drawing(picture: Picture, first: int, last: int, title: str = "") -> Iterator[str]:
    """The events from one place to another."""
    yield from _Drawing(picture, first, last, title or "; ".join(picture.sources)).pieces()


def hue(term: int) -> int:
    """Of a term: neighbours differ, and none is as red as what is wrong."""
    return 75 + term * 139 % 225


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


class _Drawing:
    def __init__(self, picture: Picture, first: int, last: int, title: str) -> None:
        self.picture, self.first, self.last, self.title = picture, first, last, title
        lanes = len(picture.nodes)
        self.lane = 104 if lanes <= 3 else 84 if lanes <= 5 else 66
        self.said = LEFT + lanes * self.lane + 20
        """Where what happened is told."""
        self.width = self.said + SAID
        self.wrong: dict[int, list[Wrong]] = {}
        for one in picture.wrong:
            if one.place is not None and first <= one.place <= last:
                self.wrong.setdefault(one.place, []).append(one)
        self.below = {place: list(self._told(found)) for place, found in self.wrong.items()}
        """What is told below an event, as lines, each with its class."""
        self.tops: dict[int, float] = {}
        y = float(TOP)
        for place in range(first, last + 1):
            self.tops[place] = y
            y += ROW + LINE * len(self.below.get(place, ()))
        self.bottom = y + 4
        self.moments = picture.moments[first - 1 : last]
        self.before = {moment.node: moment for moment in picture.moments[: first - 1]}
        self.latest = {moment.node: moment for moment in picture.moments[:last]}

    def pieces(self) -> Iterator[str]:
        nodes, width = self.picture.nodes, self.width
        logs = 30 + (ROW - 2) * len(nodes)
        before = [self.before] if self.before and _shown(self.before) != _shown(self.latest) else []
        height = self.bottom + logs * (1 + len(before))
        yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
        yield f'width="{width}" height="{height:.0f}" role="img">\n'
        yield f"<title>{_escape(self.title)}</title>\n"
        yield f"<style>{STYLE}</style>\n"
        yield '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        yield 'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8Z" class="tip"/></marker>\n'
        seen = f"M0 {TOP - 4}H{width}V{self.bottom:.0f}H0Z"
        yield f'<clipPath id="run"><path d="{seen}"/></clipPath>\n'
        yield f'<rect class="paper" width="{width}" height="{height:.0f}" rx="6"/>\n'
        for node in nodes:
            yield _text(
                self._x(node), 18, "head", f"server {node}" if len(nodes) <= 7 else str(node)
            )
        for place in self.wrong:
            y, high = self.tops[place], ROW + LINE * len(self.below[place])
            yield f'<rect class="row" y="{y:.0f}" width="{width}" height="{high}"/>\n'
        yield '<g clip-path="url(#run)">\n'
        for node in nodes:
            yield from self._bands(node)
        for sending in self.picture.sendings:
            yield from self._message(sending)
        yield "</g>\n"
        for moment in self.moments:
            yield from self._event(moment)
        y = self.bottom + 18
        for latest in before:
            yield from self._logs(latest, f"before {self.first}", y)
            y += logs
        yield from self._logs(self.latest, f"after {self.last}", y)
        yield "</svg>\n"

    def _x(self, node: NodeId) -> float:
        return LEFT + self.picture.nodes.index(node) * self.lane + self.lane * 0.3

    def _y(self, place: int) -> float:
        """In the middle of an event's row; beyond what is drawn, out of sight."""
        if place < self.first:
            return TOP - ROW * (self.first - place)
        return self.tops[place] + ROW / 2 if place <= self.last else self.bottom + ROW

    def _told(self, found: list[Wrong]) -> Iterator[tuple[str, str]]:
        most = int(self.width / CHARACTER) - 8
        for one in found:
            said = f"{'??' if one.departure else '!!'} {one.name}: {one.detail}"
            lines = wrap(said, most)
            for line in [*lines[:3], "..."] if len(lines) > 3 else lines:
                yield "departs" if one.departure else "wrong", line

    def _bands(self, node: NodeId) -> Iterator[str]:
        """A lane: its terms as bands, its roles as lines."""
        x, own = self._x(node), [one for one in self.picture.moments if one.node == node]
        for moment, after in zip(own, [*own[1:], None], strict=True):
            start = max(self._y(moment.place), TOP - 4)
            end = self.bottom if after is None else min(self._y(after.place), self.bottom)
            if end <= start or moment.place > self.last:
                continue
            down = after is not None and words.GLYPHS[type(after.record.event)] == "^"
            state = moment.record.state
            if not down:
                colour = f'class="term" style="--hue:{hue(state.current_term)}"'
                box = f'x="{x - 10:.0f}" y="{start:.0f}" width="20" height="{end - start:.0f}"'
                yield f"<rect {colour} {box}/>"
            look = "down" if down else ROLES[state.role]
            yield f'<path class="line {look}" d="M{x:.0f} {start:.0f}V{end:.0f}"/>\n'

    def _message(self, sending: Sending) -> Iterator[str]:
        if sending.to not in self.picture.nodes:
            return
        if not sending.received and self.first <= (sending.sent or 0) <= self.last:
            yield from self._lost(sending)
        for again, place in enumerate(sending.received):
            if place >= self.first and (sending.sent or place) <= self.last:
                yield from self._arrival(sending, place, again > 0)

    def _lost(self, sending: Sending) -> Iterator[str]:
        x, y = self._x(sending.sender), self._y(sending.sent or 0)
        way = 1 if self._x(sending.to) > x else -1
        end = _Point(x + way * self.lane * 0.42, y + ROW * 0.45)
        yield _arrow(_Point(x, y), end, "lost", head=False)
        yield _text(end.x, end.y + 4, "mid over soft", CROSS)

    def _arrival(self, sending: Sending, place: int, again: bool) -> Iterator[str]:
        end = _Point(self._x(sending.to), self._y(place))
        name = words.name(sending.content)
        if sending.sent is None or sending.sender not in self.picture.nodes:
            start = _Point(end.x + self.lane * 0.45, end.y)
            yield _arrow(start, end, sending.fate)
            yield _text(start.x, start.y - 4, "over", f"{name} from nowhere")
            return
        start = _Point(self._x(sending.sender), self._y(sending.sent))
        late = sending.fate == "late"
        yield _arrow(start, end, "repeated" if again else "late" if late else "received")
        x = max(start.x, end.x) - self.lane * 0.28  # to the left of that is a server's state
        part = (x - start.x) / (end.x - start.x) if end.x != start.x else 0.0
        y = start.y + (end.y - start.y) * part + 3
        yield _text(x, y, "mid over", name + (" again" if again else " late" if late else ""))

    def _event(self, moment: Moment) -> Iterator[str]:
        x, y = self._x(moment.node), self._y(moment.place)
        shown = "hollow" if moment.record.actions is None else ""
        look = "bad" if moment.place in self.wrong else shown or "dot"
        said = "; ".join([words.event(moment, self.picture), *words.changes(moment)])
        done = "; ".join(words.actions(moment, self.picture))
        short = (
            said if len(said) * CHARACTER < SAID - 10 else said[: int(SAID / CHARACTER) - 4] + "..."
        )
        yield f"<g><title>{_escape(f'{said}; {done}' if done else said)}</title>"
        yield f'<circle class="{look}" cx="{x:.0f}" cy="{y:.0f}" r="8"/>'
        glyph = words.GLYPHS[type(moment.record.event)]
        yield _text(x, y + 4, "glyph dark" if look == "hollow" else "glyph", glyph)
        yield _text(x + 12, y + 10, "over", cell(moment.record.state))  # heads come from above
        yield _text(LEFT - 8, y + 4, "end soft", str(moment.place))
        yield _text(self.said, y + 4, "", short)
        for number, (look, line) in enumerate(self.below.get(moment.place, ())):
            yield _text(LEFT - 20, y + ROW - 4 + LINE * number, look, line)
        yield "</g>\n"

    def _logs(self, latest: dict[NodeId, Moment], said: str, y: float) -> Iterator[str]:
        """All logs at one time, one under the other by index."""
        most = int((self.width - LEFT - 130) / CELL)
        shown = [*self.before.values(), *self.latest.values()]
        last = max([1, *(one.record.state.last_position.index for one in shown)])
        start = max(1, last - most + 1)
        yield _text(8, y, "soft", said)
        for index in range(start, last + 1):
            yield _text(self._column(index - start), y, "mid soft", str(index))
        for node in self.picture.nodes:
            y += ROW - 2
            yield _text(8, y, "", f"server {node}")
            if node in latest:
                for index in range(start, last + 1):
                    column = self._column(index - start)
                    yield from self._entry(latest, node, index, _Point(column, y))

    def _column(self, number: int) -> float:
        return 120 + CELL * (number + 0.5)

    def _entry(
        self, latest: dict[NodeId, Moment], node: NodeId, index: int, at: _Point
    ) -> Iterator[str]:
        moment, (x, y) = latest[node], (at.x, at.y)
        log, state = moment.disk.log, moment.record.state
        if index <= log.snapshot_position.index:
            yield _text(x, y, "mid soft", "\u2592")
        elif index > state.last_position.index:
            return
        elif index > log.last_index:
            yield _text(x, y, "mid soft", "\u00b7")
        else:
            entry = log.entry(index)
            holds = words.entry(entry)
            box = f'x="{x - CELL / 2 + 1:.1f}" y="{y - 13:.0f}" width="{CELL - 2}" height="17"'
            yield f'<rect class="term entry" style="--hue:{hue(entry.term)}" {box}/>'
            if index <= state.commit_index:
                yield f'<path class="done" d="M{x - 12.5:.1f} {y + 5:.0f}h25"/>'
            if _committed_otherwise(latest, index, entry.term):
                yield f'<rect class="differs" {box}/>'
            yield _text(x, y, "mid", holds if len(holds) <= 3 else f"{entry.term}M")


def _shown(latest: dict[NodeId, Moment]) -> dict[NodeId, tuple[Log, int]]:
    """What is drawn of logs, by the server."""
    return {node: (one.disk.log, one.record.state.commit_index) for node, one in latest.items()}


def _committed_otherwise(latest: dict[NodeId, Moment], index: int, term: int) -> bool:
    """Whether some server knows another entry to be committed there."""
    return any(
        one.disk.log.snapshot_position.index < index <= one.record.state.commit_index
        and index <= one.disk.log.last_index
        and one.disk.log.entry(index).term != term
        for one in latest.values()
    )


def _arrow(start: _Point, end: _Point, fate: str, head: bool = True) -> str:
    """It ends at the rim of the receiver's dot."""
    length = hypot(end.x - start.x, end.y - start.y) or 1
    part = (length - 9) / length if head else 1
    x, y = start.x + (end.x - start.x) * part, start.y + (end.y - start.y) * part
    tip = ' marker-end="url(#head)"' if head else ""
    path = f"M{start.x:.0f} {start.y:.0f}L{x:.1f} {y:.1f}"
    return f'<path class="message {fate}" d="{path}"{tip}/>\n'


def _text(x: float, y: float, look: str, said: str) -> str:
    named = f" class={quoteattr(look)}" if look else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{named}>{_escape(said)}</text>\n'


def _escape(said: str) -> str:
    """As text, in ASCII: what writes it down may have any encoding."""
    return escape(clean(said)).encode("ascii", "xmlcharrefreplace").decode()
