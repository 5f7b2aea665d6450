"""What follows when no fault happens any more: all that is under way is delivered and answered.

History, disks and budgets do not matter to it.  A state is one 64-bit number: a mark of the one
who looks at it, the servers, and what is under way (`key`).  Servers are as in `nodes`, except
that they know of no bounds.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, TypeAlias

import numpy as np

from conformance.explore.states.space import Space
from conformance.explore.states.tables import (
    ABSENT,
    Array,
    GrowableArray,
    HashIndex,
    Interner,
    Ints,
    Keys,
    Rows,
    distinct,
    pack,
    padded,
    unpack,
)
from spec import cluster as c
from spec import values as v
from spec.pending import NOTHING


class Stimulus(IntEnum):
    """What a server may be handed; an envelope's stimulus is its number, from `ENVELOPES` on."""

    DRAIN = 0
    TIMEOUT = 1
    HEARTBEAT = 2
    PROPOSE = 3
    CREATE = 4
    CANCEL = 5


ENVELOPES: Final = len(Stimulus)


class Fact(IntEnum):
    """What is known of a server: the columns of `Exchanges.facts`."""

    PENDING = 0
    """It owes actions."""
    LEADS = 1
    TERM = 2
    LAST = 3
    """The position of its log's last entry, as one number."""
    LAST_INDEX = 4
    COMMIT_INDEX = 5
    COMMITTED = 6
    """The position of the last entry that it knows to be committed, as one number."""
    COMMITTED_TERM = 7
    FOLLOWS = 8
    """The leader that it knows of, or -1."""
    VOTED_FOR = 9
    """The server that it voted for, or -1."""
    VOTERS = 10
    """This one and the next two are sets of servers, as bits."""
    NEW_VOTERS = 11
    MEMBERS = 12
    CAMPAIGNS = 13
    """Its timer would make it a candidate."""
    HANDS_OVER = 14
    """It leads, and takes no proposals."""


EMPTY: Final = 0
"""The number of the queue in which nothing is under way."""
FULL: Final = 1
"""The number of the queue that stands for all with too much in it."""

NEVER: Final = 1 << 62
SLOW: Final = 1 << 61
"""Added to the age of what is to come last."""

Predecessors: TypeAlias = dict[int, tuple[int, int, int]]
"""Of a state: the one before it, the server that had its turn, and its stimulus."""

_BITS: Final = 28

# A mark: a server, and what is noted of it.
NAME: Final = 7
RUNS: Final = 128
"""The timer of the marked server runs on: taken away as soon as that sets it anew."""


def key(marks: Ints, servers: Ints, queues: Ints) -> Keys:
    assert not ((servers | queues) >> _BITS).any()
    return ((marks << 2 * _BITS) | (servers << _BITS) | queues).astype(np.uint64)


def marks_of(keys: Keys) -> Ints:
    return (keys >> np.uint64(2 * _BITS)).astype(np.int64)


def servers_of(keys: Keys) -> Ints:
    return (keys.astype(np.int64) >> _BITS) & ((1 << _BITS) - 1)


def names_of(keys: Keys) -> Ints:
    """The marked servers."""
    return marks_of(keys) & NAME


def queues_of(keys: Keys) -> Ints:
    return keys.astype(np.int64) & ((1 << _BITS) - 1)


