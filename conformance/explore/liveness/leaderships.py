"""Leaderships from quiet states, in which nothing is under way (`eventually` says why).

A leadership is an election and what its winner does until all have what it has, or it steps down.
A state is marked with the server that it is about, as `exchange` has it: the one whose timer fires,
that then leads.  A set of states is followed at once, through every order of delivery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from conformance.explore.liveness.exchange import (
    EMPTY,
    RUNS,
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
from conformance.explore.states.tables import Array, Ints, Keys, distinct

SETTLES: Final = "ExchangesEnd"
ELECTS: Final = "ElectionCompletes"
REPLACES: Final = "LeaderReplaced"
HOLDS_OUT: Final = "ElectorHoldsOut"
GATHERS: Final = "LeaderGathers"
COMMITS: Final = "CommitsNew"
SENDS_ONCE: Final = "SendsOnce"
INSTALLS_ONCE: Final = "InstallsOnce"

HEARTBEATS: Final = {GATHERS: 2, COMMITS: 1}
"""How many a leader may need.

The first one is answered by all.  Who lacks something is sent it at once, call after call, until
that is committed; the second one tells so.  A command needs the second one alone.  A snapshot that
was lost is asked for again by the first, or as many later as the limit `ask_again` says.
"""
PIPELINED: Final = (Stimulus.PROPOSE, Stimulus.PROPOSE, Stimulus.HEARTBEAT)
"""What a leader that has gathered the rest is handed at once."""
DEPTH: Final = 5
"""Timeouts, heartbeats and proposals in a row that are tried to get out of a dead end."""

_RIVAL: Final = 8
"""In the mark of a server that campaigns while another one leads."""
_BEHIND: Final = 16
"""In the mark of one that campaigns with a log that is behind."""


@dataclass(slots=True)
class Leaderships:
    """What came of some leaderships; `wrong`, `checked` and `most` by claim."""

    wrong: dict[str, Keys]
    """The states at the end of those that contradict the claim."""
    after: Keys
    """The quiet states that they leave behind, from which to go on."""
    checked: dict[str, int] = field(default_factory=dict)
    """How often its premise held."""
    most: dict[str, int] = field(default_factory=dict)
    """How much it took at the most, of what the claim counts."""


@dataclass(frozen=True, slots=True)
class Starts:
    keys: Keys
    """Each quiet state once for each server that leads or campaigns, in the states' order."""
    nobody: Array
    """In which states there is no leader, and nobody who can be elected."""


def starts(exchanges: Exchanges, quiet: Ints, every: bool) -> Starts:
    """Who leads, and who campaigns: everybody, or only who does when nobody leads, and can win."""
    last, leads = exchanges.facts_of(quiet, Fact.LAST), exchanges.facts_of(quiet, Fact.LEADS) != 0
    campaigns = exchanges.facts_of(quiet, Fact.CAMPAIGNS) != 0
    wins = np.zeros_like(leads)
    for name in range(exchanges.size):
        # With its own vote, if it has one; for its log is not ahead of itself.
        votes = ((last <= last[:, [name]]) << np.arange(exchanges.size)).sum(axis=1)
        voters = exchanges.fact(quiet, name, Fact.VOTERS)
        new_voters = exchanges.fact(quiet, name, Fact.NEW_VOTERS)
        quorum = _majority(votes, voters) & (_majority(votes, new_voters) | (new_voters == 0))
        wins[:, name] = campaigns[:, name] & quorum
    led = leads.any(axis=1)
    which, names = np.nonzero(leads | (campaigns if every else wins & ~led[:, None]))
    others = ~leads[which, names]
    marks = names | RUNS | np.where(others & led[which], _RIVAL, 0)
    marks |= np.where(others & ~wins[which, names], _BEHIND, 0)
    keys = key(marks, quiet[which], np.full(len(which), EMPTY))
    return Starts(keys, ~(leads | wins).any(axis=1))


def follow(exchanges: Exchanges, keys: Keys, before: Predecessors | None = None) -> Leaderships:
    """Elect the marked servers that do not lead; let all of them gather the rest and commit.

    With `before` no state is put to rest, for a path is to show what really happened.
    """
    return _Following(exchanges, before).run(keys)


