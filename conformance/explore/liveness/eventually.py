"""EVENTUALLY: from every explored state a leader is still elected, gathers the rest, and commits.

Raft owes progress to assumptions on time (§5.6: broadcast time << election timeout).  Here is what
is assumed from some point on, in place of fairness:

- no server crashes, all that is sent arrives, once, in any order, and every user drains at once;
- a timer only fires while nothing is under way, for timeouts are longer than an exchange of
  messages: so a run goes from one quiet state, in which nothing is under way, to the next;
- while somebody leads its heartbeats come sooner than any timer fires;
- while nobody does, a timer that runs fires before more others have fired than there are, in any
  order: timeouts are of one size.  It runs until its user executes `SetElectionTimeout`;
- users end a transfer within an election timeout: a leader that hands over, and still leads then,
  is told to cancel that (dissertation, §3.10).  Who is told to campaign does what its timer would
  make it do.

To settle a state is to run it to quiescence: servers execute what they owe, transfers are ended,
and what is under way is delivered and answered, until nothing is.  One order is enough, for another
one leads through other explored states.  Where there is no cluster yet it is created.  The claims
are checked in:

- every quiet state that an explored state settles to;
- the quiet states after elections that must fail there;
- the quiet states after a leadership that has ended, or where two servers lead.

Messages of elections and leaderships arrive in every order, save for the last claim.  "An elector
whose log is not behind" is a server whose timer makes it campaign, and that a quorum of its own
configuration is not ahead of (both majorities of a joint one).

ExchangesEnd       No exchange of messages goes on for ever.
ElectorExists      Somebody leads, or there is an elector whose log is not behind.
ElectionCompletes  Where nobody leads, and such an elector's timer fires, it leads after that, or
                   after the timer has fired once more (the first time, it may only learn of a
                   higher term), if no other does meanwhile.
LeaderReplaced     The same where somebody leads.  More than the assumptions ask for: heartbeats
                   may be late.
ElectorHoldsOut    While no change of voters is under way, nor unknown to one that it has removed,
                   whatever the timers of the others do, and in whatever order: somebody leads
                   before that of such an elector has fired, or was set anew, more often than there
                   are servers.
LeaderGathers      Whoever leads, of old or just elected, sends heartbeats and nothing else happens.
                   After two at most (a lost snapshot: one before the limit `ask_again` more) all
                   members of its configuration follow it, with the same log, of which all is
                   committed; or it has stepped down, because of a higher term or because its
                   removal is committed.
CommitsNew         It is proposed a command then, and takes it.  After one heartbeat at most they
                   all have it, and know it to be committed.
SendsOnce          It is proposed commands then, faster than they are answered.  Where messages keep
                   their order it sends no entry to anybody twice: of calls and replies there is one
                   each for each input and member.
InstallsOnce       Whoever leads sends heartbeats faster than they are answered.  To each member it
                   sends a snapshot once at most, however slow that is.
NoDeadEnd          Whatever the other claims say, some timeouts, heartbeats and proposals, `DEPTH`
                   at most, lead to a newly committed entry, one ahead of all logs.

These are stronger than that no fair run avoids progress for ever: they say in what number of
timeouts and heartbeats there is some.  Together they imply it for the runs above: a timer elects a
leader, heartbeats let it gather the rest, and what is proposed is committed; a leader that steps
down has left a higher term, or a smaller configuration, behind.  A quiet state that heartbeats lead
back to is a cycle that avoids progress for ever.

What leaderships leave behind is looked at up to the bound on terms, and one term further.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from conformance.explore.liveness.exchange import (
    EMPTY,
    ENVELOPES,
    Exchanges,
    Fact,
    Predecessors,
    Stimulus,
    key,
    marks_of,
    names_of,
    queues_of,
    servers_of,
)
from conformance.explore.liveness.leaderships import (
    COMMITS,
    DEPTH,
    ELECTS,
    GATHERS,
    HOLDS_OUT,
    INSTALLS_ONCE,
    REPLACES,
    SENDS_ONCE,
    SETTLES,
    dead_ends,
    follow,
    starts,
)
from conformance.explore.states.space import Space
from conformance.explore.states.symmetry import Renaming, renamed, renamings
from conformance.explore.states.tables import (
    Array,
    GrowableArray,
    Ints,
    Keys,
    SortedRuns,
    distinct,
)
from spec.cluster import Cluster, Deliver, Drain, Envelope, Input, Step, apply

EXISTS: Final = "ElectorExists"
ESCAPES: Final = "NoDeadEnd"
CLAIMS: Final = (
    SETTLES,
    EXISTS,
    ELECTS,
    REPLACES,
    HOLDS_OUT,
    GATHERS,
    COMMITS,
    SENDS_ONCE,
    INSTALLS_ONCE,
    ESCAPES,
)

ROUNDS: Final = 8
"""How often what leaderships leave behind is checked in its turn."""
EVERY_ORDER: Final = 4
"""Nodes up to which messages arrive in every order."""
CHUNK: Final = 1 << 17

Move: TypeAlias = Input | Envelope | Drain
"""A server is handed an event or a message, and drains; or it only drains."""


@dataclass(frozen=True, slots=True)
class LivenessFailure:
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
class LivenessClaim:
    """`checked`: how often its premise held; `failed`: how many ends contradict it.

    `most`: how much it took at most, of what the claim counts: timeouts, the periods of a timer,
    heartbeats, messages, snapshots.
    """

    name: str
    checked: int = 0
    failed: int = 0
    most: int = 0
    failure: LivenessFailure | None = None


@dataclass(slots=True)
class EventuallyReport:
    every_order: bool = True
    claims: dict[str, LivenessClaim] = field(
        default_factory=lambda: {name: LivenessClaim(name) for name in CLAIMS}
    )
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
    def found(self) -> LivenessFailure | None:
        return next((claim.failure for claim in self.claims.values() if claim.failure), None)

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
                    "detail": claim.failure.detail if claim.failure else None,
                }
                for claim in self.claims.values()
            },
        }


def eventually(
    space: Space, layers: Iterable[Keys], every_order: bool | None = None
) -> EventuallyReport:
    """All of `Check`, at once."""
    check = Check(space, every_order)
    for _ in check.run(layers):
        pass
    return check.report


_Turn: TypeAlias = tuple[int, int]
"""Whose, and the stimulus."""
_Path: TypeAlias = list[tuple[int, _Turn]]
"""Turns, each with what it led to."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Turns from an explored state to another one, which is not put to rest."""

    state: int
    turns: list[_Turn]
    end: Keys

    def then(self, path: _Path, end: Keys) -> _Run:
        return _Run(self.state, [*self.turns, *(turn for _, turn in path)], end)