class Exchanges:
    """Servers and messages as small integers, and what a server does with one."""

    def __init__(self, space: Space, every_order: bool = True) -> None:
        self.space = space
        self.every_order = every_order
        self.size = space.bounds.nodes
        self.members = Interner[c.Member](note=self._note_member)
        self.facts = GrowableArray(len(Fact), np.int64)
        self.quiet = GrowableArray()
        """By member: the one that stands for it while nothing is under way (`at_rest`)."""
        self.envelopes = Interner[c.Envelope | Stimulus](*Stimulus, note=self._note_envelope)
        self.emissions = Interner[tuple[int, ...]](())
        self.capacity = space.bounds.in_flight + 6 * self.size
        self.limit = 40 * self.size
        """Deliveries after which an exchange is taken for one without an end."""
        self.servers = Rows(self.size)
        self._queues = Rows(self.capacity)
        self._receiver = GrowableArray()
        self._age = GrowableArray(None, np.int64)
        """By envelope: of several the one with the lowest was sent first, more or less."""
        self._is_snapshot = GrowableArray()
        self._turns = HashIndex()
        self._results = GrowableArray(3, np.int64)
        """By turn: the member after it, what it sends, and whether it sets the timer."""
        self._member_of = GrowableArray(None, np.int64)
        """By a member's number in the space, the one here; so for envelopes."""
        self._envelope_of = GrowableArray(None, np.int64)
        self._envelope_of.append(0)
        self._receiver.extend(np.zeros(ENVELOPES))
        self._age.extend(np.full(ENVELOPES, NEVER))
        self._is_snapshot.extend(np.zeros(ENVELOPES))
        self._events: dict[object, v.Event] = {
            Stimulus.TIMEOUT: v.ElectionTimeout(),
            Stimulus.HEARTBEAT: v.Heartbeat(),
            Stimulus.PROPOSE: v.ProposeCommand(),
            Stimulus.CREATE: v.CreateCluster(space.bounds.initial_voters),
            Stimulus.CANCEL: v.CancelTransfer(),
        }
        reserved = np.zeros((2, self.capacity), np.int32)
        reserved[FULL] = np.iinfo(np.int32).max
        self._queues.number(reserved)

    def event(self, stimulus: int) -> v.Event:
        found = self.envelopes[stimulus]
        return c.event_of(found.content) if isinstance(found, c.Envelope) else self._events[found]

    def fact(self, servers: Ints, name: Ints | int, fact: Fact) -> Ints:
        """What is known of the server with this name, of all servers of a number."""
        found: Ints = self.facts.rows[self.servers.rows[servers, name], fact]
        return found

    def facts_of(self, servers: Ints, fact: Fact) -> Ints:
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
        unknown = nodes.envelopes.values[self._envelope_of.size :]
        new = [self.envelopes.number(one) for one in unknown if one is not None]
        self._envelope_of.extend(np.array(new, np.int64))
        queues[:, self.capacity - envelopes.shape[1] :] = self._envelope_of.rows[envelopes]
        queues.sort(axis=1)
        rows = self._member_of.rows[rows]
        none = np.zeros(len(states), np.int64)
        return key(none, self.servers.number(rows), self._queues.number(queues))

    def member(self, member: c.Member) -> int:
        """The number of a member whose disk is never read: no crash follows."""
        return self.members.number(member._replace(disk=c.Disk()))

    def _note_member(self, member: c.Member) -> None:
        number = self.facts.append(facts(member, self.space.nodes.rule))
        self.quiet.append(ABSENT)
        self.quiet.rows[number] = self.member(member._replace(node=at_rest(member.node)))

    def _note_envelope(self, envelope: c.Envelope | Stimulus) -> None:
        assert isinstance(envelope, c.Envelope)
        self._receiver.append(envelope.to)
        self._age.append(age(envelope))
        self._is_snapshot.append(isinstance(envelope.content, c.Snapshot))

    def rested(self, keys: Keys) -> Keys:
        """The states that stand for these, in which nothing is under way (`at_rest`)."""
        rows = self.quiet.rows[self.servers.rows[servers_of(keys)]]
        return key(marks_of(keys), self.servers.number(rows), queues_of(keys))

    # Turns

    def turn(
        self, keys: Keys, names: Ints, stimuli: Ints, before: Predecessors | None = None
    ) -> Keys:
        """What each state is once the named server has taken the stimulus and drained."""
        return self._after(keys, self._queues.rows[queues_of(keys)], names, stimuli, before)

    def deliver(self, keys: Keys, places: Ints, before: Predecessors | None = None) -> Keys:
        """The same for the message in a place of the queue."""
        queues = self._queues.rows[queues_of(keys)]
        every = np.arange(len(keys))
        stimuli = queues[every, places].astype(np.int64)
        queues[every, places] = 0
        return self._after(keys, queues, self._receiver.rows[stimuli], stimuli, before)

    def _after(
        self, keys: Keys, queues: Array, names: Array, stimuli: Ints, before: Predecessors | None
    ) -> Keys:
        every = np.arange(len(keys))
        rows = self.servers.rows[servers_of(keys)]
        known = self._turns.find_or_compute(pack(rows[every, names], stimuli), self._turn)
        results = self._results.rows[known]
        rows[every, names] = results[:, 0]
        marks = marks_of(keys)
        marks &= ~np.where((marks & NAME == names) & (results[:, 2] != 0), RUNS, 0)
        after = key(marks, self.servers.number(rows), self._sent(queues, results[:, 1]))
        if before is not None:
            steps = zip(keys.tolist(), names.tolist(), stimuli.tolist(), strict=True)
            for to, step in zip(after.tolist(), steps, strict=True):
                before.setdefault(to, step)
        return after

    def _sent(self, queues: Array, emissions: Ints) -> Ints:
        numbers, inverse = np.unique(emissions, return_inverse=True)
        sends = padded([self.emissions[int(number)] for number in numbers])
        width = sends.shape[1]
        queues = np.concatenate([queues, sends[inverse]], axis=1)
        queues.sort(axis=1)
        full = queues[:, : width + 1].any(axis=1)  # the first place is never taken
        return np.where(full, FULL, self._queues.number(queues[:, width:]))

    def _turn(self, key: int) -> int:
        """The place in `_results` of what comes of a member by a stimulus."""
        member, stimulus = self.members[key >> 32], key & 0xFFFFFFFF
        turns: list[c.Turn] = []
        if stimulus != Stimulus.DRAIN:
            turns.append(c.take(member, self.event(stimulus), self.space.nodes.rule))
            member = turns[-1].after
        turns.append(c.execute(member, rule=self.space.nodes.rule))
        sends = [self.envelopes.number(one) for turn in turns for one in c.sent(turn)]
        after = self.member(turns[-1].after)
        done = [one.action for turn in turns for one in turn.executed]
        sets = any(isinstance(action, v.SetElectionTimeout) for action in done)
        return self._results.append((after, self.emissions.number(tuple(sorted(sends))), sets))

    # Exchanges

    def drained(self, keys: Keys, before: Predecessors | None = None) -> Keys:
        """The states once every server has executed what it owes."""
        return self._each(keys, Fact.PENDING, Stimulus.DRAIN, before)

    def cancelled(self, keys: Keys, before: Predecessors | None = None) -> Keys:
        """The states once no leader hands over any more."""
        return self._each(keys, Fact.HANDS_OVER, Stimulus.CANCEL, before)

    def _each(
        self, keys: Keys, fact: Fact, stimulus: Stimulus, before: Predecessors | None
    ) -> Keys:
        """The states once every server of which the fact holds has taken the stimulus."""
        for name in range(self.size):
            which = np.flatnonzero(self.fact(servers_of(keys), name, fact))
            names, stimuli = np.full(len(which), name), np.full(len(which), stimulus)
            keys[which] = self.turn(keys[which], names, stimuli, before)
        return keys

    def settled(self, keys: Keys, before: Predecessors | None = None, newest: bool = False) -> Keys:
        """Where each state comes to if what is under way is delivered, the oldest or newest first.

        Where that has no end, whatever it has come to; something is under way there.
        """
        result, inverse = np.unique(keys, return_inverse=True)
        for _ in range(self.limit):
            busy = np.flatnonzero(queues_of(result) > FULL)
            if not busy.size:
                break
            todo, back = np.unique(result[busy], return_inverse=True)
            ages = self._age.rows[self._queues.rows[queues_of(todo)]]
            places = np.where(ages == NEVER, -1, ages).argmax(axis=1) if newest else ages.argmin(1)
            result[busy] = self.deliver(todo, places, before)[back]
        return result[inverse]

    def counted(self, keys: Keys, before: Predecessors | None = None) -> tuple[Keys, Ints, Ints]:
        """The same where snapshots are slower than any message; how many were delivered of each."""
        keys, messages, snapshots = keys.copy(), np.zeros(len(keys), int), np.zeros(len(keys), int)
        for _ in range(self.limit):
            busy = np.flatnonzero(queues_of(keys) > FULL)
            if not busy.size:
                break
            queues = self._queues.rows[queues_of(keys[busy])]
            slow = self._is_snapshot.rows[queues] != 0
            places = np.where(slow, SLOW, 0) + self._age.rows[queues]
            places = places.argmin(axis=1)
            taken = slow[np.arange(len(busy)), places]
            messages[busy] += ~taken
            snapshots[busy] += taken
            keys[busy] = self.deliver(keys[busy], places, before)
        return keys, messages, snapshots

    def ends(self, keys: Keys, before: Predecessors | None = None) -> Keys:
        """Wherever the states come to, in whatever order what is under way is delivered.

        Where that has no end something is under way in one of them.
        """
        one = self.settled(keys, before)
        if not self.every_order:
            return distinct(one)
        # Where it has no end in one order, the others are too many to look at: so two are tried.
        ending = np.flatnonzero(queues_of(one) == EMPTY)
        other = self.settled(keys[ending], before, newest=True)
        endless = [one[queues_of(one) != EMPTY], other[queues_of(other) != EMPTY]]
        ending = ending[queues_of(other) == EMPTY]
        return np.concatenate([*endless, self._ends(keys[ending], before, led=True)])

    def ends_without_leader(self, keys: Keys, before: Predecessors | None = None) -> Keys:
        """The same as long as nobody leads: states in which somebody does lead nowhere."""
        return self._ends(keys, before, led=False)

    def _ends(self, keys: Keys, before: Predecessors | None, led: bool) -> Keys:
        ends = [keys[:0]]
        for _ in range(self.limit):
            keys = distinct(keys)
            if not led:
                keys = keys[~self.facts_of(servers_of(keys), Fact.LEADS).any(axis=1)]
            busy = queues_of(keys) > FULL
            ends.append(keys[~busy])
            keys = keys[busy]
            if not keys.size:
                break
            queues = self._queues.rows[queues_of(keys)]
            if self.every_order:
                following = []
                for place in range(int((queues == 0).all(axis=0).sum()), self.capacity):
                    there = queues[:, place] != queues[:, place - 1]  # of equal messages one
                    following.append(self.deliver(keys[there], np.full(there.sum(), place), before))
                keys = np.concatenate(following)
            else:
                keys = self.deliver(keys, self._age.rows[queues].argmin(axis=1), before)
        return distinct(np.concatenate([*ends, keys]))


