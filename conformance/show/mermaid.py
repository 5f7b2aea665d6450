"""A picture as a Mermaid sequence diagram, which GitHub and others draw from a fenced block.

A diagram of many steps cannot be read: it ends with the first thing that is wrong, or else the last
event, and has at most `MOST` events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from conformance.show import words
from conformance.show.model import Moment, Picture
from conformance.show.text import cell, clean

MOST: Final = 60

ARROWS = {"lost": "-x", "unrecorded": "-x", "late": "-->>", "repeated": "-->>"}
"""An arrow with a cross for what was never received; a dashed one for what came late or again."""


def mermaid(picture: Picture) -> Iterator[str]:
    """The lines, each with its line feed.  A message is drawn when it arrives, or was lost."""
    wrong = picture.first_wrong
    last = wrong.place if wrong is not None and wrong.place is not None else len(picture.moments)
    first = max(0, last - MOST)
    yield "sequenceDiagram\n"
    for node in picture.nodes:
        yield f"    participant n{node} as {node}\n"
    if first:
        yield from _note(picture.nodes[0], f"{first} events before this are left out")
    for moment in picture.moments[first:last]:
        yield from _moment(moment, picture)
    for one in picture.wrong:
        if one.place == last:
            node = picture.moment(last).node
            yield from _note(node, f"{one.name}: {one.detail}")


def _moment(moment: Moment, picture: Picture) -> Iterator[str]:
    node = moment.node
    if moment.received is not None:
        sending = picture.sendings[moment.received]
        sender = sending.sender if sending.sender in picture.nodes else node
        arrow = ARROWS.get(sending.fate, "->>")
        yield f"    n{sender}{arrow}n{node}: {escape(words.message(sending.content))}\n"
        said = words.changes(moment)
    else:
        said = [words.event(moment, picture), *words.changes(moment)]
    if said:
        yield from _note(node, f"{cell(moment.record.state)}, {', '.join(said)}")
    for number in moment.sent:
        sending = picture.sendings[number]
        if sending.fate == "lost":
            yield f"    n{node}-xn{sending.to}: {escape(words.message(sending.content))}\n"


def _note(node: int, said: str) -> Iterator[str]:
    yield f"    Note over n{node}: {escape(said)}\n"


def escape(said: str) -> str:
    """As Mermaid and the page around it read it: as text.  The word `end` would end a block."""
    plain = "".join(f"#{ord(one)};" if one in "#;<>&\"'`%{}" else one for one in clean(said))
    return re.sub(r"\b([eE])nd\b", lambda word: f"#{ord(word[1])};nd", plain)
