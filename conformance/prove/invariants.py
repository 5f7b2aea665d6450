"""What one server's steps keep and do, for all terms and indices, whatever its membership.

For a server of some shape and an event, over the families of `conformance.prove.families`, the
specification's turn is run on symbolic numbers, and then the drain that executes all that is owed.
After each of the two:

- what is true of a server between its steps (`conformance.prove.standing`) is true again: so what
  step equivalence assumes is no more than what holds in every state;
- no property of a single server is broken (`spec.properties`: LOG, NODE, MEMBER; CHANGE, DISK,
  ACTION), nor what a crash between any two actions of the drain would leave on the disk.

Of the other servers `fits_reports` is assumed, and nothing else: messages may say anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

import z3

from conformance.prove.assumptions import is_event
from conformance.prove.counterexample import plain
from conformance.prove.families import families
from conformance.prove.family import Family
from conformance.prove.obligation import Counterexample, Level, Obligation, Result, Subjects
from conformance.prove.shapes import CHANGES, SELF, Shape, Unknowns
from conformance.prove.standing import STANDING, fits_reports, is_fit
from conformance.symbolic.paths import BudgetError, Paths, RepeatError
from spec.cluster import Disk, Member, Rule, Turn, execute, take
from spec.pending import NOTHING
from spec.properties import check_server, check_turn
from spec.values import (
    Event,
    Follower,
    Node,
    Refused,
    RequestVoteReply,
    Restart,
    SendMessage,
    Start,
)

PATHS: Final = 50_000
SECONDS: Final = 300.0
"""What one shape may take."""
TAIL: Final = "tk"
"""What a disk has where an owed write begins, of any term: the write takes its place."""


LEFT_OUT: Final = (
    "heartbeat/",
    "timeout of a leader/",
    "command/joined/",
    "command/anything owed",
    "election timeout/anything owed",
    "vote reply/anything owed",
    "drain/anything owed",
)


def obligations(level: Level) -> list[Obligation]:
    """All that is to be proved, in a fixed order."""
    return [
        Obligation(f"invariant/{family.name}", family.bounds, Proof(family).prove)
        for family in families(level)
        if is_chosen(family, level)
    ]


def is_chosen(family: Family, level: Level) -> bool:
    """Not all of the equivalence: each path takes as long as two there, with the drain after it.

    Quick leaves out what is like something else (a leader's timeout is a heartbeat, which is a
    proposal without an entry) or is owed besides; full takes shorter logs and calls, deep all.
    """
    if level == "quick":
        return not family.name.startswith(LEFT_OUT)
    if level == "deep":
        return True
    longest = 1 if family.name.startswith("append call/") else 2
    return int(family.bounds["entries"]) <= longest


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of one family."""

    family: Family

    def prove(self, subjects: Subjects) -> Result:
        """Every shape of the family, up to the first in which something is broken."""
        result, started = Result(), monotonic()
        for shape in dict.fromkeys(map(fitting, self.family.shapes)):
            try:
                _add(result, shape, subjects.rule)
            except (BudgetError, RepeatError) as error:
                result.result, result.detail = "unknown", f"{shape}: {error}"
            if result.result != "proved":
                break
        else:
            if not self.family.shapes:
                result.result, result.detail = "unknown", "there is no shape to prove it for"
        result.live = result.paths
        result.seconds = monotonic() - started
        return result


def _add(result: Result, shape: Shape, rule: Rule) -> None:
    """All paths of one shape; each is of numbers for which what is assumed holds."""
    paths = Paths(limit=PATHS, seconds=SECONDS)
    member, event = whole(shape, paths)
    _assume(paths, member, event)
    before, acted = result.paths, False
    for path in paths.run(lambda: wrong_with(member, event, rule)):
        result.paths += 1
        wrong, turn = path.result or (f"the specification raises {path.raised!r}", None)
        if wrong is None:
            acted = acted or (turn is not None and turn.after is not turn.before)
            continue
        server, taken = plain(member, path.model), plain(event, path.model)
        result.result, result.found = "refuted", _found(wrong, server, taken, rule, shape)
        result.detail = result.found.what
        break
    result.queries += paths.queries
    if result.result == "proved" and result.paths == before:
        result.result, result.detail = "unknown", f"there is no such server: {shape}"
    elif result.result == "proved" and acted != shape.acts:
        said = "nothing ever comes of it" if shape.acts else "it was to do nothing, and does"
        result.result, result.detail = "unknown", f"{said}: {shape}"