def facts(member: c.Member, rule: c.Rule) -> list[int]:
    """The row of `Exchanges.facts`."""
    node, log, config = member.node, member.node.log, member.node.config
    committed = max(node.commit_index, log.snapshot_position.index)
    leader = node.role.leader if isinstance(node.role, v.Follower) else None
    known: dict[Fact, int] = {
        Fact.PENDING: member.pending != NOTHING,
        Fact.LEADS: isinstance(node.role, v.Leader),
        Fact.TERM: node.current_term,
        Fact.LAST: log.last_position.term << 20 | log.last_index,
        Fact.LAST_INDEX: log.last_index,
        Fact.COMMIT_INDEX: node.commit_index,
        Fact.COMMITTED: log.term(committed) << 20 | committed,
        Fact.COMMITTED_TERM: log.term(committed),
        Fact.FOLLOWS: -1 if leader is None else leader,
        Fact.VOTED_FOR: -1 if node.voted_for is None else node.voted_for,
        Fact.VOTERS: _bits(config.voters),
        Fact.NEW_VOTERS: _bits(config.new_voters),
        Fact.MEMBERS: _bits(config.members),
        Fact.HANDS_OVER: isinstance(node.role, v.Leader) and node.role.transfer is not None,
        Fact.CAMPAIGNS: rule(node, v.ElectionTimeout()).node.current_term > node.current_term,
    }
    return [known[fact] for fact in Fact]


