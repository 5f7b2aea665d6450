"""EVENTUALLY: from every explored state a leader is still elected, gathers the rest, and commits.

Raft owes progress to assumptions on time (§5.6: broadcast time << election timeout).  Here is what
is assumed from some point on, in place of fairness:

- no server crashes, all that is sent arrives, once, in any order, and every user drains at once;
- a timer only fires while nothing is under way, for timeouts are longer than an exchange of
  messages: so a run goes from one quiet state, in which nothing is under way, to the next;
- while somebody leads its heartbeats come sooner than any timer fires;
- while nobody does, sooner or later the timer fires of an elector whose log is not behind, and it
  fires again before any other does (timeouts are random, §5.2).

Every explored state is settled: what servers have held back and what is under way takes its course
(in one order: another one leads through other explored states), and where there is no cluster yet
it is created.  The claims are checked in every quiet state that an explored one settles to, in what
an election leaves behind there that must fail, and in what an election or a reign leaves behind
that another leader goes on from; the messages of these arrive in every order, save for the last
claim.  "An elector whose log is not behind" is a server whose timer makes it campaign, and that a
quorum of its own configuration is not ahead of (both majorities of a joint one).

ExchangesEnd       No exchange of messages goes on for ever.
ElectorExists      Somebody leads, or there is an elector whose log is not behind.
ElectionCompletes  Where nobody leads, and such an elector's timer fires, it leads after that, or
                   after the timer has fired once more (the first time, it may only learn of a
                   higher term).
LeaderReplaced     The same where somebody leads.  More than the assumptions ask for: heartbeats
                   may be late.
LeaderGathers      Whoever leads, of old or just elected, sends heartbeats and nothing else happens.
                   After finitely many all members of its configuration follow it, with the same
                   log, of which all is committed; or it has stepped down, because of a higher term
                   or because its removal is committed.
CommitsNew         It is proposed a command then.  After finitely many heartbeats they all have it,
                   and know it to be committed.
NoDeadEnd          Whatever the other claims say, some timeouts, heartbeats and proposals, `DEPTH`
                   at most, lead to a newly committed entry, one ahead of all logs.

These are stronger than that no fair run avoids progress for ever: they say in what number of
timeouts and heartbeats there is some.  Together they imply it for the runs above: a timer elects a
leader, heartbeats let it gather the rest, and what is proposed is committed; a leader that steps
down has left a higher term, or a smaller configuration, behind.  A quiet state that heartbeats lead
back to, but for sequence numbers, is a cycle that avoids it: a stall.

What is not claimed: how long other timers may keep an election from completing.  They only make
terms grow, and what they leave behind is looked at up to the bound on terms, and one term further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from conformance.explore.liveness.exchange import (
    CREATE,
    DRAIN,
    EMPTY,
    ENVELOPES,
    MEMBERS,
    Exchanges,
    Trail,
    key,
    marks_of,
    queues_of,
    servers_of,
)
from conformance.explore.liveness.leaderships import (
    COMMITS,
    DEPTH,
    ELECTS,
    GATHERS,
    REPLACES,
    SETTLES,
    names_of,
    reign,
    starts,
    stuck,
)
from conformance.explore.states.space import Space, unpack
from conformance.explore.states.symmetry import Renaming, renamed, renamings
from conformance.explore.states.tables import Array, Grown, Ints, Keys, distinct
from spec.cluster import Cluster, Deliver, Drain, Envelope, Input, Member, Step, apply

EXISTS: Final = "ElectorExists"
ESCAPES: Final = "NoDeadEnd"
CLAIMS: Final = (SETTLES, EXISTS, ELECTS, REPLACES, GATHERS, COMMITS, ESCAPES)

ROUNDS: Final = 8
"""How often it is checked in its turn what elections and reigns leave behind."""
EVERY_ORDER: Final = 4
"""Nodes up to which messages arrive in every order."""
CHUNK: Final = 1 << 17

Move: TypeAlias = Input | Envelope | Drain
"""A server is handed an event or a message, and drains; or it only drains."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Where a claim fails: an explored state, the first of those, and what follows it."""

    claim: str
    state: int
    continuation: tuple[Move, ...]
    detail: str

    def steps(self, space: Space, cluster: Cluster) -> Iterator[Step]:
        """The continuation of the state as this cluster, which may be a renaming of it."""
        for move in _as_named(space, self.state, self.continuation, cluster):
            match move:
                case Drain():
                    steps: tuple[Step, ...] = (move,)
                case Input(node):
                    steps = (move, Drain(node))
                case Envelope(to):
                    steps = (Deliver(cluster.network.index(move)), Drain(to))
            for step in steps:
                cluster = apply(cluster, step, space.nodes.rule).after
                yield step


