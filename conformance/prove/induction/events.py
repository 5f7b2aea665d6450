"""What may happen to the acting server: every event, with what is owed already where it matters.

`drains` beside it has what it does of its own: the actions that it owes, and a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import z3

from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.messages import reads
from conformance.prove.induction.unread import Unread
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import LogOf
from conformance.prove.statements.logic import choose
from conformance.prove.statements.messages import claim_of
from conformance.prove.statements.names import Name
from conformance.prove.statements.views import ACTOR, SENDER, TERM_OF
from conformance.symbolic.held import Held
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, rules_of, take
from spec.pending import Pending

LIMITS: Final = v.Limits(entries=1, calls=1, ask_again=1)
"""So low that a log of few entries reaches them."""
OTHER: Final = Name(2)
"""Stands for any server that neither acts nor has sent the message."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a step has come to: the turn, the server after it, its logs where they have changed."""

    turn: Turn
    after: Member
    log: LogOf | None = None
    disk_log: LogOf | None = None
    read: v.ReadIndex | None = None
    """The read that the server took."""


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


# Events


def any_disk(actor: Actor) -> Disk:
    """What is on the disk is not looked at."""
    unread: Any = Unread("a term on the disk", actor.was.disk_term)
    vote = Unread("a vote on the disk", actor.was.disk_vote)
    log: Any = Unread("a log on the disk")
    return Disk(unread, vote, log)  # type: ignore[arg-type]


def any_vote(actor: Actor) -> Any:
    return Unread("a vote", actor.was.vote)


def owed_write(actor: Actor, node: v.Node, owed: bool) -> v.AppendLogEntries | None:
    """A write of what the log has from some index on, or none."""
    term, log = actor.paths.term, node.log
    if not owed:
        actor.given(owes_write=False)
        return None
    at = v.Position(actor.number("synced_term"), actor.number("synced"))
    actor.ascending(log.snapshot_position.index, at.index, log.last_index)
    actor.given(owes_write=True, synced=term(at.index))
    of = actor.was.log(term(at.index))
    actor.links.append(term(at.term) == choose(term(at.index) == 0, 0, TERM_OF(of)))
    return v.AppendLogEntries(at, Rest(log, at.index))


class Rest:
    """The entries of a log after a symbolic index: which ones is decided when somebody asks."""

    def __init__(self, log: Any, after: Any) -> None:
        self._log, self._after = log, after

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
    actor: Actor, node: v.Node, event: v.Event, received: claims.Message | None = None
) -> Happening:
    """A node takes an event."""
    actor.member = Member(node, Pending(), any_disk(actor))

    def run(rule: Rule) -> Ran:
        turn = take(actor.member, event, rule)
        log = None
        if turn.after.node.log is not node.log:
            log = actor.log_function(turn.after.node.log, actor.was.log, node.log)
        return Ran(turn, turn.after, log)

    return Happening(run, [] if received is None else [(received, False)])


def delivery(actor: Actor, node: v.Node, message: v.Message) -> Happening:
    return taking(actor, node, v.Receive(message), claim_of(reads(actor), message, ACTOR))


def call(actor: Actor, term: Any, window: Window) -> v.AppendEntriesCall:
    """A call, of which its claim is all that is known; of its entries as many as the window has."""
    number, name = actor.number, "message"
    if window.start == "snapshot":
        prev = v.Position(number(f"{name}_prev_term", 0), number(f"{name}_prev_index"))
        actor.case(actor.paths.term(prev.index) >= 1)
        actor.ascending(prev.term, term)
        entries = actor.entries(name, window.entries, prev.term, term)
    else:
        prev = v.ZERO
        founding = (v.Entry(0, actor.config),) if window.start == "founded" else ()
        entries = Held((*founding, *actor.entries(name, window.entries, 0, term)))
    commit, seqno = number(f"{name}_commit"), number(f"{name}_seqno")
    return v.AppendEntriesCall(SENDER, term, seqno, commit, prev, entries)


def vote_call(actor: Actor, vote: Any) -> Happening:
    node, number = actor.node("any", None, vote), actor.number
    last = v.Position(number("their_term"), number("their_index"))
    return delivery(actor, node, v.RequestVoteCall(SENDER, number("mterm"), number("mseqno"), last))


def vote_reply(actor: Actor, node: v.Node, granted: bool) -> Happening:
    reply = v.RequestVoteReply(SENDER, actor.number("mterm"), actor.number("mseqno"), granted)
    return delivery(actor, node, reply)


def append_call(actor: Actor, log: Window, message: Window) -> Happening:
    """To a server that leads no term, or an earlier one: then it steps down first."""
    number, at = actor.number, actor.paths.term
    node = actor.node("any", log, any_vote(actor))
    term = number("mterm", 1)
    actor.links.append(z3.Or(z3.Not(actor.was.leads), at(term) > at(node.current_term)))
    return delivery(actor, node, call(actor, term, message))


def append_call_to_leader(actor: Actor) -> Happening:
    """Of its own term there is no other leader; an earlier one's is told of the term."""
    number = actor.number
    node = actor.node("leader", None, any_vote(actor))
    called = v.AppendEntriesCall(
        SENDER,
        number("mterm", 1),
        number("mseqno"),
        number("mcommit"),
        v.Position(number("prev_term"), number("prev_index")),
        (),
    )
    actor.case(actor.paths.term(called.term) <= actor.paths.term(node.current_term))
    return delivery(actor, node, called)


