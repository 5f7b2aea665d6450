"""A model of the lemmas as what it is a model of: a cluster, its messages, and its history.

What z3 has as tables becomes servers, logs and history variables; then the specification can be run
on it, and `prove.history.holding.broken` can be asked, which knows nothing of z3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import z3

from conformance.prove.history.variables import (
    Counted,
    HistoryVariables,
    Leadership,
    Sent,
    Taken,
    put,
)
from conformance.prove.induction.actor import Actor
from conformance.prove.induction.unread import Token, Unread
from conformance.prove.scope.grounding import FOUNDING_VALUE, Grounding, signed, term_of
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import NOBODY, Server
from conformance.prove.statements.views import ACTOR, SENDER
from conformance.symbolic.number import Flag, Number
from spec import values as v
from spec.cluster import Cluster, Disk, Envelope, Member, Snapshot
from spec.pending import Pending

PAYLOADS: tuple[v.Payload, v.Payload] = (v.COMMAND, v.TERM)
"""Two entries of a term, told apart."""


class State(NamedTuple):
    """A whole state, and the event that the acting server is about to take, if it takes one."""

    cluster: Cluster
    variables: HistoryVariables
    event: v.Event | None
    delivered: int
    """How many of the messages under way it takes: the first, or none."""


class Model:
    """What z3 has found, as values of the specification."""

    def __init__(self, ground: Grounding, found: z3.ModelRef, actor: Actor) -> None:
        self._ground, self._found, self._actor = ground, found, actor
        self.small = ground.small
        self.config = v.Config(frozenset(range(self.small.size)))

    # Values

    def of(self, grounded: Any) -> Any:
        """The plain value of a number or a truth value that is about `grounding.Small`."""
        if isinstance(grounded, (bool, int)):
            return grounded
        value = self._found.eval(grounded, model_completion=True)
        return z3.is_true(value) if z3.is_bool(value) else signed(value)

    def at(self, formula: Any) -> Any:
        """The plain value of what is about `statements.views.Before`."""
        return self.of(self._ground(formula))

    def entry(self, grounded: Any) -> v.Entry:
        value = self.of(grounded)
        if value == FOUNDING_VALUE:
            return v.Entry(0, self.config)
        return v.Entry(term_of(value), PAYLOADS[value & 1])

    def plain(self, value: Any) -> Any:
        """A value of the specification without symbolic numbers, tokens, and what is unread."""
        if isinstance(value, Number):
            return self.at(self._actor.paths.term(value))
        if isinstance(value, Flag):
            return bool(self.plain(value.number))
        if isinstance(value, v.Entry):
            if isinstance(value.payload, Token):
                return self.entry(self._ground(value.payload.entry))
            return v.Entry(self.plain(value.term), value.payload)
        if isinstance(value, tuple):
            parts = [self.plain(part) for part in value]
            made: Any = type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
            return made
        if is_dataclass(value) and not isinstance(value, type):
            known = [self.plain(getattr(value, one.name)) for one in fields(value)]
            return type(value)(*known)
        return value

    def whole(self, log: Any, last: int) -> tuple[v.Entry, ...]:
        return tuple([self.entry(log(i)) for i in range(1, last + 1)])

    # Servers

    def members(self) -> tuple[Member, ...]:
        return tuple([self.member(n, one) for n, one in enumerate(self.small.servers)])

    def member(self, n: v.NodeId, server: Server) -> Member:
        log, disk = (
            self.log(server.log, server, "last"),
            self.log(server.disk_log, server, "disk_last"),
        )
        node = v.Node(
            n,
            self.role(n, server),
            self.of(server.term),
            nobody(self.of(server.vote)),
            log,
            self.of(server.commit),
            self.of(server.seqno),
        )
        synced, write = self.of(server.synced), None
        if self.of(server.owes_write):
            write = v.AppendLogEntries(log.position(synced), log.after(synced))
        pending = Pending(
            save_current_term=self.of(server.owes_term),
            save_voted_for=self.of(server.owes_vote),
            append=write,
        )
        member = Member(
            node, pending, Disk(self.of(server.disk_term), nobody(self.of(server.disk_vote)), disk)
        )
        return self.acting(member) if n == self._actor.member.node.id else member

    def log(self, of: Any, server: Server, last: str) -> v.Log:
        snap = self.of(server.snap)
        entries = self.whole(of, self.of(getattr(server, last)))
        position = v.Position(entries[snap - 1].term, snap) if snap else v.ZERO
        return v.new_log(position, self.config if snap else v.NO_CONFIG, entries[snap:])

    def role(self, n: v.NodeId, server: Server) -> v.Role:
        if self.of(server.leads):
            peers = [
                v.Progress(m, self.of(server.match[m]), answered=self.of(server.answered[m]))
                for m in server.match
                if m != n
            ]
            return v.Leader(tuple(peers), self.of(server.durable))
        if self.of(server.campaigns):
            granted = {m for m, given in server.granted.items() if m == n or self.of(given)}
            return v.Candidate(frozenset(granted))
        return v.Follower()

    def acting(self, member: Member) -> Member:
        """With what only the code reads: numbers of calls, what a leader sends next, its limits,
        and the messages that are owed.
        """
        shape, node = self._actor.member, member.node
        if isinstance(shape.node.seqno, Unread):
            return member
        node = node._replace(seqno=self.plain(shape.node.seqno))
        if not isinstance(shape.node.limits, Unread):
            node = node._replace(limits=shape.node.limits)
        if isinstance(shape.node.role, v.Leader) and isinstance(node.role, v.Leader):
            read = {peer.node: self.read_of(peer) for peer in shape.node.role.peers}
            peers = tuple([peer._replace(**read[peer.node]) for peer in node.role.peers])
            node = node._replace(role=v.Leader(peers, node.role.durable))
        owed = {
            name: self.plain(getattr(shape.pending, name))
            for name in ("calls", "broadcast", "sends")
        }
        return member._replace(node=node, pending=member.pending._replace(**owed))

    def read_of(self, peer: v.Progress) -> dict[str, Any]:
        """What the code reads of what a peer was sent."""
        known = {name: getattr(peer, name) for name in ("next", "probe", "asked", "probing")}
        return {name: self.plain(one) for name, one in known.items() if not isinstance(one, Unread)}

    # History

    def variables(self) -> HistoryVariables:
        small = self.small
        terms, indices = range(1, small.bounds.terms + 1), range(1, small.bounds.indices + 1)
        leaderships: tuple[Leadership | None, ...] = ()
        for term in terms:
            if (leader := self.of(small.lead(term))) != NOBODY:
                log = self.whole(
                    lambda i: small.tlog(term, i),  # noqa: B023 (at once)
                    self.of(small.tlast(term)),
                )
                leaderships = put(leaderships, term, Leadership(leader, log), None)
        counted: tuple[Counted | None, ...] = ()
        for j in indices:
            if first := self.of(small.commit_term(j)):
                counted = put(counted, j, Counted(first, self.of(small.committed_up_to(j))), None)
        told: list[tuple[int, ...]] = []
        ack: list[tuple[int, ...]] = []
        for n in range(small.size):
            votes: tuple[int, ...] = ()
            known: tuple[int, ...] = ()
            for term in terms:
                votes = put(votes, term, self.of(small.told(n, term)), NOBODY)
                known = put(known, term, self.of(small.ack(n, term)), 0)
            told.append(votes)
            ack.append(known)
        snaps = [self.of(server.snap) for server in small.servers]
        servers = list(zip(small.servers, snaps, strict=True))
        memory = tuple([self.whole(server.log, snap) for server, snap in servers])
        disk = tuple([self.whole(server.disk_log, snap) for server, snap in servers])
        terms_of = tuple([self.of(server.disk_term) for server in small.servers])
        so_far = leaderships, counted, tuple(told), tuple(ack), memory, disk, terms_of
        return HistoryVariables(*so_far, taken=self.taken())

    def taken(self) -> Taken | None:
        small = self.small
        term = self.of(small.read_term())
        if term == 0:
            return None
        left = frozenset(n for n in range(small.size) if self.of(small.left(n)))
        return Taken(term, self.of(small.read_seqno()), left, self.of(small.read_stale()))

    # Messages

    def message(self, claim: claims.Message, seqno: int = 0) -> v.Message:
        """A message that claims this."""
        match claim:
            case claims.VoteCall(sender, term, last_term, last):
                return v.RequestVoteCall(
                    sender, self.at(term), seqno, v.Position(self.at(last_term), self.at(last))
                )
            case claims.VoteReply(sender, _, term, granted):
                return v.RequestVoteReply(sender, self.at(term), seqno, self.at(granted))
            case claims.AppendReply(sender, term, last_term, last):
                position = v.Position(self.at(last_term), self.at(last))
                return v.AppendEntriesReply(sender, self.at(term), self.at(claim.seqno), position)
            case claims.AppendCall():
                first, last = self.at(claim.prev_index) + 1, self.at(claim.last_index)
                made = [claim.entry(z3.IntVal(i)) for i in range(first, last + 1)]
                return v.AppendEntriesCall(
                    claim.sender,
                    self.at(claim.term),
                    self.at(claim.seqno),
                    self.at(claim.commit),
                    v.Position(self.at(claim.prev_term), self.at(claim.prev_index)),
                    tuple([self.entry(self._ground(one)) for one in made]),
                )
            case claims.Install() | claims.CallAll() | claims.CallOne():
                raise TypeError("a snapshot is no message, nor is a call before it is made")

    def with_message(
        self, cluster: Cluster, variables: HistoryVariables, claim: claims.Message, owed: bool
    ) -> tuple[Cluster, HistoryVariables]:
        """The cluster with one more message: under way, or owed by its sender."""
        sender = claim.sender
        if isinstance(claim, (claims.VoteReply, claims.Install, claims.CallOne)):
            to = claim.to
        else:
            to = ACTOR if sender != ACTOR else SENDER
        if owed:
            member = cluster.members[sender]
            pending = member.pending
            if isinstance(claim, claims.CallAll):
                pending = pending._replace(broadcast=True)
            elif isinstance(claim, claims.CallOne):
                pending = pending._replace(calls=tuple(sorted({*pending.calls, to})))
            else:
                taken = {send.to for send in pending.sends} | {sender}
                free = [n for n in range(self.small.size) if n not in taken]
                if not isinstance(claim, claims.VoteReply) and free:
                    to = free[-1]
                sends = (*pending.sends, v.SendMessage(to, self.message(claim)))
                ordered = tuple(sorted(sends, key=lambda send: send.to))
                pending = pending._replace(sends=ordered)
            members = list(cluster.members)
            members[sender] = member._replace(pending=pending)
            return cluster._replace(members=tuple(members)), variables
        if isinstance(claim, claims.Install):
            position = v.Position(self.at(claim.last_term), self.at(claim.last_index))
            sent = Sent(sender, to, self.at(claim.term), position)
            variables = variables._replace(snapshots=variables.snapshots | {sent})
            content: v.Message | Snapshot = Snapshot(sender, position, self.config)
        else:
            content = self.message(claim)
        network = (*cluster.network, Envelope(to, content))
        return cluster._replace(network=network), variables

    # The whole

    def state(
        self,
        event: v.Event | None,
        known: list[tuple[claims.Message, bool]],
        older: tuple[claims.Message, bool] | None = None,
    ) -> State:
        """`known`: the messages of the step; one that is owed is in the acting server already."""
        cluster, variables = Cluster(self.members()), self.variables()
        for claim, owed in known:
            if not owed:
                cluster, variables = self.with_message(cluster, variables, claim, False)
        delivered = len(cluster.network)
        if older is not None:
            cluster, variables = self.with_message(cluster, variables, *older)
        match event:
            case v.Receive(message):
                (claim, _) = known[0]
                received = replace(self.message(claim), seqno=self.plain(message.seqno))
                match received, message:
                    case v.AppendEntriesReply(), v.AppendEntriesReply(accepted=accepted):
                        received = replace(received, accepted=accepted)
                event = v.Receive(received)
            case v.SnapshotInstalled(position, config):
                event = v.SnapshotInstalled(self.plain(position), config)
        return State(cluster, variables, event, delivered)


def nobody(vote: int) -> v.NodeId | None:
    return None if vote == NOBODY else vote


# In words


def described(state: State, acting: v.NodeId) -> Iterator[str]:
    """What has to be known of a cluster besides the acting server's memory, a line each."""
    cluster, variables = state.cluster, state.variables
    for member in cluster.members:
        node = member.node
        if node.id != acting:
            yield f"node {node.id} is a {_role(node)}"
            owed = [name for name, what in member.pending._asdict().items() if what]
            if owed:
                yield f"node {node.id} owes: {', '.join(owed)}"
        whole = (*variables.memory[node.id], *node.log.entries)
        yield f"node {node.id} has {_log(whole)}, committed up to {node.commit_index}"
        disk = member.disk
        yield (
            f"the disk of node {node.id}: term {disk.current_term}, vote {disk.voted_for}, "
            f"{_log((*variables.disk[node.id], *disk.log.entries))}"
        )
    for term, leadership in enumerate(variables.leaderships):
        if leadership is not None:
            yield f"node {leadership.leader} led term {term}, last with {_log(leadership.log)}"
    for n, (told, ack) in enumerate(zip(variables.told, variables.ack, strict=True)):
        for term, vote in enumerate(told):
            if vote != NOBODY:
                yield f"node {n} told in term {term} that it votes for {vote}"
        for term, index in enumerate(ack):
            if index:
                yield f"node {n} acknowledged up to {index} in term {term}"
    for j, counted in enumerate(variables.counted):
        if counted is not None:
            yield f"index {j} was counted as committed first in term {counted.term}"
    for envelope in cluster.network[state.delivered :]:
        yield f"under way to node {envelope.to}: {envelope.content}"


def _role(node: v.Node) -> str:
    role = type(node.role).__name__.lower()
    return f"{role} of term {node.current_term}, its vote is {node.voted_for}"


def _log(entries: tuple[v.Entry, ...]) -> str:
    return f"a log of terms {[entry.term for entry in entries]}" if entries else "no log"