def wrong_with(member: Member, event: Event | None, rule: Rule) -> tuple[str | None, Turn | None]:
    """The first thing that is wrong with an event and the drain after it, and with which of them.

    Otherwise the event's turn.
    """
    first = None
    for turn in turns(member, event, rule):
        if (wrong := broken_by(turn)) is not None:
            return wrong, turn
        first = first or turn
    return None, first


def turns(member: Member, event: Event | None, rule: Rule) -> Iterator[Turn]:
    if event is None:
        yield execute(member)
        return
    turn = take(member, event, rule)
    yield turn
    if turn.after is not turn.before:
        yield execute(turn.after)


def broken_by(turn: Turn) -> str | None:
    """What a turn breaks: a property, or what is true of a server between its steps."""
    if isinstance(turn.event, Restart) and isinstance(turn.outcome, Refused):
        return f"the server cannot come up again: {turn.outcome.why}"
    if turn.after is turn.before:
        return None
    if (broken := check_turn(turn) or check_server(turn.after)) is not None:
        return f"{broken.property}: {broken.detail}"
    for one in STANDING:
        if not one.holds(turn.after):
            return f"no longer true: {one.words}"
    disk = turn.before.disk
    for done in turn.executed:
        if done.disk is not disk and not is_fit(turn.node, done.disk):
            return f"no server can come up from the disk before {done.action}"
        disk = done.disk
    return None


# A server with its disk


def fitting(shape: Shape) -> Shape:
    """The shape with a vote that fits the role, and what is owed."""
    server = shape.server
    if not isinstance(server.role, Follower):
        return replace(shape, server=replace(server, voted_for=SELF))
    told = [to for to, kind in server.owed.sends if kind == "vote reply"]
    if told and server.voted_for is None:
        return replace(shape, server=replace(server, voted_for=told[0]))
    return shape


def whole(shape: Shape, paths: Paths) -> tuple[Member, Event | None]:
    """A shape's server with its disk, and the event.

    A server that is started was never there, and one that restarts is down.
    """
    member, event = shape.made(paths)
    match event:
        case Start():
            return Member(Node(SELF)), event
        case Restart(term, voted_for, log):
            return Member(member.node, NOTHING, Disk(term, voted_for, log), up=False), event
    of, node, pending, log = Unknowns(paths), member.node, member.pending, member.node.log
    if pending.append is not None:
        log = log.truncated(pending.append.prev_position.index)
        log = log.appended(of.entries("the disk's log", log.last_position.term, TAIL, CHANGES))
    term, vote = node.current_term, node.voted_for
    if pending.save_current_term:
        term, vote = of.number("the disk's term"), None
    sends = tuple([_told(node, send) for send in pending.sends])
    return Member(node, pending._replace(sends=sends), Disk(term, vote, log)), event


def _told(node: Node, send: SendMessage) -> SendMessage:
    """A vote that was not given is denied."""
    match send.message:
        case RequestVoteReply(vote_granted=True) if send.to != node.voted_for:
            return SendMessage(send.to, replace(send.message, vote_granted=False))
    return send


def _holds(member: Member, event: Event | None) -> bool:
    """Whether the proof speaks of this.  Of a server that is down nothing counts but its disk."""
    if not member.up:
        return is_fit(member.node.id, member.disk) and is_event(event)
    return (
        all(one.holds(member) for one in STANDING)
        and is_event(event)
        and fits_reports(member, event)
    )


def _assume(paths: Paths, member: Member, event: Event | None) -> None:
    """Go only where that holds: for the numbers for which the predicates say so."""
    allowed = []
    for path in paths.run(lambda: _holds(member, event)):
        if path.raised is not None:
            raise path.raised
        if path.result:
            allowed.append(path)
    if len(allowed) == 1:
        paths.take(allowed[0].conditions)
    else:
        paths.assume(z3.Or([path.formula(paths) for path in allowed]))


def _found(
    what: str, member: Member, event: Event | None, rule: Rule, shape: Shape
) -> Counterexample:
    """The path's numbers, and whether they show it outside of the engine as well."""
    what = f"{what}, {shape}"
    try:
        wrong, turn = wrong_with(member, event, rule)
    except Exception:
        return Counterexample(what, Turn(member, member, event), replays=True)
    if wrong is None or turn is None:
        return Counterexample(what, Turn(member, member, event))
    return Counterexample(f"{wrong}, {shape}", turn, replays=True)
