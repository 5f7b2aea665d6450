"""Diagrams of what there is: roles, what a leader does about a peer, rooms, the path of an event.

What is drawn is found in the code; where it is drawn is written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from conformance.show.svg import STYLE
from spec.pending import Pending
from tests.pictures.states import Edge, all_peers, all_roles

ROOT: Final = Path(__file__).parents[2]

LOOK: Final = """
.box { fill: hsl(var(--hue) var(--sat) var(--light)); stroke: var(--ink) }
.plain { fill: none; stroke: var(--soft) }
.edge { fill: none; stroke: var(--accent); stroke-width: 1.4 }
.name { font-size: 13px; font-weight: 700; text-anchor: middle }
"""
HEAD: Final = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'orient="auto"><path d="M0 0L8 4L0 8Z" class="tip"/></marker>\n'
)

WHY: Final = {
    "ElectionTimeout": "its timer runs out",
    "TimeoutNow": "the leader wants it to (TimeoutNow)",
    "CreateCluster": "it founds a cluster",
    "RequestVoteReply": "votes of a majority",
    "AppendEntriesCall": "a call of its term's leader",
    "AppendEntriesReply": "its removal is committed",
    "StepDown": "its user wants it to",
    "Restart": "restarts from its disk",
}
"""What an edge says, where it does not say it itself."""


def svg(width: int, height: int, title: str, *parts: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{LOOK}</style>\n{HEAD}"
        f'<rect class="paper" width="{width}" height="{height}" rx="6"/>\n{"".join(parts)}</svg>\n'
    )


def text(x: float, y: float, said: str, look: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{look}">{escape(said)}</text>\n'


def box(x: float, y: float, wide: float, high: float, look: str, hue: int = 210) -> str:
    at = f'x="{x:.0f}" y="{y:.0f}" width="{wide:.0f}" height="{high:.0f}" rx="5"'
    return f'<rect class="{look}" style="--hue:{hue}" {at}/>\n'


def arrow(path: str) -> str:
    return f'<path class="edge" d="{path}" marker-end="url(#head)"/>\n'


# States


@dataclass(frozen=True, slots=True)
class Way:
    """How an edge is drawn: a curve, and where its words begin."""

    path: str
    x: int
    y: int
    look: str = "mid"


WIDE, HIGH = 120, 40


def state_diagram(
    title: str,
    found: set[Edge],
    places: Mapping[str, tuple[int, int]],
    ways: Mapping[tuple[str, str], Way],
    size: tuple[int, int],
    words: Mapping[str, str],
) -> str:
    """Raises KeyError where an edge was found that nothing says how to draw."""
    parts = []
    pairs = sorted({(one.before, one.after) for one in found})
    parts += [arrow(ways[pair].path) for pair in pairs]
    for pair in pairs:
        way = ways[pair]
        whys = sorted(one.why for one in found if (one.before, one.after) == pair)
        for number, why in enumerate(whys):
            said = words.get(why) or WHY.get(why, why)
            parts.append(text(way.x, way.y + 14 * number, said, f"over {way.look}"))
    for number, (name, (x, y)) in enumerate(places.items()):
        parts.append(box(x - WIDE / 2, y - HIGH / 2, WIDE, HIGH, "box", 90 + 60 * number))
        parts.append(text(x, y + 5, name.lower(), "name"))
    return svg(*size, title, *parts)


def roles() -> str:
    places = {
        "Follower": (120, 190),
        "Candidate": (450, 190),
        "Leader": (780, 190),
        "down": (450, 350),
    }
    ways = {
        ("Follower", "Candidate"): Way("M180 180Q285 150 388 178", 285, 118),
        ("Candidate", "Follower"): Way("M390 202Q285 232 182 202", 285, 242),
        ("Candidate", "Candidate"): Way("M420 170C400 110 500 110 481 168", 450, 104),
        ("Candidate", "Leader"): Way("M510 180Q615 150 718 178", 615, 132),
        ("Leader", "Follower"): Way("M780 170C750 40 150 40 121 168", 450, 24),
        ("Follower", "down"): Way("M100 210Q130 330 388 342", 118, 290, ""),
        ("Candidate", "down"): Way("M450 210V328", 456, 290, ""),
        ("Leader", "down"): Way("M780 210Q750 340 512 346", 700, 320, ""),
        ("down", "Follower"): Way("M390 358Q90 370 84 212", 150, 376, ""),
    }
    words = {
        "SnapshotInstalled": "a leader's snapshot is installed",
        "the end of a drain": "an only voter's vote is on its disk",
    }
    return state_diagram("The roles of a server", all_roles(), places, ways, (900, 390), words)


def peers() -> str:
    places = {
        "replicate": (660, 90),
        "probe": (220, 90),
        "catch up": (440, 210),
        "snapshot": (220, 350),
    }
    ways = {
        ("", "replicate"): Way("M660 20V68", 668, 30, ""),
        ("replicate", "probe"): Way("M600 80Q440 40 282 80", 440, 50),
        ("probe", "replicate"): Way("M280 100Q440 130 598 100", 440, 132),
        ("probe", "catch up"): Way("M250 110Q290 190 378 208", 300, 172, ""),
        ("catch up", "replicate"): Way("M500 206Q620 190 640 112", 496, 246, ""),
        ("probe", "snapshot"): Way("M205 110V328", 12, 240, ""),
        ("snapshot", "probe"): Way("M230 330V112", 238, 270, ""),
        ("replicate", "snapshot"): Way("M690 110Q680 330 282 342", 370, 312, ""),
        ("snapshot", "replicate"): Way("M280 358Q750 380 715 112", 600, 374, ""),
    }
    words = {
        "RequestVoteReply": "the server is elected",
        "ProposeConfig": "the peer joins",
        "SnapshotInstalled": "the leader compacts its log",
        "the end of a drain": "what it lacked is sent",
    }
    title = "What a leader does about a peer"
    return state_diagram(title, all_peers(), places, ways, (860, 400), words)


# The house


def house() -> str:
    """The drawing of ARCHITECTURE.md, room by room: each may import what is below it."""
    drawing = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```text\n")[1]
    lines = [line.rstrip() for line in drawing.split("```")[0].splitlines()]
    return svg(900, 40 * len(lines) + 10, "What may import what", *_floors(lines))


def _floors(lines: list[str]) -> Iterator[str]:
    for floor, line in enumerate(lines):
        outer, y = not line.startswith("  "), 8 + 40 * floor
        names, _, what = (line, "", "") if outer else line.strip().partition("  ")
        rooms = re.findall(r"[\w/]+", names)
        wide = 360 / len(rooms)
        for number, room in enumerate(rooms):
            x = 8 + wide * number
            yield box(x, y, wide - 6, 32, "box", 40 if outer else 90 + floor * 97 % 200)
            yield text(x + wide / 2 - 3, y + 21, room, "name")
        told = [part.strip() for part in what.replace("`", "").split("|") if part.strip()]
        for number, part in enumerate(told):
            yield text(378, y + 20 + 13 * (number - (len(told) - 1) / 2), part)


# The path of an event


OWED: Final = {
    "set_election_timeout": ("sets the timer", "timer"),
    "save_current_term": ("saves the term", "disk"),
    "save_voted_for": ("saves the vote", "disk"),
    "calls": ("calls to single peers, or a snapshot", "network"),
    "broadcast": ("a call to all others", "network"),
    "append": ("writes, or removes, entries", "disk"),
    "sends": ("replies", "network"),
}
"""What the fields of `Pending` stand for, and where it goes."""


HAPPENS: Final = (
    *("a message arrives", "a timer runs out", "a client proposes"),
    *("a snapshot is durable", "it restarts"),
)


def path() -> str:
    """An event on its way through a node; what is owed is in the order of the specification."""
    parts = [box(10, 40, 170, 130, "plain"), text(95, 60, "what happens", "name")]
    parts += [text(95, 84 + 18 * at, said, "mid") for at, said in enumerate(HAPPENS)]
    parts += [
        arrow("M182 105H218"),
        box(220, 75, 200, 60, "box"),
        text(320, 100, "one rule", "name"),
    ]
    parts += [text(320, 120, "node, event -> node, owed", "mid"), arrow("M422 105H458")]
    high = 34 + 24 * len(Pending._fields)
    parts += [
        box(460, 10, 290, high, "plain"),
        text(605, 30, "owed, executed in this order", "name"),
    ]
    for number, name in enumerate(Pending._fields):
        what, where = OWED[name]
        y = 54 + 24 * number
        parts.append(text(472, y, f"{number + 1}. {what}"))
        parts += [arrow(f"M752 {y - 4}H774"), text(780, y, where, "soft")]
    said = "then the drain has ended: the own copy counts, and may commit"
    parts.append(text(840, high + 28, said, "soft end"))
    return svg(850, high + 40, "The path of an event", *parts)


DIAGRAMS: Final = {"roles": roles, "peers": peers, "house": house, "path": path}