def dead_ends(exchanges: Exchanges, quiet: Ints) -> tuple[Array, int]:
    """From which states nothing new can be committed, and how many moves it took at most.

    One way out is enough, so here messages come in one order.
    """
    at, none = np.arange(len(quiet)), np.zeros_like(quiet)
    keys = key(none, quiet, none)
    newest = exchanges.facts_of(quiet, Fact.LAST).max(axis=1, initial=0)
    stuck = np.ones(len(quiet), bool)
    depth = 0
    while stuck.any() and at.size and depth < DEPTH:
        depth += 1
        which, keys = _one_more(exchanges, keys)
        at = at[which]
        committed = exchanges.facts_of(servers_of(keys), Fact.COMMITTED).max(axis=1)
        stuck[at[committed > newest[at]]] = False
        going = stuck[at] & (queues_of(keys) == EMPTY)
        keys = exchanges.rested(keys[going])
        pairs = np.unique(np.stack([at[going], keys.astype(np.int64)], axis=1), axis=0)
        at, keys = pairs[:, 0], pairs[:, 1].astype(np.uint64)
    return stuck, depth


def _one_more(exchanges: Exchanges, keys: Keys) -> tuple[Ints, Keys]:
    """A timeout, a heartbeat or a proposal: in which of the states, and what comes of it."""
    found: list[tuple[Ints, Keys]] = []
    for stimulus, able in (
        (Stimulus.TIMEOUT, Fact.CAMPAIGNS),
        (Stimulus.HEARTBEAT, Fact.LEADS),
        (Stimulus.PROPOSE, Fact.LEADS),
    ):
        which, names = np.nonzero(exchanges.facts_of(servers_of(keys), able))
        after = exchanges.turn(keys[which], names, np.full(len(which), stimulus))
        found.append((which, exchanges.settled(after)))
    at, after = map(np.concatenate, zip(*found, strict=True))
    return at, after


