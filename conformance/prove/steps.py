"""Everything that may happen to the acting server, step by step.

A drain is as many steps as it has actions, and one for its end: what has been executed so far is a
state of its own.  So a crash, which may fall between any two actions, is a step from any state at
all, and looks at nothing but the disk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import z3

from conformance.prove import claims
from conformance.prove.actor import Actor, Head, Unread, Window
from conformance.prove.logic import choose
from conformance.prove.shapes import Held
from conformance.prove.views import ACTOR, SENDER, TERM_OF, LogOf, entry_function
from spec.cluster import Disk, Member, Rule, Turn, come_back, crash, execute, take
from spec.pending import Pending
from spec.values import (
    ZERO,
    AppendEntriesCall,
    AppendEntriesReply,
    AppendLogEntries,
    BroadcastMessage,
    Entries,
    Entry,
    Event,
    InstallSnapshot,
    Leader,
    Message,
    Node,
    NodeId,
    Position,
    Receive,
    RequestVoteCall,
    RequestVoteReply,
    SendMessage,
    SnapshotInstalled,
)

OTHER = 2
"""Stands for any server that neither acts nor has sent the message."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a step has come to: the turn, the server after it, its logs where they have changed."""

    turn: Turn
    after: Member
    log: LogOf | None = None
    dlog: LogOf | None = None


