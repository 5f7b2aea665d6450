"""What follows when no fault happens any more: all that is under way is delivered and answered.

History, disks and budgets do not matter to it.  A state is one 64-bit number: a mark of the one
who looks at it, the servers, and what is under way (`key`).  Servers are as in `nodes`, except
that they know of no bounds.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from conformance.explore.states.space import Space, unpack
from conformance.explore.states.tables import (
    ABSENT,
    Array,
    Grown,
    Hashed,
    Interned,
    Ints,
    Keys,
    Rows,
    distinct,
)
from spec.cluster import Disk, Envelope, Member, Rule, Snapshot, Turn, event_of, execute, sent, take
from spec.pending import NOTHING
from spec.values import (
    AppendEntriesCall,
    AppendEntriesReply,
    Candidate,
    CreateCluster,
    ElectionTimeout,
    Event,
    Follower,
    Heartbeat,
    Leader,
    Node,
    ProposeCommand,
    RequestVoteCall,
    RequestVoteReply,
)

# Stimuli; an envelope's is its number, from the next one on.
DRAIN, TIMEOUT, HEARTBEAT, PROPOSE, CREATE = range(5)
ENVELOPES: Final = 5

# Columns of `Exchanges.facts`.
(
    PENDING,  # the server owes actions
    LEADS,
    TERM,
    LAST,  # the position of its log's last entry, as one number
    LAST_INDEX,
    COMMIT,
    COMMITTED,  # the position of the last entry that it knows to be committed, likewise
    COMMIT_TERM,
    FOLLOWS,  # the leader that it knows of, or -1
    VOTED,  # the server that it voted for, or -1
    VOTERS,  # these three are sets of servers as bits
    NEW_VOTERS,
    MEMBERS,
    CAMPAIGNS,  # its timer would make it a candidate
) = range(14)

EMPTY: Final = 0
"""The number of the queue in which nothing is under way."""
FULL: Final = 1
"""The number of the queue that stands for all with too much in it."""

Trail: TypeAlias = dict[int, tuple[int, int, int]]
"""Of a state: the one before it, the server that had its turn, and its stimulus."""

_BITS: Final = 28


def key(marks: Ints, servers: Ints, queues: Ints) -> Keys:
    assert not ((servers | queues) >> _BITS).any()
    return ((marks << 2 * _BITS) | (servers << _BITS) | queues).astype(np.uint64)


def marks_of(keys: Keys) -> Ints:
    return (keys >> np.uint64(2 * _BITS)).astype(np.int64)


def servers_of(keys: Keys) -> Ints:
    return (keys.astype(np.int64) >> _BITS) & ((1 << _BITS) - 1)


def queues_of(keys: Keys) -> Ints:
    return keys.astype(np.int64) & ((1 << _BITS) - 1)


class Exchanges:
    """Servers and messages as small integers, and what a server does with one."""

    def __init__(self, space: Space, every_order: bool = True) -> None:
        self.space = space
        self.every_order = every_order
        self.size = space.bounds.nodes
        self.members: Interned[Member] = Interned()
        self.facts = Grown(14, np.int64)
        self.quiet = Grown()
        """By member: the one that stands for it while nothing is under way (`at_rest`)."""
        self.envelopes: Interned[Envelope | int] = Interned()
        self.emissions: Interned[tuple[int, ...]] = Interned()
        self.capacity = space.bounds.in_flight + 6 * self.size
        self.limit = 40 * self.size
        """Deliveries after which an exchange is taken for one without an end."""
        self.servers = Rows(self.size)
        self._queues = Rows(self.capacity)
        self._receiver = Grown()
        self._age = Grown(None, np.int64)
        """By envelope: of several the one with the lowest was sent first, more or less."""
        self._turns = Hashed()
        self._results = Grown(2, np.int64)
        self._member_of = Grown(None, np.int64)
        """By a member's number in the space, the one here; so for envelopes."""
        self._envelope_of = Grown(None, np.int64)
        self._envelope_of.extend(np.zeros(1))
        for stimulus in range(ENVELOPES):
            self.envelopes.number(stimulus)
            self._receiver.extend(np.zeros(1))
            self._age.extend(np.array([np.iinfo(np.int64).max]))
        self.emissions.number(())
        reserved = np.zeros((2, self.capacity), np.int32)
        reserved[FULL] = np.iinfo(np.int32).max
        self._queues.number(reserved)

    def event(self, stimulus: int) -> Event:
        match self.envelopes[stimulus]:
            case Envelope(_, content):
                return event_of(content)
            case 1:
                return ElectionTimeout()
            case 2:
                return Heartbeat()
            case 3:
                return ProposeCommand()
            case _:
                return CreateCluster(self.space.bounds.initial_voters)

    def fact(self, servers: Ints, name: Ints | int, fact: int) -> Ints:
        """What is known of the server with this name, of all servers of a number."""
        found: Ints = self.facts.rows[self.servers.rows[servers, name], fact]
        return found

    def facts_of(self, servers: Ints, fact: int) -> Ints:
        """The same with a column for each server."""
        found: Ints = self.facts.rows[self.servers.rows[servers], fact]
        return found

    # Numbers

    def of_states(self, states: Keys) -> Keys:
        """The keys of explored states, with no mark."""
        servers, networks = unpack(states)
        rows = self.space.servers.table.rows[servers, : self.size].astype(np.int64)
        envelopes = self.space.network.under_way(networks).astype(np.int64)
        queues = np.zeros((len(states), self.capacity), np.int64)
        nodes = self.space.nodes
        new = [self.member(one) for one in nodes.members.values[self._member_of.size :]]
        self._member_of.extend(np.array(new, np.int64))
        new = [self._envelope(one) for one in nodes.envelopes.values[self._envelope_of.size :]]
        self._envelope_of.extend(np.array(new, np.int64))
        queues[:, self.capacity - envelopes.shape[1] :] = self._envelope_of.rows[envelopes]
        queues.sort(axis=1)
        rows = self._member_of.rows[rows]
        none = np.zeros(len(states), np.int64)
        return key(none, self.servers.number(rows), self._queues.number(queues))

    def member(self, member: Member) -> int:
        # No crash follows, so the disk is never read.
        member = member._replace(disk=Disk())
        known = len(self.members)
        number = self.members.number(member)
        if number == known:
            self.facts.extend(np.array([facts(member, self.space.nodes.rule)]))
            self.quiet.extend(np.array([ABSENT]))
            self.quiet.rows[number] = self.member(member._replace(node=at_rest(member.node)))
        return number

    def _envelope(self, envelope: Envelope | None) -> int:
        assert envelope is not None
        known = len(self.envelopes)
        number = self.envelopes.number(envelope)
        if number == known:
            self._receiver.extend(np.array([envelope.to]))
            self._age.extend(np.array([age(envelope)]))
        return number

    def rested(self, keys: Keys) -> Keys:
        """The states that stand for these, in which nothing is under way (`at_rest`)."""
        rows = self.quiet.rows[self.servers.rows[servers_of(keys)]]
        return key(marks_of(keys), self.servers.number(rows), queues_of(keys))

    # Turns

    def turn(self, keys: Keys, names: Ints, stimuli: Ints, trail: Trail | None = None) -> Keys:
        """What each state is once the named server has taken the stimulus and drained."""
        return self._after(keys, self._queues.rows[queues_of(keys)], names, stimuli, trail)

    def deliver(self, keys: Keys, places: Ints, trail: Trail | None = None) -> Keys:
        """The same for the message in a place of the queue."""
        queues = self._queues.rows[queues_of(keys)]
        every = np.arange(len(keys))
        stimuli = queues[every, places].astype(np.int64)
        queues[every, places] = 0
        return self._after(keys, queues, self._receiver.rows[stimuli], stimuli, trail)

    def _after(
        self, keys: Keys, queues: Array, names: Array, stimuli: Ints, trail: Trail | None
    ) -> Keys:
        every = np.arange(len(keys))
        rows = self.servers.rows[servers_of(keys)]
        turns = rows[every, names].astype(np.uint64) << np.uint64(32) | stimuli.astype(np.uint64)
        known = self._known(turns)
        results = self._results.rows[known]
        rows[every, names] = results[:, 0]
        after = key(marks_of(keys), self.servers.number(rows), self._sent(queues, results[:, 1]))
        if trail is not None:
            steps = zip(
                after.tolist(), keys.tolist(), names.tolist(), stimuli.tolist(), strict=True
            )
            for to, *step in steps:
                trail.setdefault(to, (step[0], step[1], step[2]))
        return after

    def _sent(self, queues: Array, emissions: Ints) -> Ints:
        numbers, inverse = np.unique(emissions, return_inverse=True)
        sends = [self.emissions[int(number)] for number in numbers]
        width = max(map(len, sends), default=0)
        padded = np.zeros((len(sends), width), np.int32)
        for at, envelopes in enumerate(sends):
            padded[at, : len(envelopes)] = envelopes
        queues = np.concatenate([queues, padded[inverse]], axis=1)
        queues.sort(axis=1)
        full = queues[:, : width + 1].any(axis=1)  # the first place is never taken
        return np.where(full, FULL, self._queues.number(queues[:, width:]))

    def _known(self, turns: Keys) -> Ints:
        found = self._turns.find(turns)
        missing = found == ABSENT
        if missing.any():
            new = distinct(turns[missing])
            results = [self._turn(int(turn) >> 32, int(turn) & 0xFFFFFFFF) for turn in new]
            start = self._results.extend(np.array(results))
            self._turns.insert(new, np.arange(start, start + len(new)))
            found[missing] = self._turns.find(turns[missing])
        return found

    def _turn(self, number: int, stimulus: int) -> tuple[int, int]:
        member = self.members[number]
        turns: list[Turn] = []
        if stimulus != DRAIN:
            turns.append(take(member, self.event(stimulus), self.space.nodes.rule))
            member = turns[-1].after
        turns.append(execute(member))
        sends = sorted(self._envelope(envelope) for turn in turns for envelope in sent(turn))
        return self.member(turns[-1].after), self.emissions.number(tuple(sends))

    # Exchanges

    def drained(self, keys: Keys, trail: Trail | None = None) -> Keys:
        """The states once every server has executed what it owes."""
        for name in range(self.size):
            owing = np.flatnonzero(self.fact(servers_of(keys), name, PENDING))
            names = np.full(len(owing), name)
            keys[owing] = self.turn(keys[owing], names, np.full(len(owing), DRAIN), trail)
        return keys

    def settled(self, keys: Keys, trail: Trail | None = None) -> Keys:
        """Where each state comes to if what is under way is delivered, the oldest first.

        Where that has no end, whatever it has come to; something is under way there.
        """
        result, inverse = np.unique(keys, return_inverse=True)
        for _ in range(self.limit):
            busy = np.flatnonzero(queues_of(result) > FULL)
            if not busy.size:
                break
            todo, back = np.unique(result[busy], return_inverse=True)
            places = self._age.rows[self._queues.rows[queues_of(todo)]].argmin(axis=1)
            result[busy] = self.deliver(todo, places, trail)[back]
        return result[inverse]

    def ends(self, keys: Keys, trail: Trail | None = None) -> Keys:
        """Wherever the states come to, in whatever order what is under way is delivered.

        Where that has no end something is under way in one of them.
        """
        one = self.settled(keys, trail)
        if not self.every_order:
            return distinct(one)
        # Where it has no end in one order, the others are too many to look at.
        endless = queues_of(one) != EMPTY
        ends, keys = [one[endless]], keys[~endless]
        for _ in range(self.limit):
            keys = distinct(keys)
            busy = queues_of(keys) > FULL
            ends.append(keys[~busy])
            keys = keys[busy]
            if not keys.size:
                break
            queues = self._queues.rows[queues_of(keys)]
            following = []
            for place in range(int((queues == 0).all(axis=0).sum()), self.capacity):
                there = queues[:, place] != queues[:, place - 1]  # of equal messages one
                following.append(self.deliver(keys[there], np.full(there.sum(), place), trail))
            keys = np.concatenate(following)
        return distinct(np.concatenate([*ends, keys]))