class _Following:
    def __init__(self, exchanges: Exchanges, before: Predecessors | None) -> None:
        self._exchanges = exchanges
        self._before = before
        none = np.zeros(0, np.uint64)
        names = (SETTLES, ELECTS, REPLACES, HOLDS_OUT, GATHERS, COMMITS, SENDS_ONCE, INSTALLS_ONCE)
        self._found = Leaderships(dict.fromkeys(names, none), none)

    def run(self, keys: Keys) -> Leaderships:
        behind = marks_of(keys) & _BEHIND != 0
        self._leave(self._next(keys[behind], Stimulus.TIMEOUT))
        keys = keys[~behind]
        led = self._exchanges.facts_of(servers_of(keys), Fact.LEADS).any(axis=1)
        leaderless = keys[~led]
        keys = self._elect(keys)
        if not self._found.wrong[SETTLES].size:
            self._hold_out(leaderless[self._has_one_membership(leaderless)])
        rivals = self._exchanges.facts_of(servers_of(keys), Fact.LEADS).sum(axis=1) > 1
        self._leave(keys[rivals])
        if self._exchanges.space.bounds.snapshots:
            self._install_once(keys)
        keys = self._gather(keys, GATHERS)
        keys = self._gather(self._next(self._takes_command(keys), Stimulus.PROPOSE), COMMITS)
        self._send_once(keys)
        return self._found

    def _elect(self, keys: Keys) -> Keys:
        """Timeouts until the marked servers lead."""
        found = self._found
        leads = self._fact(keys, Fact.LEADS) != 0
        elected, keys = [keys[leads]], keys[~leads]
        for attempt in (1, 2):
            for name, some in self._elections(keys).items():
                found.checked.setdefault(name, len(some))
                if len(some):
                    found.most[name] = attempt
            keys = self._next(keys, Stimulus.TIMEOUT)
            won = (self._fact(keys, Fact.LEADS) != 0) | self._is_removed(keys)
            elected.append(keys[won])
            keys = keys[~won]
        found.wrong |= self._elections(keys)
        keys = np.concatenate(elected)
        if self._before is None:
            keys = key(names_of(keys), servers_of(keys), queues_of(keys))
        return distinct(keys)

    def _hold_out(self, keys: Keys) -> None:
        """Whatever others' timers do, periods of the marked server's timer until somebody leads.

        As many as there are servers: one that ends without a leader has shown a server of a higher
        term, to the marked one or to one that it voted for.  As many timers of others fire in one.
        """
        found, size = self._found, self._exchanges.size
        found.checked[HOLDS_OUT] = len(keys)
        for period in range(1, size + 1):
            if not keys.size:
                break
            found.most[HOLDS_OUT] = period
            keys = self._running(keys)
            over = []
            for fired in range(size):
                over.append(self._fire(keys, own=True))
                if fired == size - 1:
                    break
                keys = self._fire(keys, own=False)
                runs = marks_of(keys) & RUNS != 0
                over.append(keys[~runs])
                keys = keys[runs]
            keys = distinct(np.concatenate(over))
        found.wrong[HOLDS_OUT] = keys

    def _has_one_membership(self, keys: Keys) -> Array:
        """Whether all servers that are in a cluster have the same voters, of one configuration, and
        nobody else campaigns.

        During a change one that asks the old voters alone does not tell the new ones of its term,
        and as the timers fall it may vote for itself in every term of another's election.  So may
        one that was removed and does not know that this is committed: its log is not behind
        (dissertation, §4.2.3).
        """
        servers, own = servers_of(keys), self._fact(keys, Fact.VOTERS)[:, None]
        voters = self._exchanges.facts_of(servers, Fact.VOTERS)
        joint = self._exchanges.facts_of(servers, Fact.NEW_VOTERS).any(axis=1)
        campaigns = self._exchanges.facts_of(servers, Fact.CAMPAIGNS) != 0
        is_voter = own >> np.arange(self._exchanges.size) & 1 != 0
        same = ((voters == own) | (voters == 0)).all(axis=1) & ~joint
        one: Array = same & (is_voter | ~campaigns).all(axis=1)
        return one

    def _fire(self, keys: Keys, own: bool) -> Keys:
        """A timer fires, of the marked server or of another one; the states without a leader."""
        exchanges, after = self._exchanges, [keys[:0]]
        for name in range(exchanges.size):
            which = (names_of(keys) == name) == own
            if not own:
                which &= exchanges.fact(servers_of(keys), name, Fact.CAMPAIGNS) != 0
            names, stimuli = np.full(which.sum(), name), np.full(which.sum(), Stimulus.TIMEOUT)
            then = exchanges.turn(keys[which], names, stimuli, self._before)
            then = then[~self._is_removed(then, name)]
            after.append(exchanges.ends_without_leader(then, self._before))
        then = np.concatenate(after)
        return distinct(exchanges.rested(then)) if self._before is None else distinct(then)

    def _running(self, keys: Keys) -> Keys:
        """The same where the timers of the marked servers run."""
        after = key(marks_of(keys) | RUNS, servers_of(keys), queues_of(keys))
        if self._before is not None:
            for one, same in zip(keys.tolist(), after.tolist(), strict=True):
                if one in self._before:
                    self._before.setdefault(same, self._before[one])
        return distinct(after)

    @staticmethod
    def _elections(keys: Keys) -> dict[str, Keys]:
        rival = marks_of(keys) & _RIVAL != 0
        return {ELECTS: keys[~rival], REPLACES: keys[rival]}

    def _gather(self, keys: Keys, name: str) -> Keys:
        """Heartbeats until all is as the claim says; the states in which it is."""
        found = self._found
        found.checked[name] = len(keys)
        gathered, wrong = [keys[:0]], [keys[:0]]
        most = HEARTBEATS[name]
        if name == GATHERS:
            most += self._exchanges.space.bounds.ask_again - 1
        for heartbeats in range(most + 1):
            leads = self._fact(keys, Fact.LEADS) != 0
            done = leads & self._has_gathered(keys)
            gathered.append(keys[done])
            # A leader has voted for itself.  A command is no reason to step down.
            outvoted = self._fact(keys, Fact.VOTED_FOR) != names_of(keys)
            steps_down = ~leads & (self._is_removed(keys) | outvoted) & (name == GATHERS)
            self._leave(keys[steps_down])
            wrong.append(keys[~leads & ~steps_down])
            keys = keys[leads & ~done]
            if not keys.size or heartbeats == most:
                break
            found.most[name] = heartbeats + 1
            keys = self._next(keys, Stimulus.HEARTBEAT)
        found.wrong[name] = np.concatenate([found.wrong[name], *wrong, keys])
        return distinct(np.concatenate(gathered))

    def _takes_command(self, keys: Keys) -> Keys:
        """The states in which the marked server, which leads, takes a command, as it has to."""
        stimuli = np.full(len(keys), Stimulus.PROPOSE)
        after = self._exchanges.turn(keys, names_of(keys), stimuli, self._before)
        taken = self._fact(after, Fact.LAST_INDEX) > self._fact(keys, Fact.LAST_INDEX)
        self._found.wrong[COMMITS], keys = after[~taken], keys[taken]
        return keys

    def _send_once(self, keys: Keys) -> None:
        """Of calls and replies, one each for each input and peer: nobody lacks anything."""
        keys, messages, _ = self._handed_at_once(keys, PIPELINED)
        self._bounded(SENDS_ONCE, keys, messages, 2 * len(PIPELINED) * self._peers(keys))

    def _install_once(self, keys: Keys) -> None:
        """Of snapshots, one for each peer at most, in answer to more heartbeats than that."""
        heartbeats = [Stimulus.HEARTBEAT] * self._exchanges.size
        keys, _, snapshots = self._handed_at_once(keys, heartbeats)
        self._bounded(INSTALLS_ONCE, keys, snapshots, self._peers(keys))

    def _handed_at_once(self, keys: Keys, stimuli: Sequence[Stimulus]) -> tuple[Keys, Ints, Ints]:
        """The marked servers send a call for each before the first is answered; what is counted."""
        for stimulus in stimuli:
            same = np.full(len(keys), stimulus)
            keys = self._exchanges.turn(keys, names_of(keys), same, self._before)
        return self._exchanges.counted(keys, self._before)

    def _bounded(self, name: str, keys: Keys, counts: Ints, most: Ints) -> None:
        self._found.checked[name] = len(keys)
        self._found.most[name] = int(counts.max(initial=0))
        self._found.wrong[name] = keys[counts > most]

    def _peers(self, keys: Keys) -> Ints:
        others: Ints = self._fact(keys, Fact.MEMBERS) & ~(1 << names_of(keys))
        return np.bitwise_count(others).astype(np.int64)

    def _next(self, keys: Keys, stimulus: Stimulus) -> Keys:
        """The quiet states that follow once the marked server has taken the stimulus."""
        exchanges, wrong = self._exchanges, self._found.wrong
        stimuli = np.full(len(keys), stimulus)
        keys = exchanges.ends(
            exchanges.turn(keys, names_of(keys), stimuli, self._before), self._before
        )
        endless = queues_of(keys) != EMPTY
        wrong[SETTLES] = np.concatenate([wrong[SETTLES], keys[endless]])
        keys = keys[~endless]
        return distinct(exchanges.rested(keys)) if self._before is None else keys

    def _leave(self, keys: Keys) -> None:
        self._found.after = np.concatenate([self._found.after, keys])

    def _fact(self, keys: Keys, fact: Fact, name: int | None = None) -> Ints:
        """What is known of the marked servers, or of the one with the name."""
        names = names_of(keys) if name is None else name
        return self._exchanges.fact(servers_of(keys), names, fact)

    def _is_removed(self, keys: Keys, name: int | None = None) -> Array:
        """Whether the server has led and stepped down, for it has no vote any more (§6)."""
        who = names_of(keys) if name is None else name
        voter = self._fact(keys, Fact.VOTERS, name) >> who & 1
        own = self._fact(keys, Fact.COMMITTED_TERM, name) == self._fact(keys, Fact.TERM, name)
        gone: Array = (self._fact(keys, Fact.LEADS, name) == 0) & (voter == 0) & own
        return gone

    def _has_gathered(self, keys: Keys) -> Array:
        """Whether all members follow the marked server, with the same log, all of it committed."""
        servers, leaders = servers_of(keys), names_of(keys)[:, None]
        names = np.arange(self._exchanges.size)

        def each(fact: Fact) -> Ints:
            return self._exchanges.facts_of(servers, fact)

        def own(fact: Fact) -> Ints:
            return self._fact(keys, fact)[:, None]

        whole = each(Fact.COMMIT_INDEX) == each(Fact.LAST_INDEX)
        same = (each(Fact.LAST) == own(Fact.LAST)) & whole
        follows = (each(Fact.FOLLOWS) == leaders) & (each(Fact.TERM) == own(Fact.TERM))
        outside = own(Fact.MEMBERS) >> names & 1 == 0
        gathered: Array = np.where(names == leaders, same, outside | (follows & same)).all(axis=1)
        return gathered


def _majority(votes: Ints, voters: Ints) -> Array:
    more: Array = 2 * np.bitwise_count(votes & voters) > np.bitwise_count(voters)
    return more