def _bits(servers: frozenset[int]) -> int:
    return sum(1 << server for server in servers)


def age(envelope: c.Envelope) -> int:
    """Lower for what was sent earlier, more or less: by term, then by sequence number, then, of
    calls that follow one another, by where they begin.

    It does not depend on the numbers of the tables, so that every run settles states alike.
    """
    to, content = envelope
    term, seqno = (
        (content.position.term, 0)
        if isinstance(content, c.Snapshot)
        else (content.term, content.seqno)
    )
    kind = _KINDS.index(type(content))
    after = content.prev_position.index if isinstance(content, v.AppendEntriesCall) else 0
    return term << 48 | seqno << 28 | kind << 24 | after << 16 | content.sender << 8 | to


_KINDS: Final = (
    v.AppendEntriesCall,
    v.AppendEntriesReply,
    v.RequestVoteCall,
    v.RequestVoteReply,
    c.Snapshot,
)


def at_rest(node: v.Node) -> v.Node:
    """The node that stands for this one while nothing is under way.

    Calls are numbered on from `seqno`, and a reply's number is only asked whether it is below
    `probe` or `asked`: so all three may be lowered by as much.  No call is under way or owed, so
    the next reply has a number above `seqno`, and so not below `probe`, which is never above that;
    nor below `asked`, where that is at most one above it.
    What a peer has answered is read by nothing that follows, and the next reply has a higher number
    than that.
    None of them becomes 0: that there was such a call is something that a rule might go by.
    A candidate's votes are worth nothing once no more can come: it has to campaign again, in
    another term, for the replies to its last campaign have all arrived.
    """
    match node.role:
        case v.Leader(peers, durable, transfer):
            rested = [
                peer._replace(
                    probe=min(peer.probe, 1),
                    asked=_ahead(peer.asked, node.seqno),
                    answered=min(peer.answered, 1),
                )
                for peer in peers
            ]
            return node._replace(
                role=v.Leader(tuple(rested), durable, transfer), seqno=min(node.seqno, 1)
            )
        case v.Candidate():
            return node._replace(role=v.Candidate(frozenset({node.id})), seqno=min(node.seqno, 1))
    return node._replace(seqno=min(node.seqno, 1))


def _ahead(asked: v.SeqNo, seqno: v.SeqNo) -> v.SeqNo:
    """As far ahead of 1 as it was of `seqno`, where a refusal does not ask for a snapshot yet."""
    return asked - seqno + min(seqno, 1) if asked > seqno + 1 else min(asked, 1)
