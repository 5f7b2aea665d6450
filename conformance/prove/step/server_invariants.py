"""What one server's steps keep and do, for all terms and indices, whatever its membership.

For a server of some shape and an event, over the families of `conformance.prove.step.families`, the
specification's turn is run on symbolic numbers, and then the drain that executes all that is owed.
After each of the two:

- what is true of a server between its steps (`server_lemmas` beside it) is true again: so what step
  equivalence assumes is no more than what holds in every state;
- no property of a single server is broken (`spec.properties`: LOG, NODE, MEMBER; CHANGE, DISK,
  TURN, ACTION), nor what a crash between any two actions of the drain would leave on the disk;
- what was sent is what step equivalence takes for a message.

Of the other servers `fits_reports` and `is_to_own_call` are assumed, and nothing else: messages may
say anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from conformance.observe.checking import check_server, check_turn
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.prove.step.asking import asked
from conformance.prove.step.assumptions import is_event, is_message
from conformance.prove.step.counterexample import plain
from conformance.prove.step.families import families
from conformance.prove.step.family import Family
from conformance.prove.step.server_lemmas import (
    SERVER_LEMMAS,
    fits_reports,
    is_fit,
    is_to_own_call,
    tells_vote,
)
from conformance.prove.step.shapes import CHANGES, SELF, Shape, Unknowns
from conformance.symbolic.paths import Model, Paths
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, execute, take
from spec.pending import NOTHING

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
        return asked(dict.fromkeys(map(fitting, self.family.shapes)), Kept(subjects.rule))


@dataclass(frozen=True, slots=True)
class Kept:
    """What an event and the drain after it break."""

    rule: Rule

    def made(self, shape: Shape, paths: Paths) -> tuple[Member, v.Event | None]:
        return whole(shape, paths)

    def allows(self, member: Member, event: v.Event | None) -> bool:
        """Of a server that is down nothing counts but its disk."""
        if not member.up:
            return is_fit(member.node.id, member.disk) and is_event(event)
        return (
            all(one.holds(member) for one in SERVER_LEMMAS)
            and is_event(event)
            and fits_reports(member, event)
            and is_to_own_call(member, event)
        )

    def judged(self, member: Member, event: v.Event | None) -> tuple[str | None, Turn | None]:
        """The first thing that is wrong with an event and the drain after it."""
        first = None
        for turn in turns(member, event, self.rule):
            if (wrong := broken_by(turn)) is not None:
                return wrong, turn
            first = first or turn
        return None, first

    def plain(self, member: Member, model: Model) -> Member:
        return plain(member, model)

    def words(self, wrong: str | Exception, shape: Shape) -> str:
        said = f"the specification raises {wrong!r}" if isinstance(wrong, Exception) else wrong
        return f"{said}, {shape}"

    def lines(self, wrong: str) -> tuple[str, ...]:
        return ()


def turns(member: Member, event: v.Event | None, rule: Rule) -> Iterator[Turn]:
    if event is None:
        yield execute(member, rule=rule)
        return
    turn = take(member, event, rule)
    yield turn
    if turn.after is not turn.before:
        yield execute(turn.after, rule=rule)


def broken_by(turn: Turn) -> str | None:
    """What a turn breaks: a property, or what is true of a server between its steps."""
    if isinstance(turn.event, v.Restart) and isinstance(turn.outcome, v.Refused):
        return f"the server cannot come up again: {turn.outcome.why}"
    broken = check_turn(turn)
    if turn.after is not turn.before:
        broken = broken or check_server(turn.after)
    if broken is not None:
        return f"{broken.property}: {broken.detail}"
    if turn.after is turn.before:
        return None
    for one in SERVER_LEMMAS:
        if not one.holds(turn.after):
            return f"no longer true: {one.words}"
    disk = turn.before.disk
    for done in turn.executed:
        match done.action:
            case v.BroadcastMessage(message) | v.SendMessage(message=message):
                if not (is_message(message) and is_numbered(message)):
                    return f"no server sends this: {message}"
        if done.disk is not disk and not is_fit(turn.node, done.disk):
            return f"no server can come up from the disk before {done.action}"
        disk = done.disk
    return None


def is_numbered(message: v.Message) -> bool:
    """Number 0 is that of no call: a reply to it would say nothing but the term."""
    return not isinstance(message, v.AppendEntriesCall) or message.seqno >= 1


# A server with its disk


def fitting(shape: Shape) -> Shape:
    """The shape with a vote that fits the role, and what is owed."""
    server = shape.server
    if not isinstance(server.role, v.Follower):
        return replace(shape, server=replace(server, voted_for=SELF))
    told = [to for to, kind in server.owed.sends if kind == "vote reply"]
    if told and server.voted_for is None:
        return replace(shape, server=replace(server, voted_for=told[0]))
    return shape


def whole(shape: Shape, paths: Paths) -> tuple[Member, v.Event | None]:
    """A shape's server with its disk, and the event.

    A server that is started was never there, and one that restarts is down.
    """
    member, event = shape.made(paths)
    match event:
        case v.Start():
            return Member(v.Node(SELF)), event
        case v.Restart(term, voted_for, log):
            return Member(member.node, NOTHING, Disk(term, voted_for, log), up=False), event
    of, node, pending, log = Unknowns(paths), member.node, member.pending, member.node.log
    if pending.append is not None:
        log = log.truncated(pending.append.prev_position.index)
        log = log.appended(of.entries("the disk's log's", log.last_position.term, TAIL, CHANGES))
    term, vote = node.current_term, node.voted_for
    if pending.save_current_term:
        term, vote = of.number("the disk's term"), None
    sends = tuple([_told(node, send) for send in pending.sends])
    timer = pending.set_election_timeout or any(map(tells_vote, sends))
    pending = pending._replace(sends=sends, set_election_timeout=timer)
    return Member(node, pending, Disk(term, vote, log)), event


def _told(node: v.Node, send: v.SendMessage) -> v.SendMessage:
    """A vote that was not given is denied."""
    match send.message:
        case v.RequestVoteReply(vote_granted=True) if send.to != node.voted_for:
            return v.SendMessage(send.to, replace(send.message, vote_granted=False))
    return send