@dataclass(slots=True)
class Claim:
    """`checked`: how often its premise held; `failed`: how many ends contradict it.

    `most`: the timeouts, or the heartbeats, that it took at most.
    """

    name: str
    checked: int = 0
    failed: int = 0
    most: int = 0
    stall: Stall | None = None


@dataclass(slots=True)
class EventuallyReport:
    every_order: bool = True
    claims: dict[str, Claim] = field(default_factory=lambda: {name: Claim(name) for name in CLAIMS})
    explored: int = 0
    settled: int = 0
    """Explored states that differ in more than history, disks and budgets."""
    created: int = 0
    """Those in which there is no cluster yet."""
    quiet: int = 0
    """Quiet states in which the claims were checked."""
    unchecked: int = 0
    """Quiet states left behind after so many `ROUNDS`."""

    @property
    def found(self) -> Stall | None:
        return next((claim.stall for claim in self.claims.values() if claim.stall), None)

    def as_json(self) -> dict[str, object]:
        return {
            "every_order": self.every_order,
            "settled_states": self.settled,
            "quiet_states": self.quiet,
            "unchecked": self.unchecked,
            "claims": {
                claim.name: {
                    "checked": claim.checked,
                    "failed": claim.failed,
                    "most": claim.most,
                    "detail": claim.stall.detail if claim.stall else None,
                }
                for claim in self.claims.values()
            },
        }


Progress: TypeAlias = Callable[[EventuallyReport], None]


def eventually(
    space: Space,
    layers: Iterable[Keys],
    every_order: bool | None = None,
    progress: Progress = lambda _: None,
) -> EventuallyReport:
    """Check the claims from explored states, which come in the order of their depth.

    Of a space with symmetry one state of each orbit does: the claims are the same for all names.
    Without `every_order`, or with none given and more than `EVERY_ORDER` nodes, messages arrive
    in one order only, for the orders are too many.
    """
    if every_order is None:
        every_order = space.bounds.nodes <= EVERY_ORDER
    check = _Check(space, every_order, progress)
    for layer in layers:
        for start in range(0, len(layer), CHUNK):
            check.explored(layer[start : start + CHUNK])
    check.claims()
    return check.report


_Turn: TypeAlias = tuple[int, int]
"""Whose, and the stimulus."""
_Path: TypeAlias = list[tuple[int, _Turn]]
"""Turns, each with what it led to."""


@dataclass(frozen=True, slots=True)
class _Way:
    """Turns from an explored state to another one, which is not put to rest."""

    state: int
    turns: list[_Turn]
    end: Keys