def facts(member: Member, rule: Rule) -> tuple[int, ...]:
    node = member.node
    log, config = node.log, node.config
    committed = max(node.commit_index, log.snapshot_position.index)
    return (
        member.pending != NOTHING,
        isinstance(node.role, Leader),
        node.current_term,
        log.last_position.term << 20 | log.last_index,
        log.last_index,
        node.commit_index,
        log.term(committed) << 20 | committed,
        log.term(committed),
        node.role.leader
        if isinstance(node.role, Follower) and node.role.leader is not None
        else -1,
        -1 if node.voted_for is None else node.voted_for,
        *(
            sum(1 << name for name in names)
            for names in (config.voters, config.new_voters, config.members)
        ),
        rule(node, ElectionTimeout()).node.current_term > node.current_term,
    )


def age(envelope: Envelope) -> int:
    """Lower for what was sent earlier, more or less: by term, then by sequence number.

    It does not depend on the numbers of the tables, so that every run settles states alike.
    """
    to, content = envelope
    term, seqno = (
        (content.position.term, 0)
        if isinstance(content, Snapshot)
        else (content.term, content.seqno)
    )
    kind = _KINDS.index(type(content))
    return term << 40 | seqno << 20 | kind << 16 | content.sender << 8 | to


_KINDS: Final = (
    AppendEntriesCall,
    AppendEntriesReply,
    RequestVoteCall,
    RequestVoteReply,
    Snapshot,
)


def at_rest(node: Node) -> Node:
    """The node that stands for this one while nothing is under way.

    Sequence numbers are only compared with those of calls under way: every later call of a leader
    has a higher one than all that its peers have replied to, from whichever number it counts on.
    A candidate's votes are worth nothing once no more can come: it has to campaign again, in
    another term, for the replies to its last campaign have all arrived.
    """
    match node.role:
        case Leader(peers, durable):
            role = Leader(tuple(peer._replace(seqno=0) for peer in peers), durable)
            return node._replace(role=role, seqno=0)
        case Candidate():
            return node._replace(role=Candidate(frozenset({node.id})), seqno=0)
    return node._replace(seqno=0)