class Check:
    """Checks the claims from explored states, and has the report of it.

    Of a space with symmetry one state of each orbit does: the claims are the same for all names.
    Without `every_order`, or with none given and more than `EVERY_ORDER` nodes, messages arrive
    in one order only, for the orders are too many.
    """

    def __init__(self, space: Space, every_order: bool | None = None) -> None:
        if every_order is None:
            every_order = space.bounds.nodes <= EVERY_ORDER
        self.report = EventuallyReport(every_order)
        self._exchanges = Exchanges(space, every_order)
        self._seen = SortedRuns()
        self._is_quiet = GrowableArray()
        """By number of servers: whether they were met in a quiet state."""
        self._quiet: list[Ints] = []
        self._origins: list[Keys] = []
        """The explored states that settle to these."""
        self._rounds: list[Keys] = []
        """What leaderships were followed from in each round, first those of the first states."""

    def run(self, layers: Iterable[Keys]) -> Iterator[None]:
        """From the states of these layers, in the order of their depth; it pauses now and then."""
        for layer in layers:
            for start in range(0, len(layer), CHUNK):
                self._explored(layer[start : start + CHUNK])
                yield
        quiet = np.concatenate([np.zeros(0, np.int64), *self._quiet])
        while quiet.size and len(self._rounds) < ROUNDS:
            self.report.quiet += len(quiet)
            after = yield from self._leaderships(quiet)
            self._dead_ends(quiet)
            quiet = after[self._unknown(after)]
        self.report.unchecked = len(quiet)

    # From explored states to quiet ones

    def _explored(self, states: Keys) -> None:
        keys = self._exchanges.of_states(states)
        self.report.explored += len(states)
        different, first = np.unique(keys, return_index=True)
        new = self._seen.missing(different)
        self._seen.add(new)
        at = np.sort(first[np.searchsorted(different, new)])
        keys, states = self._settled(keys[at]), states[at]
        self.report.settled += len(keys)
        endless = queues_of(keys) != EMPTY
        if self._is_first(SETTLES, len(keys), int(endless.sum()), 0):
            run = self._settle(int(states[endless][0]))
            self._found(SETTLES, run, "what is under way is answered for ever")
        keys, states = self._exchanges.rested(keys[~endless]), states[~endless]
        servers, first = np.unique(servers_of(keys), return_index=True)
        first = np.sort(first[self._unknown(servers)])
        self._quiet.append(servers_of(keys[first]))
        self._origins.append(states[first])

    def _settled(self, keys: Keys, before: Predecessors | None = None) -> Keys:
        exchanges = self._exchanges
        keys = exchanges.cancelled(exchanges.drained(keys, before), before)
        keys = exchanges.settled(keys, before)
        members = exchanges.facts_of(servers_of(keys), Fact.MEMBERS)
        fresh = np.flatnonzero((queues_of(keys) == EMPTY) & ~members.any(axis=1))
        if fresh.size:
            founder, stimuli = np.zeros_like(fresh), np.full(len(fresh), Stimulus.CREATE)
            created = exchanges.turn(keys[fresh], founder, stimuli, before)
            keys[fresh] = exchanges.settled(created, before)
            self.report.created += len(fresh) if before is None else 0
        return keys

    def _unknown(self, servers: Ints) -> Array:
        """Which quiet states, all different, are new."""
        self._is_quiet.extend(np.zeros(len(self._exchanges.servers) - self._is_quiet.size))
        new: Array = self._is_quiet.rows[servers] == 0
        self._is_quiet.rows[servers] = 1
        return new

    # The claims

    def _leaderships(self, quiet: Ints) -> Generator[None, None, Ints]:
        """Check elections and leaderships; the quiet states that they leave behind."""
        first = starts(self._exchanges, quiet, every=not self._rounds)
        self._rounds.append(first.keys)
        self._check_states(EXISTS, quiet, first.nobody, 0, "nobody leads, nor can be elected")
        after = [first.keys[:0]]
        for start in range(0, len(first.keys), CHUNK):
            chunk = first.keys[start : start + CHUNK]
            found = follow(self._exchanges, chunk)
            after.append(found.after)
            for name, wrong in found.wrong.items():
                checked, most = found.checked.get(name, 0), found.most.get(name, 0)
                if self._is_first(name, checked, len(wrong), most):
                    self._explain(name, chunk)
            yield
        servers = servers_of(np.concatenate(after))
        return distinct(servers.astype(np.uint64)).astype(np.int64)

    def _dead_ends(self, quiet: Ints) -> None:
        for start in range(0, len(quiet), CHUNK):
            chunk = quiet[start : start + CHUNK]
            ends, most = dead_ends(self._exchanges, chunk)
            detail = f"no {DEPTH} timeouts, heartbeats and proposals commit anything"
            self._check_states(ESCAPES, chunk, ends, most, detail)

    def _check_states(self, name: str, quiet: Ints, wrong: Array, most: int, detail: str) -> None:
        if self._is_first(name, len(quiet), int(wrong.sum()), most):
            none = np.zeros(1, np.int64)
            start = key(none, quiet[wrong][:1], none)
            self._found(name, self._run_to(start, len(self._rounds) - 1), detail)

    def _is_first(self, name: str, checked: int, failed: int, most: int) -> bool:
        """Count these for a claim; whether it fails, and did not before."""
        claim = self.report.claims[name]
        claim.checked += checked
        claim.failed += failed
        claim.most = max(claim.most, most)
        return failed > 0 and claim.failure is None

    # What is found, as a continuation of an explored state

    def _found(self, name: str, run: _Run, detail: str) -> None:
        moves = tuple(map(self._move, run.turns))
        self.report.claims[name].failure = LivenessFailure(name, run.state, moves, detail)

    def _explain(self, name: str, chunk: Keys) -> None:
        """Find the first of the starts from which the claim fails, and how."""
        start = _first(chunk, lambda part: bool(len(follow(self._exchanges, part).wrong[name])))
        run = self._run_to(start, len(self._rounds) - 1)
        before: Predecessors = {}
        begin = _marked(run.end, start)
        end = follow(self._exchanges, begin, before).wrong[name][:1]
        path, again = self._until_again(_path(before, begin, end))
        who = names_of(start)[0]
        detail = {
            SETTLES: "messages are exchanged for ever",
            ELECTS: f"node {who}, whose log is not behind, is not elected",
            REPLACES: f"node {who}, whose log is not behind, is not elected",
            HOLDS_OUT: f"node {who}, whose log is not behind, is starved by others' timers",
            GATHERS: f"node {who} leads, and does not gather the rest",
            COMMITS: f"node {who} leads, and does not commit a command everywhere",
            SENDS_ONCE: f"node {who} leads, and sends more than one call for each input",
            INSTALLS_ONCE: f"node {who} leads, and sends a snapshot more than once",
        }[name]
        detail += "; heartbeats lead to the same state again" if again else ""
        self._found(name, run.then(path, end), detail)

    def _run_to(self, start: Keys, at: int) -> _Run:
        """From an explored state to a quiet one that was checked in a round."""
        wanted = servers_of(start)[0]
        if at == 0:
            place = np.flatnonzero(np.concatenate(self._quiet) == wanted)[0]
            return self._settle(int(np.concatenate(self._origins)[place]))

        def is_left(part: Keys) -> bool:
            return bool((servers_of(follow(self._exchanges, part).after) == wanted).any())

        earlier = _first(self._rounds[at - 1], is_left)
        run = self._run_to(earlier, at - 1)
        before: Predecessors = {}
        begin = _marked(run.end, earlier)
        after = follow(self._exchanges, begin, before).after
        end = after[servers_of(self._exchanges.rested(after)) == wanted][:1]
        return run.then(_path(before, begin, end), end)

    def _settle(self, state: int) -> _Run:
        before: Predecessors = {}
        begin = self._exchanges.of_states(np.array([state], np.uint64))
        end = self._settled(begin.copy(), before)
        return _Run(state, [], begin).then(_path(before, begin, end), end)

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
        if stimulus == Stimulus.DRAIN:
            return Drain(who)
        if stimulus < ENVELOPES:
            return Input(who, self._exchanges.event(stimulus))
        envelope = self._exchanges.envelopes[stimulus]
        assert isinstance(envelope, Envelope)
        return envelope


def _first(keys: Keys, holds: Callable[[Keys], bool]) -> Keys:
    """The first key for which it holds; it holds for several where it does for one of them."""
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if holds(half) else keys[len(half) :]
    return keys


def _marked(keys: Keys, start: Keys) -> Keys:
    return key(marks_of(start), servers_of(keys), queues_of(keys))


def _path(before: Predecessors, begin: Keys, end: Keys) -> _Path:
    """The turns between two states."""
    path: _Path = []
    state = int(end[0])
    while state != int(begin[0]):
        earlier, *turn = before[state]
        path.append((state, (turn[0], turn[1])))
        state = earlier
    path.reverse()
    return path


def _as_named(
    space: Space, state: int, moves: tuple[Move, ...], cluster: Cluster
) -> tuple[Move, ...]:
    """The moves after the renaming that makes the state this cluster."""
    found = space.cluster(state)
    for names in renamings(space.bounds):
        other: Cluster = renamed(found, names)
        if other.members == cluster.members and Counter(other.network) == Counter(cluster.network):
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