class _Check:
    def __init__(self, space: Space, every_order: bool, progress: Progress) -> None:
        self.report = EventuallyReport(every_order)
        self._exchanges = Exchanges(space, every_order)
        self._progress = progress
        self._seen = _Seen()
        self._is_quiet = Grown()
        """By number of servers: whether they were met in a quiet state."""
        self._quiet: list[Ints] = []
        self._origins: list[Keys] = []
        """The explored states that settle to these."""
        self._rounds: list[Keys] = []
        """What reigns were followed from in each round, first those of the first states."""

    # From explored states to quiet ones

    def explored(self, states: Keys) -> None:
        keys = self._exchanges.of_states(states)
        self.report.explored += len(states)
        new = self._seen.new(keys)
        keys, states = self._settled(keys[new]), states[new]
        self.report.settled += len(keys)
        endless = queues_of(keys) != EMPTY
        self._count(SETTLES, len(keys), int(endless.sum()), 0)
        if endless.any() and self.report.claims[SETTLES].stall is None:
            way = self._settle(int(states[endless][0]))
            self._found(SETTLES, way, "what is under way is answered for ever")
        keys, states = self._exchanges.rested(keys[~endless]), states[~endless]
        servers, first = np.unique(servers_of(keys), return_index=True)
        first = np.sort(first[self._unknown(servers)])
        self._quiet.append(servers_of(keys[first]))
        self._origins.append(states[first])
        self._progress(self.report)

    def _settled(self, keys: Keys, trail: Trail | None = None) -> Keys:
        exchanges = self._exchanges
        keys = exchanges.settled(exchanges.drained(keys, trail), trail)
        members = exchanges.facts_of(servers_of(keys), MEMBERS)
        fresh = np.flatnonzero((queues_of(keys) == EMPTY) & ~members.any(axis=1))
        if fresh.size:
            founder, stimuli = np.zeros_like(fresh), np.full(len(fresh), CREATE)
            created = exchanges.turn(keys[fresh], founder, stimuli, trail)
            keys[fresh] = exchanges.settled(created, trail)
            self.report.created += len(fresh) if trail is None else 0
        return keys

    def _unknown(self, servers: Ints) -> Array:
        """Which quiet states, all different, are new."""
        self._is_quiet.extend(np.zeros(len(self._exchanges.servers) - self._is_quiet.size))
        new: Array = self._is_quiet.rows[servers] == 0
        self._is_quiet.rows[servers] = 1
        return new

    # The claims

    def claims(self) -> None:
        quiet = np.concatenate([np.zeros(0, np.int64), *self._quiet])
        while quiet.size and len(self._rounds) < ROUNDS:
            self.report.quiet += len(quiet)
            after = self._reigns(quiet)
            self._dead_ends(quiet)
            quiet = after[self._unknown(after)]
        self.report.unchecked = len(quiet)

    def _reigns(self, quiet: Ints) -> Ints:
        """Check elections and reigns; the quiet states that they leave behind."""
        found = starts(self._exchanges, quiet, every=not self._rounds)
        keys = found.keys
        self._rounds.append(keys)
        self._check_states(EXISTS, quiet, found.nobody, 0, "nobody leads, nor can be elected")
        after = [keys[:0]]
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            reigns = reign(self._exchanges, chunk)
            after.append(reigns.after)
            for name, wrong in reigns.wrong.items():
                self._count(name, reigns.checked.get(name, 0), len(wrong), reigns.most.get(name, 0))
                if len(wrong) and self.report.claims[name].stall is None:
                    self._explain(name, chunk)
            self._progress(self.report)
        servers = servers_of(np.concatenate(after))
        return distinct(servers.astype(np.uint64)).astype(np.int64)

    def _dead_ends(self, quiet: Ints) -> None:
        for start in range(0, len(quiet), CHUNK):
            chunk = quiet[start : start + CHUNK]
            ends, most = stuck(self._exchanges, chunk)
            detail = f"no {DEPTH} timeouts, heartbeats and proposals commit anything"
            self._check_states(ESCAPES, chunk, ends, most, detail)

    def _check_states(self, name: str, quiet: Ints, wrong: Array, most: int, detail: str) -> None:
        self._count(name, len(quiet), int(wrong.sum()), most)
        if wrong.any() and self.report.claims[name].stall is None:
            none = np.zeros(1, np.int64)
            start = key(none, quiet[wrong][:1], none)
            self._found(name, self._way(start, len(self._rounds) - 1), detail)

    def _count(self, name: str, checked: int, failed: int, most: int) -> None:
        claim = self.report.claims[name]
        claim.checked += checked
        claim.failed += failed
        claim.most = max(claim.most, most)

    # What is found, as a continuation of an explored state

    def _found(self, name: str, way: _Way, detail: str) -> None:
        moves = tuple(map(self._move, way.turns))
        self.report.claims[name].stall = Stall(name, way.state, moves, detail)

    def _explain(self, name: str, chunk: Keys) -> None:
        """Find the first of the starts from which the claim fails, and how."""
        start = _first(chunk, lambda part: bool(len(reign(self._exchanges, part).wrong[name])))
        way = self._way(start, len(self._rounds) - 1)
        trail: Trail = {}
        begin = _marked(way.end, start)
        end = reign(self._exchanges, begin, trail).wrong[name][:1]
        path, again = self._until_again(_path(trail, begin, end))
        who = names_of(start)[0]
        detail = {
            SETTLES: "messages are exchanged for ever",
            ELECTS: f"node {who}, whose log is not behind, is not elected",
            REPLACES: f"node {who}, whose log is not behind, is not elected",
            GATHERS: f"node {who} leads, and does not gather the rest",
            COMMITS: f"node {who} leads, and does not commit a command everywhere",
        }[name]
        detail += "; heartbeats lead to the same state again" if again else ""
        self._found(name, _way_on(way, path, end), detail)

    def _way(self, start: Keys, at: int) -> _Way:
        """From an explored state to a quiet one that was checked in a round."""
        wanted = servers_of(start)[0]
        if at == 0:
            place = np.flatnonzero(np.concatenate(self._quiet) == wanted)[0]
            return self._settle(int(np.concatenate(self._origins)[place]))

        def is_left(part: Keys) -> bool:
            return bool((servers_of(reign(self._exchanges, part).after) == wanted).any())

        before = _first(self._rounds[at - 1], is_left)
        way = self._way(before, at - 1)
        trail: Trail = {}
        begin = _marked(way.end, before)
        after = reign(self._exchanges, begin, trail).after
        end = after[servers_of(self._exchanges.rested(after)) == wanted][:1]
        return _way_on(way, _path(trail, begin, end), end)

    def _settle(self, state: int) -> _Way:
        trail: Trail = {}
        begin = self._exchanges.of_states(np.array([state], np.uint64))
        end = self._settled(begin.copy(), trail)
        return _way_on(_Way(state, [], begin), _path(trail, begin, end), end)

    def _until_again(self, path: _Path) -> tuple[_Path, bool]:
        """The path up to where it is in a quiet state for the second time, if it ever is."""
        seen: set[int] = set()
        for at, (after, _) in enumerate(path):
            state = np.array([after], np.uint64)
            if queues_of(state)[0] == EMPTY:
                rested = int(self._exchanges.rested(state)[0])
                if rested in seen:
                    return path[: at + 1], True
                seen.add(rested)
        return path, False

    def _move(self, turn: _Turn) -> Move:
        who, stimulus = turn
        if stimulus == DRAIN:
            return Drain(who)
        if stimulus < ENVELOPES:
            return Input(who, self._exchanges.event(stimulus))
        envelope = self._exchanges.envelopes[stimulus]
        assert isinstance(envelope, Envelope)
        return envelope


