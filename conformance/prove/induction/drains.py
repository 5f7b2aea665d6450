"""Drains, one action at a time, and crashes.

A drain is as many steps as it has actions, and one for its end: what has been executed so far is a
state of its own.  So a crash, which may fall between any two actions, is a step from any state at
all, and looks at nothing but the disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.prove.induction.actor import Actor, Window
from conformance.prove.induction.events import LIMITS, OTHER, Happening, Ran, any_disk, any_vote
from conformance.prove.induction.messages import reads
from conformance.prove.induction.unread import Head, Unread
from conformance.prove.statements import claims
from conformance.prove.statements.messages import claim_of
from conformance.prove.statements.views import ACTOR, SENDER
from spec import rules
from spec import values as v
from spec.cluster import Disk, Member, Rule, Turn, come_back, crash, executed_turn, rules_of
from spec.pending import NOTHING, Pending, owe


def first_action(member: Member, rule: Rule = rules.step) -> Ran:
    """The first of the owed actions is executed.

    With a call to all go those for the rest of the log, where it is longer than a call may be: they
    are to servers that the leader may not have heard from yet, and find all of that in the log, as
    nothing comes in between.
    """
    take_action = rules_of(rule).take_action
    taken = take_action(member.node, member.pending)
    actions = [taken.action]
    if isinstance(taken.action, v.BroadcastMessage):
        while taken.pending.calls:
            taken = take_action(taken.node, taken.pending)
            actions.append(taken.action)
    turn = executed_turn(member, tuple(actions), taken.node, None)
    return Ran(turn, turn.after._replace(pending=taken.pending))


def one_action(actor: Actor, member: Member, known: claims.Message | None = None) -> Happening:
    actor.member = member

    def run(rule: Rule) -> Ran:
        ran = first_action(member, rule)
        disk = ran.after.disk
        if disk.log is not member.disk.log:
            disk_log = actor.log_function(disk.log, actor.was.disk_log, None)
            ran = replace(ran, disk_log=disk_log)
        return ran

    return Happening(run, [] if known is None else [(known, True)])


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


def vote_call(actor: Actor) -> Happening:
    """A candidate asks all others for their votes."""
    node = actor.node("a candidate", None, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False)
    known = claims.CallAll(ACTOR, actor.paths.term(node.current_term))
    return one_action(actor, Member(node, Pending(broadcast=True), saved(actor, node)), known)


def caller(actor: Actor, log: Window, entries: int, peers: dict[v.NodeId, bool]) -> v.Node:
    """A leader whose calls carry so many entries; what these peers were sent is known."""
    node = actor.sent_before(actor.node("leader", log, any_vote(actor)), peers)
    actor.given(owes_term=False, owes_vote=False)
    return node._replace(limits=LIMITS._replace(entries=entries))


def call_to_all(actor: Actor, log: Window, entries: int, synced: int | None) -> Happening:
    """A leader sends all others what it is to write: all after the first `synced` entries after the
    snapshot, or nothing.
    """
    # One of each: of a peer that was not sent all before, nothing changes.
    peers = {peer: peer != OTHER for peer in range(actor.before.size) if peer != ACTOR}
    node = caller(actor, log, entries, peers)
    write = None if synced is None else after_first(actor, node, synced)
    known = claims.CallAll(ACTOR, actor.paths.term(node.current_term))
    pending = Pending(broadcast=True, append=write)
    return one_action(actor, Member(node, pending, saved(actor, node)), known)


def call_to_one(actor: Actor, log: Window, entries: int, sent_all: bool) -> Happening:
    """A leader sends one peer what that was not sent, or its snapshot."""
    node = caller(actor, log, entries, {SENDER: sent_all})
    known = claims.CallOne(ACTOR, SENDER, actor.paths.term(node.current_term))
    return one_action(actor, Member(node, Pending(calls=(SENDER,)), saved(actor, node)), known)


def after_first(actor: Actor, node: v.Node, count: int) -> v.AppendLogEntries:
    """A write of all after the first `count` entries after the snapshot, which is owed."""
    index = node.log.snapshot_position.index + count
    actor.given(owes_write=True, synced=actor.paths.term(index))
    return v.AppendLogEntries(node.log.position(index), node.log.after(index))


def write_log(actor: Actor, log: Window, synced: int) -> Happening:
    """All after the first `synced` entries after the snapshot is written."""
    node = actor.node("any", log, any_vote(actor))
    actor.given(owes_term=False, owes_vote=False)
    write = after_first(actor, node, synced)
    disk = saved(actor, node)
    kept = node.log.truncated(write.prev_position.index)
    disk = disk._replace(log=kept._replace(entries=Head(kept.entries)))
    actor.is_log(kept, actor.was.disk_log)
    return one_action(actor, Member(node, Pending(append=write), disk))


def reply(actor: Actor, what: str, log: Window | None = None) -> Happening:
    number = actor.number
    node = actor.node("any", log, SENDER if what == "vote" else any_vote(actor))
    actor.given(owes_term=False, owes_vote=False, owes_write=False)
    disk = saved(actor, node, node.voted_for)._replace(log=node.log)
    message: v.Message
    if what == "append reply":
        last = v.Position(number("owed_term"), number("owed_index"))
        accepted: Any = Unread("whether it accepts")
        message = v.AppendEntriesReply(ACTOR, node.current_term, number("mseqno"), last, accepted)
    else:
        message = v.RequestVoteReply(ACTOR, node.current_term, number("mseqno"), what == "vote")
    known = claim_of(reads(actor), message, SENDER)
    pending = Pending(sends=(v.SendMessage(SENDER, message),))
    return one_action(actor, Member(node, pending, disk), known)


def drain_ends(actor: Actor, role: Any, log: Window | None) -> Happening:
    """Nothing is owed any more.  `role`: a candidate with its votes, or as `actor.node` has it."""
    vote = ACTOR if isinstance(role, v.Candidate) else any_vote(actor)
    node = actor.node(role, log, vote)
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
    node, more, _ = rules_of(rule).drained(member.node)
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
    node = v.Node(ACTOR, *[unread] * 7)
    actor.member = Member(node, Pending(), disk)

    def run(rule: Rule) -> Ran:
        turn = come_back(crash(actor.member).after, rule)
        disk_log = actor.was.disk_log
        return Ran(turn, turn.after, actor.log_function(turn.after.node.log, disk_log, held))

    return Happening(run, crashes=True)