def append_reply(
    actor: Actor, log: Window | None, accepted: bool = True, sent_all: bool = True
) -> Happening:
    """`log` None: to a server that does not lead.  `sent_all`: its sender was sent all that all
    others were.
    """
    number = actor.number
    if log is None:
        node = actor.node("not a leader", None, any_vote(actor))
    else:
        node = actor.node("leader", log, any_vote(actor))
        node = actor.sent_before(node, {SENDER: sent_all})._replace(limits=LIMITS)
        assert isinstance(node.role, v.Leader)
        # The others but the sender are equals: in which order they stand is a matter of names.
        actor.equals(*[peer.match for peer in node.role.peers if peer.node != SENDER])
    last = v.Position(number("their_term"), number("their_index"))
    reply = v.AppendEntriesReply(SENDER, number("mterm"), number("mseqno"), last, accepted)
    return delivery(actor, node, reply)


def propose_command(actor: Actor, log: Window) -> Happening:
    """To a leader."""
    node = founded(actor, "leader", log)._replace(limits=LIMITS)
    return taking(actor, node, v.ProposeCommand())


def timeout_now(actor: Actor, role: Any) -> Happening:
    """The leader of some term asks it to campaign."""
    return taking(actor, founded(actor, role), v.TimeoutNow(actor.number("mterm")))


def founded(actor: Actor, role: Any, log: Window | None = None) -> v.Node:
    """A node whose log is not empty, so that it has a configuration."""
    node = actor.node(role, log, any_vote(actor))
    actor.case(actor.paths.term(node.log.last_index) >= 1)
    return node


def takes_read(actor: Actor, log: Window) -> Happening:
    """Nothing happens to the server, but that it is asked: any read may be the one that history
    speaks of.  If it is stale, an index was counted that the server does not know of.
    """
    node, term, before = actor.node("leader", log, any_vote(actor)), actor.paths.term, actor.before
    actor.member = member = Member(node, Pending(), any_disk(actor))
    beyond, commit = term(actor.number("beyond")), term(node.commit_index)
    led = before.commit_term(beyond)
    actor.links.append(z3.Implies(STALE_NOW, z3.And(beyond > commit, led >= 1)))
    up_to, own = before.committed_up_to(beyond), term(node.current_term)
    actor.hints += [led, before.lead(led), before.tlog(own, up_to), before.tlog(own, commit)]
    actor.hints += [before.tlog(led, commit), before.choosable(led, up_to)]

    return Happening(lambda rule: read_taken(member, rule))


def read_taken(member: Member, rule: Rule) -> Ran:
    return Ran(Turn(member, member), member, read=rules_of(rule).read_index(member.node))


STALE_NOW: Final = z3.Bool("stale_now")
"""Whether a read that is taken in a step is stale."""


# Snapshots


def on_disk(actor: Actor, node: v.Node, write: bool, index: Any) -> Disk:
    """The disk's log: the one in memory if no write is owed, else any after the same snapshot, of
    which the entry at `index` is read.
    """
    log: Any = node.log
    at = actor.paths.term
    term = actor.number("disk_term", 0)
    actor.ascending(term, node.current_term)
    actor.given(disk_term=at(term))
    vote: Any = Unread("a vote on the disk", actor.was.disk_vote)
    if write:
        log = actor.one_entry("entry_on_disk", actor.was.disk_log, log.snapshot_position, index)
    else:
        actor.is_log(log, actor.was.disk_log)
    actor.given(disk_last=at(log.last_index))
    return Disk(term, vote, log)


def snapshot(
    actor: Actor,
    node: v.Node,
    make: Callable[[], v.SnapshotInstalled],
    index: Any,
    prefix: LogOf | None,
    write: bool,
) -> Happening:
    """`index`: where the snapshot ends.  `prefix`: the log that it stands for, if it is not the own
    one.

    While a term is to be saved, a snapshot is refused, and nothing changes.
    """
    due = owed_write(actor, node, write)
    disk = on_disk(actor, node, write, index)
    actor.given(owes_term=False)
    actor.member = member = Member(node, Pending(append=due), disk)

    def run(rule: Rule) -> Ran:
        what = make()
        turn = take(member, what, rule)
        if turn.outcome is not True:
            return Ran(turn, turn.after)
        log, disk_log = actor.was.log, actor.was.disk_log
        if prefix is not None and not node.log.contains(what.position):
            log = prefix
        if not disk.log.contains(what.position):
            disk_log = log
        after = turn.after
        return Ran(
            turn,
            after,
            actor.log_function(after.node.log, log, node.log),
            actor.log_function(after.disk.log, disk_log, disk.log),
        )

    return Happening(run)


def compaction(actor: Actor, role: Any, log: Window, write: bool) -> Happening:
    """The user compacts the log, up to what the node knows to be committed."""
    node = actor.node(role, log, any_vote(actor))
    index = actor.number("compacted")
    actor.ordered(node.log.snapshot_position.index + 1, index, node.commit_index)

    def make() -> v.SnapshotInstalled:
        return v.SnapshotInstalled(node.log.position(index), node.log.config_at(index))

    return snapshot(actor, node, make, index, None, write)


def installation(actor: Actor, role: Any, log: Window, write: bool) -> Happening:
    """A leader's snapshot arrives."""
    number, term = actor.number, actor.paths.term
    node = actor.node(role, log, any_vote(actor))
    position = v.Position(number("position_term", 0), number("position_index", 1))
    claim = claims.Install(
        SENDER, ACTOR, term(number("mterm", 1)), term(position.term), term(position.index)
    )

    def prefix(i: Any) -> Any:
        return actor.before.tlog(claim.term, i)

    def make() -> v.SnapshotInstalled:
        return v.SnapshotInstalled(position, actor.config)

    happening = snapshot(actor, node, make, position.index, prefix, write)
    happening.known.append((claim, False))
    return happening