class _Seen:
    """Keys that were seen: arrays in order, of sizes that grow like powers of two."""

    def __init__(self) -> None:
        self._runs: list[Keys] = []

    def new(self, keys: Keys) -> Ints:
        """The places where a key comes for the first time."""
        different, first = np.unique(keys, return_index=True)
        new = np.ones(len(different), bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, different), len(run) - 1)
            new &= run[places] != different
        if new.any():
            self._runs.append(different[new])
        while len(self._runs) > 1 and 2 * len(self._runs[-1]) > len(self._runs[-2]):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(np.sort(np.concatenate([before, last])))
        return np.sort(first[new])


def _first(keys: Keys, holds: Callable[[Keys], bool]) -> Keys:
    """The first key for which it holds; it holds for several where it does for one of them."""
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if holds(half) else keys[len(half) :]
    return keys


def _marked(keys: Keys, start: Keys) -> Keys:
    return key(marks_of(start), servers_of(keys), queues_of(keys))


def _way_on(way: _Way, path: _Path, end: Keys) -> _Way:
    return _Way(way.state, [*way.turns, *(turn for _, turn in path)], end)


def _path(trail: Trail, begin: Keys, end: Keys) -> _Path:
    """The turns between two states."""
    path: _Path = []
    state = int(end[0])
    while state != int(begin[0]):
        before, who, stimulus = trail[state]
        path.append((state, (who, stimulus)))
        state = before
    path.reverse()
    return path


def _as_named(
    space: Space, state: int, moves: tuple[Move, ...], cluster: Cluster
) -> tuple[Move, ...]:
    """The moves after the renaming that makes the state this cluster."""
    servers, networks = unpack(np.array([state], np.uint64))
    numbers = space.servers.table.rows[servers[0], : space.bounds.nodes]
    members = [space.nodes.members[number] for number in numbers]
    network = [space.nodes.envelopes[number] for number in space.network.under_way(networks)[0]]
    for names in renamings(space.bounds):
        others: list[Member] = [renamed(member, names) for member in members]
        others.sort(key=lambda member: member.node.id)
        sent = Counter(renamed(envelope, names) for envelope in network if envelope is not None)
        if tuple(others) == cluster.members and sent == Counter(cluster.network):
            return tuple(_renamed(move, names) for move in moves)
    raise ValueError("the cluster is not in the state that the continuation is of")


def _renamed(move: Move, names: Renaming) -> Move:
    match move:
        case Input(node, event):
            return Input(names[node], renamed(event, names))
        case Drain(node):
            return Drain(names[node])
    envelope: Envelope = renamed(move, names)
    return envelope