@dataclass(slots=True)
class Happening:
    """`known`: the messages that are delivered, or owed from before, with whether they are owed."""

    run: Callable[[Rule], Ran]
    known: list[tuple[claims.Message, bool]] = field(default_factory=list)
    crashes: bool = False
    """Whether what was owed is forgotten."""


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` says what happens, `shape` to what of a server; `prepare` sets it up."""

    kind: str
    shape: str
    prepare: Callable[[Actor], Happening]


# Messages as claims


def call_as_claim(actor: Actor, call: AppendEntriesCall) -> claims.AppendCall:
    term = actor.paths.term
    first = call.prev_position.index + 1
    entries = [(term(first + k), actor.entry(entry)) for k, entry in enumerate(call.entries)]

    def entry(i: Any) -> Any:
        result = actor.created
        for index, one in reversed(entries):
            result = choose(i == index, one, result)
        return result

    return claims.AppendCall(
        call.sender,
        term(call.term),
        term(call.commit_index),
        term(call.prev_position.term),
        term(call.prev_position.index),
        term(call.prev_position.index + len(call.entries)),
        entry,
        tuple(index for index, _ in entries),
    )


def as_claim(actor: Actor, message: Message, to: NodeId | None) -> claims.Message:
    if id(message) in actor.claimed:
        return actor.claimed[id(message)]
    term = actor.paths.term
    match message:
        case AppendEntriesCall():
            return call_as_claim(actor, message)
        case AppendEntriesReply(sender, of, _, last):
            return claims.AppendReply(sender, term(of), term(last.term), term(last.index))
        case RequestVoteCall(sender, of, _, last):
            return claims.VoteCall(sender, term(of), term(last.term), term(last.index))
        case RequestVoteReply(sender, of, _, granted):
            assert to is not None
            return claims.VoteReply(sender, to, term(of), granted)


def owed_claims(actor: Actor, member: Member, old: Pending | None) -> list[claims.Message]:
    """The messages that a member owes and did not owe before."""
    pending, found = member.pending, []
    if pending.broadcast is not None and (old is None or pending.broadcast is not old.broadcast):
        found.append(as_claim(actor, pending.broadcast, None))
    known = {id(send.message) for send in old.sends} if old is not None else set()
    for send in pending.sends:
        if id(send.message) not in known:
            found.append(as_claim(actor, send.message, send.to))
    for to in pending.installs:
        if old is None or to not in old.installs:
            found.append(install_claim(actor, member.node, to))
    return found


def install_claim(actor: Actor, node: Node, to: NodeId) -> claims.Install:
    term, position = actor.paths.term, node.log.snapshot_position
    return claims.Install(
        ACTOR, to, term(node.current_term), term(position.term), term(position.index)
    )


def sent_claims(actor: Actor, turn: Turn) -> list[claims.Message]:
    """The messages that a turn handed to the network."""
    found: list[claims.Message] = []
    for done in turn.executed:
        match done.action:
            case BroadcastMessage(message):
                found.append(as_claim(actor, message, None))
            case SendMessage(to, message):
                found.append(as_claim(actor, message, to))
            case InstallSnapshot(to):
                found.append(install_claim(actor, turn.before.node, to))
    return found


# Events


def any_disk(actor: Actor) -> Disk:
    """What is on the disk is not looked at."""
    unread: Any = Unread("a term on the disk", actor.was.dterm)
    vote = Unread("a vote on the disk", actor.was.dvote)
    log: Any = Unread("a log on the disk")
    return Disk(unread, vote, log)  # type: ignore[arg-type]


def any_vote(actor: Actor) -> Any:
    return Unread("a vote", actor.was.vote)


def owed_write(actor: Actor, node: Node, owed: bool) -> AppendLogEntries | None:
    """A write of what the log has from some index on, or none."""
    term, log = actor.paths.term, node.log
    if not owed:
        actor.given(owes_write=False)
        return None
    at = Position(actor.number("synced_term"), actor.number("synced"))
    actor.ascending(log.snapshot_position.index, at.index, log.last_index)
    actor.given(owes_write=True, synced=term(at.index))
    of = actor.was.log(term(at.index))
    actor.links.append(term(at.term) == choose(term(at.index) == 0, 0, TERM_OF(of)))
    return AppendLogEntries(at, Rest(log, at.index))


class Rest:
    """The entries of a log after a symbolic index: which ones is decided when somebody asks."""

    def __init__(self, log: Any, after: Any) -> None:
        self._log, self._after, self._entries = log, after, None

    def _known(self) -> Any:
        return self._log.after(self._after)

    def __len__(self) -> int:
        return len(self._known())

    def __iter__(self) -> Any:
        return iter(self._known())

    def __getitem__(self, key: Any) -> Any:
        return self._known()[key]

    def __add__(self, more: Any) -> Any:
        return self._known() + more


def taking(
    actor: Actor,
    node: Node,
    event: Event,
    *,
    write: AppendLogEntries | None = None,
    owed: Message | None = None,
    to: NodeId | None = None,
    received: claims.Message | None = None,
) -> Happening:
    """A node takes an event; a write and a message, to one or to all, may be owed already."""
    pending = Pending(append=write)
    known: list[tuple[claims.Message, bool]] = []
    if owed is not None:
        if to is None:
            pending = pending._replace(broadcast=owed)
        else:
            pending = pending._replace(sends=(SendMessage(to, owed),))
        known.append((as_claim(actor, owed, to), True))
    if received is not None:
        known.append((received, False))
    actor.member = Member(node, pending, any_disk(actor))

    def run(rule: Rule) -> Ran:
        turn = take(actor.member, event, rule)
        log = None
        if turn.after.node.log is not node.log:
            log = actor.log_function(turn.after.node.log, actor.was.log, node.log)
        return Ran(turn, turn.after, log)

    return Happening(run, known)


def delivery(actor: Actor, node: Node, message: Message, **more: Any) -> Happening:
    claim = as_claim(actor, message, ACTOR)
    return taking(actor, node, Receive(message), received=claim, **more)


def call(actor: Actor, name: str, sender: NodeId, term: Any, window: Window) -> AppendEntriesCall:
    """A call, of which its claim is all that is known; of its entries as many as the window has."""
    number = actor.number
    if window.start == "snapshot":
        prev = Position(number(f"{name}_prev_term", 0), number(f"{name}_prev_index"))
        actor.case(actor.paths.term(prev.index) >= 1)
        actor.ascending(prev.term, term)
        entries = actor.entries(name, window.entries, prev.term, term)
    else:
        prev = ZERO
        founding = (Entry(0, actor.config),) if window.start == "founded" else ()
        entries = Held((*founding, *actor.entries(name, window.entries, 0, term)))
    commit, seqno = number(f"{name}_commit"), number(f"{name}_seqno")
    return AppendEntriesCall(sender, term, seqno, commit, prev, entries)


def owed_call(actor: Actor, node: Node, window: Window | None) -> AppendEntriesCall | None:
    """A call of the own term that is owed already, or none."""
    return None if window is None else call(actor, "owed", ACTOR, node.current_term, window)


def vote_call(actor: Actor, vote: Any) -> Happening:
    node, number = actor.node("any", None, vote), actor.number
    last = Position(number("their_term"), number("their_index"))
    return delivery(actor, node, RequestVoteCall(SENDER, number("mterm"), number("mseqno"), last))


def vote_reply(actor: Actor, node: Node, granted: bool, write: bool | None = None) -> Happening:
    reply = RequestVoteReply(SENDER, actor.number("mterm"), actor.number("mseqno"), granted)
    owed = None if write is None else owed_write(actor, node, write)
    return delivery(actor, node, reply, write=owed)


def append_call(actor: Actor, log: Window, message: Window, write: bool) -> Happening:
    """To a server that leads no term, or an earlier one: then it steps down first."""
    number, at = actor.number, actor.paths.term
    node = actor.node("any", log, any_vote(actor))
    owed = owed_write(actor, node, write)
    term = number("mterm", 1)
    actor.links.append(z3.Or(z3.Not(actor.was.leads), at(term) > at(node.current_term)))
    called = call(actor, "message", SENDER, term, message)
    return delivery(actor, node, called, write=owed)


def append_call_to_leader(actor: Actor) -> Happening:
    """Of its own term there is no other leader; an earlier one's is told of the term."""
    number = actor.number
    node = actor.node("leader", None, any_vote(actor))
    called = AppendEntriesCall(
        SENDER,
        number("mterm", 1),
        number("mseqno"),
        number("mcommit"),
        Position(number("prev_term"), number("prev_index")),
        (),
    )
    actor.case(actor.paths.term(called.term) <= actor.paths.term(node.current_term))
    return delivery(actor, node, called)


def append_reply(actor: Actor, log: Window | None, owed: Window | None) -> Happening:
    """`log` None: to a server that does not lead."""
    number = actor.number
    if log is None:
        node = actor.node("not a leader", None, any_vote(actor))
    else:
        node = actor.node("leader", log, any_vote(actor))
        assert isinstance(node.role, Leader)
        # The others but the sender are equals: in which order they stand is a matter of names.
        actor.ordered(*[peer.match for peer in node.role.peers if peer.node != SENDER])
    last = Position(number("their_term"), number("their_index"))
    reply = AppendEntriesReply(SENDER, number("mterm"), number("mseqno"), last)
    return delivery(actor, node, reply, owed=owed_call(actor, node, owed), to=SENDER)


def founded(actor: Actor, role: Any, log: Window | None = None) -> Node:
    """A node whose log is not empty, so that it has a configuration."""
    node = actor.node(role, log, any_vote(actor))
    actor.case(actor.paths.term(node.log.last_index) >= 1)
    return node


def event(
    actor: Actor, node: Node, what: Event, write: bool | None = None, owed: Window | None = None
) -> Happening:
    due = None if write is None else owed_write(actor, node, write)
    return taking(actor, node, what, write=due, owed=owed_call(actor, node, owed))


# Snapshots


def on_disk(actor: Actor, node: Node, write: bool, entries: int) -> Disk:
    """The disk's log: the one in memory if no write is owed, else its own after the snapshot."""
    log, at = node.log, actor.paths.term
    term = actor.number("dterm", 0)
    actor.ascending(term, node.current_term)
    actor.given(dterm=at(term))
    vote: Any = Unread("a vote on the disk", actor.was.dvote)
    if write:
        first: Any = log.snapshot_position
        if isinstance(first.index, int) and entries:
            founding = Entry(0, actor.config)
            own: Entries = Held((founding, *actor.entries("disk", entries - 1, 0, term)))
        else:
            own = actor.entries("disk", entries, first.term, term)
        log = log._replace(entries=own)
    actor.given(dlast=at(log.last_index))
    actor.is_log(log, actor.was.dlog)
    return Disk(term, vote, log)


def snapshot(
    actor: Actor,
    node: Node,
    make: Callable[[], SnapshotInstalled],
    prefix: LogOf | None,
    write: bool,
    entries: int,
    owed: Window | None = None,
) -> Happening:
    """`prefix`: the log that the snapshot stands for, if it is not the own one.

    While a term is to be saved, a snapshot is refused, and nothing changes.
    """
    due = owed_write(actor, node, write)
    disk = on_disk(actor, node, write, entries)
    called = owed_call(actor, node, owed)
    actor.given(owes_term=False)
    pending = Pending(append=due, broadcast=called)
    known = [] if called is None else [(as_claim(actor, called, None), True)]
    actor.member = member = Member(node, pending, disk)

    def run(rule: Rule) -> Ran:
        what = make()
        turn = take(member, what, rule)
        if turn.outcome is not True:
            return Ran(turn, turn.after)
        log, dlog = actor.was.log, actor.was.dlog
        if prefix is not None and not node.log.contains(what.position):
            log = prefix
        if not disk.log.contains(what.position):
            dlog = log
        after = turn.after
        return Ran(
            turn,
            after,
            actor.log_function(after.node.log, log, node.log),
            actor.log_function(after.disk.log, dlog, disk.log),
        )

    return Happening(run, known)


def compaction(
    actor: Actor, log: Window, write: bool, entries: int, owed: Window | None
) -> Happening:
    """The user compacts the log, up to what the node knows to be committed."""
    role: Any = "leader" if owed is not None else "any"
    node = actor.node(role, log, any_vote(actor))
    index = actor.number("compacted")
    actor.ordered(node.log.snapshot_position.index + 1, index, node.commit_index)

    def make() -> SnapshotInstalled:
        return SnapshotInstalled(node.log.position(index), node.log.config_at(index))

    return snapshot(actor, node, make, None, write, entries, owed)


def installation(actor: Actor, role: Any, log: Window, write: bool, entries: int) -> Happening:
    """A leader's snapshot arrives."""
    number, term = actor.number, actor.paths.term
    node = actor.node(role, log, any_vote(actor))
    position = Position(number("position_term", 0), number("position_index", 1))
    claim = claims.Install(
        SENDER, ACTOR, term(number("mterm", 1)), term(position.term), term(position.index)
    )

    def prefix(i: Any) -> Any:
        return actor.before.tlog(claim.term, i)

    happening = snapshot(
        actor, node, lambda: SnapshotInstalled(position, actor.config), prefix, write, entries
    )
    happening.known.append((claim, False))
    return happening


# Actions, one at a time


def one_action(actor: Actor, member: Member, known: claims.Message | None = None) -> Happening:
    """The first of the owed actions is executed."""
    actor.member = member

    def run(rule: Rule) -> Ran:
        turn = execute(member, 1)
        after = Member(member.node, without_first(member.pending), turn.after.disk)
        dlog = None
        if after.disk.log is not member.disk.log:
            dlog = actor.log_function(after.disk.log, actor.was.dlog, None)
        return Ran(turn, after, dlog=dlog)

    return Happening(run, [] if known is None else [(known, True)])


def without_first(pending: Pending) -> Pending:
    """What is left to execute once the first action is done; `Pending` has them in order."""
    for name, default in zip(pending._fields, Pending(), strict=True):
        owed = getattr(pending, name)
        if owed != default:
            rest: Any = {name: owed[1:] if name in ("sends", "installs") else default}
            return pending._replace(**rest)
    return pending


def save_term(actor: Actor) -> Happening:
    node = actor.node("any", None, any_vote(actor))
    term = actor.number("dterm", 0)
    actor.ascending(term, node.current_term)
    actor.given(owes_term=True, dterm=actor.paths.term(term))
    disk = any_disk(actor)._replace(current_term=term)
    return one_action(actor, Member(node, Pending(save_current_term=True), disk))


def save_vote(actor: Actor, vote: NodeId | None) -> Happening:
    node = actor.node("any", None, vote)
    actor.given(owes_term=False, owes_vote=True)
    return one_action(actor, Member(node, Pending(save_voted_for=True), saved(actor, node)))


def saved(actor: Actor, node: Node, vote: Any = None) -> Disk:
    """A disk that has the term; the vote too, if one is given."""
    actor.given(dterm=actor.paths.term(node.current_term))
    if vote is None:
        vote = Unread("a vote on the disk", actor.was.dvote)
    log = Unread("a log on the disk")
    return Disk(node.current_term, vote, log)  # type: ignore[arg-type]


def abstract_call(actor: Actor, node: Node, name: str) -> AppendEntriesCall:
    """A call with any number of entries, which is passed on as it is."""
    number, at = actor.number, actor.paths.term
    prev = Position(number(f"{name}_prev_term"), number(f"{name}_prev_index"))
    last = number(f"{name}_last")
    entries: Any = Unread("the entries of a call")
    commit, seqno = number(f"{name}_commit"), number(f"{name}_seqno")
    called = AppendEntriesCall(ACTOR, node.current_term, seqno, commit, prev, entries)
    claim = claims.AppendCall(
        ACTOR,
        at(node.current_term),
        at(commit),
        at(prev.term),
        at(prev.index),
        at(last),
        entry_function(f"{name}_entry"),
    )
    actor.message(called, claim)
    return called


def broadcast(actor: Actor, what: str) -> Happening:
    node = actor.node("any", None, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False)
    number = actor.number
    message: Message
    if what == "vote call":
        last = Position(number("asked_term"), number("asked_index"))
        message = RequestVoteCall(ACTOR, node.current_term, number("mseqno"), last)
    else:
        message = abstract_call(actor, node, "sent")
    disk = saved(actor, node, Unread("a vote on the disk", actor.was.dvote))
    known = as_claim(actor, message, None)
    return one_action(actor, Member(node, Pending(broadcast=message), disk), known)


def write_log(actor: Actor, log: Window, synced: int) -> Happening:
    """All after the first `synced` entries behind the snapshot is written."""
    node = actor.node("any", log, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=True)
    index = node.log.snapshot_position.index + synced
    actor.given(synced=actor.paths.term(index))
    write = AppendLogEntries(node.log.position(index), node.log.after(index))
    disk = saved(actor, node)
    kept = node.log.truncated(index)
    disk = disk._replace(log=kept._replace(entries=Head(kept.entries)))
    actor.is_log(kept, actor.was.dlog)
    return one_action(actor, Member(node, Pending(append=write), disk))


def send(actor: Actor, what: str, log: Window | None = None, vote: Any = None) -> Happening:
    number = actor.number
    node = actor.node("any", log, any_vote(actor) if what != "vote reply" else vote)
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    disk = saved(actor, node, node.voted_for)._replace(log=node.log)
    pending = Pending()
    known: claims.Message
    message: Message
    if what == "vote reply":
        message = RequestVoteReply(ACTOR, node.current_term, number("mseqno"), True)
    elif what == "append reply":
        last = Position(number("owed_term"), number("owed_index"))
        message = AppendEntriesReply(ACTOR, node.current_term, number("mseqno"), last)
    else:
        message = abstract_call(actor, node, "sent")
    known = as_claim(actor, message, SENDER)
    pending = Pending(sends=(SendMessage(SENDER, message),))
    return one_action(actor, Member(node, pending, disk), known)


def send_snapshot(actor: Actor, log: Window) -> Happening:
    node = actor.node("any", log, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    known = install_claim(actor, node, SENDER)
    member = Member(node, Pending(installs=(SENDER,)), saved(actor, node))
    return one_action(actor, member, known)


def drain_ends(actor: Actor, log: Window | None) -> Happening:
    """Nothing is owed any more.  `log` None: to a server that does not lead."""
    role: Any = "not a leader" if log is None else "leader"
    node = actor.node(role, log, any_vote(actor))
    if isinstance(node.role, Leader):
        actor.ordered(*[peer.match for peer in node.role.peers])
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    actor.member = Member(node, Pending(), any_disk(actor))

    def run(rule: Rule) -> Ran:
        turn = execute(actor.member)
        return Ran(turn, turn.after)

    return Happening(run)


def crashes(actor: Actor, log: Window) -> Happening:
    """A server crashes, whatever it was doing, and comes up again with what its disk has.

    While it is down it is no different from one whose messages are late: so it comes up at once.
    """
    term = actor.number("dterm", 0)
    held = actor.window("disk", log, term)
    at = actor.paths.term
    actor.given(dterm=at(term), dlast=at(held.last_index), snap=at(held.snapshot_position.index))
    actor.is_log(held, actor.was.dlog)
    disk = Disk(term, Unread("a vote on the disk", actor.was.dvote), held)  # type: ignore[arg-type]
    unread: Any = Unread("a node that crashes")
    node = Node(ACTOR, *[unread] * 6)
    actor.member = Member(node, Pending(), disk)

    def run(rule: Rule) -> Ran:
        turn = come_back(crash(actor.member).after, rule)
        dlog = actor.was.dlog
        return Ran(turn, turn.after, actor.log_function(turn.after.node.log, dlog, held))

    return Happening(run, crashes=True)
