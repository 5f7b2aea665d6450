"""Drains, one action at a time, and crashes.

A drain is as many steps as it has actions, and one for its end: what has been executed so far is a
state of its own.  So a crash, which may fall between any two actions, is a step from any state at
all, and looks at nothing but the disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.events import Happening, Ran, any_disk, any_vote
from conformance.prove.induction.messages import as_claim, of_addressed
from conformance.prove.induction.unread import Head, Unread
from conformance.prove.statements import claims
from conformance.prove.statements.views import ACTOR, SENDER, entry_function
from conformance.subjects.patched import package_of
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, come_back, crash, execute
from spec.pending import NOTHING, Pending, owe


def one_action(actor: Actor, member: Member, known: claims.Message | None = None) -> Happening:
    """The first of the owed actions is executed."""
    actor.member = member

    def run(rule: Rule) -> Ran:
        turn = execute(member, 1)
        after = Member(member.node, without_first(member.pending), turn.after.disk)
        disk_log = None
        if after.disk.log is not member.disk.log:
            disk_log = actor.log_function(after.disk.log, actor.was.disk_log, None)
        return Ran(turn, after, disk_log=disk_log)

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
    term = actor.number("disk_term", 0)
    actor.ascending(term, node.current_term)
    actor.given(owes_term=True, disk_term=actor.paths.term(term))
    disk = any_disk(actor)._replace(current_term=term)
    return one_action(actor, Member(node, Pending(save_current_term=True), disk))


def save_vote(actor: Actor, vote: v.NodeId | None) -> Happening:
    node = actor.node("any", None, vote)
    actor.given(owes_term=False, owes_vote=True)
    return one_action(actor, Member(node, Pending(save_voted_for=True), saved(actor, node)))


def saved(actor: Actor, node: v.Node, vote: Any = None) -> Disk:
    """A disk that has the term; the vote too, if one is given."""
    actor.given(disk_term=actor.paths.term(node.current_term))
    if vote is None:
        vote = Unread("a vote on the disk", actor.was.disk_vote)
    log = Unread("a log on the disk")
    return Disk(node.current_term, vote, log)  # type: ignore[arg-type]


def abstract_call(actor: Actor, node: v.Node, name: str) -> v.AppendEntriesCall:
    """A call with any number of entries, which is passed on as it is."""
    number, at = actor.number, actor.paths.term
    prev = v.Position(number(f"{name}_prev_term"), number(f"{name}_prev_index"))
    last = number(f"{name}_last")
    entries: Any = Unread("the entries of a call")
    commit, seqno = number(f"{name}_commit"), number(f"{name}_seqno")
    called = v.AppendEntriesCall(ACTOR, node.current_term, seqno, commit, prev, entries)
    claim = claims.AppendCall(
        ACTOR,
        at(node.current_term),
        at(commit),
        at(prev.term),
        at(prev.index),
        at(last),
        entry_function(f"{name}_entry"),
    )
    return actor.message(called, claim)


def broadcast(actor: Actor, what: str) -> Happening:
    node = actor.node("any", None, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False)
    number = actor.number
    message: v.Message
    if what == "vote call":
        last = v.Position(number("asked_term"), number("asked_index"))
        message = v.RequestVoteCall(ACTOR, node.current_term, number("mseqno"), last)
    else:
        message = abstract_call(actor, node, "sent")
    disk = saved(actor, node, Unread("a vote on the disk", actor.was.disk_vote))
    known = as_claim(actor, message, None)
    return one_action(actor, Member(node, Pending(broadcast=message), disk), known)


def write_log(actor: Actor, log: Window, synced: int) -> Happening:
    """All after the first `synced` entries after the snapshot is written."""
    node = actor.node("any", log, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=True)
    index = node.log.snapshot_position.index + synced
    actor.given(synced=actor.paths.term(index))
    write = v.AppendLogEntries(node.log.position(index), node.log.after(index))
    disk = saved(actor, node)
    kept = node.log.truncated(index)
    disk = disk._replace(log=kept._replace(entries=Head(kept.entries)))
    actor.is_log(kept, actor.was.disk_log)
    return one_action(actor, Member(node, Pending(append=write), disk))


def send(actor: Actor, what: str, log: Window | None = None) -> Happening:
    number = actor.number
    node = actor.node("any", log, SENDER if what == "vote" else any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    disk = saved(actor, node, node.voted_for)._replace(log=node.log)
    message: v.Message
    if what in ("vote", "denial"):
        message = v.RequestVoteReply(ACTOR, node.current_term, number("mseqno"), what == "vote")
    elif what == "append reply":
        last = v.Position(number("owed_term"), number("owed_index"))
        message = v.AppendEntriesReply(ACTOR, node.current_term, number("mseqno"), last)
    else:
        message = abstract_call(actor, node, "sent")
    known = as_claim(actor, message, SENDER)
    pending = Pending(sends=(v.SendMessage(SENDER, message),))
    return one_action(actor, Member(node, pending, disk), known)


def send_snapshot(actor: Actor, log: Window) -> Happening:
    node = actor.node("any", log, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    known = of_addressed(actor, node, (None, SENDER))
    member = Member(node, Pending(installs=(SENDER,)), saved(actor, node))
    return one_action(actor, member, known)


def drain_ends(actor: Actor, log: Window | None) -> Happening:
    """Nothing is owed any more.  `log` None: to a server that does not lead."""
    role: Any = "not a leader" if log is None else "leader"
    node = actor.node(role, log, any_vote(actor))
    if isinstance(node.role, v.Leader):
        actor.equals(*[peer.match for peer in node.role.peers])
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    actor.member = member = Member(node, Pending(), any_disk(actor))

    def run(rule: Rule) -> Ran:
        ran = ended(member, rule)
        if ran.after.node.log is not node.log:  # what follows a joint configuration
            ran = replace(ran, log=actor.log_function(ran.after.node.log, actor.was.log, node.log))
        return ran

    return Happening(run)


def ended(member: Member, rule: Rule) -> Ran:
    """What the end of a drain makes of a server whose actions have all been executed."""
    node, more, _ = package_of(rule).drained(member.node)
    after = member if node is member.node else Member(node, owe(NOTHING, more), member.disk)
    return Ran(Turn(member, after), after)


def crashes(actor: Actor, log: Window) -> Happening:
    """A server crashes, whatever it was doing, and comes up again with what its disk has.

    While it is down it is no different from one whose messages are late: so it comes up at once.
    """
    term = actor.number("disk_term", 0)
    held = actor.window("disk", log, term)
    at = actor.paths.term
    actor.given(
        disk_term=at(term), disk_last=at(held.last_index), snap=at(held.snapshot_position.index)
    )
    actor.is_log(held, actor.was.disk_log)
    disk = Disk(term, Unread("a vote on the disk", actor.was.disk_vote), held)  # type: ignore[arg-type]
    unread: Any = Unread("a node that crashes")
    node = v.Node(ACTOR, *[unread] * 6)
    actor.member = Member(node, Pending(), disk)

    def run(rule: Rule) -> Ran:
        turn = come_back(crash(actor.member).after, rule)
        disk_log = actor.was.disk_log
        return Ran(turn, turn.after, actor.log_function(turn.after.node.log, disk_log, held))

    return Happening(run, crashes=True)
