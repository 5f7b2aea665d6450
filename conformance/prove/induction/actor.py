"""The acting server of a step: a member of the specification whose numbers stand for all numbers.

A step's code reads only some of a server.  What it reads is given a shape: a role, a vote, how many
entries lie after the snapshot.  Of the rest nothing is known but what the lemmas say: see `unread`.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import z3

from conformance.prove.induction.unread import LastOnly, OneEntry, Tail, Token, Unread
from conformance.prove.statements.lemma import NOBODY, EntryTerm, Int, LogOf
from conformance.prove.statements.logic import Formula, choose
from conformance.prove.statements.names import Name
from conformance.prove.statements.views import ACTOR, ENTRY, FOUNDING, SENDER, TERM_OF, Before
from conformance.symbolic.held import Held
from conformance.symbolic.number import Flag, Number
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Member

Start: TypeAlias = Literal["empty", "founded", "snapshot"]
"""How a log begins: not at all, with the founding entry, or with a snapshot."""


class Window(NamedTuple):
    """A log's shape: how it begins, and how many entries follow that."""

    start: Start
    entries: int

    def __str__(self) -> str:
        return self.start if not self.entries else f"{self.start} + {self.entries}"


class Actor:
    """What a step's code is run on, what that is to z3, and what is taken for granted of it.

    `links`: what z3 has as functions of the acting server is what the code is run on, or the case
    that is looked at.  `assumed`: what paths are sought under; that links and lemmas imply it is an
    obligation of its own.
    """

    def __init__(self, paths: Paths, before: Before) -> None:
        self.paths, self.before = paths, before
        self.was: Final = before.actor
        self.server = self.was
        """The acting server before the step, with what is known of its shape."""
        self.config = v.Config(frozenset(range(before.size)))
        self.created: Final = z3.Const("created", ENTRY)
        """The entry that the acting server makes, if it makes one."""
        self.links: list[Formula] = [TERM_OF(FOUNDING) == 0]
        self.assumed: list[Formula] = []
        self.hints: list[Any] = []
        """Terms that z3 has to look at, apart from those of the goal."""
        self.member: Member
        self.apart: set[v.NodeId] = {ACTOR, SENDER}
        """The servers that this step tells apart from the others, or from one another."""
        self.progress: dict[str, v.NodeId] = {}
        """By name, the numbers that a leader has of some server."""

    # Numbers

    def number(self, name: str, least: int | None = None) -> Any:
        """A `Number`, which to a type checker is as good as an `int`."""
        made = self.paths.number(name)
        if least is not None:
            self.assume(self.paths.term(made) >= least)
        return made

    def ascending(self, *numbers: int | Number) -> None:
        for one, other in pairwise(numbers):
            self.assume(self.paths.term(one) <= self.paths.term(other))

    def assume(self, condition: Formula) -> None:
        """Take for granted what follows from the lemmas."""
        self.assumed.append(condition)
        self.paths.assume(condition)

    def case(self, condition: Formula) -> None:
        """Look at this case only."""
        self.links.append(condition)
        self.paths.assume(condition)

    def ordered(self, *numbers: int | Number) -> None:
        """Look at this order only, of numbers that differ in names."""
        for one, other in pairwise(numbers):
            self.case(self.paths.term(one) <= self.paths.term(other))

    def equals(self, *numbers: int | Number) -> None:
        """What is known of servers that differ in names: in which order is no matter."""
        self.apart |= set(range(self.before.size))
        self.ordered(*numbers)

    def given(self, **known: Any) -> None:
        """What these are of the acting server: a case that is looked at, or a name for a number."""
        self.server = replace(self.server, **known)
        self.apart |= {value for value in known.values() if type(value) in (int, Name)}
        for name, value in known.items():
            old = getattr(self.was, name)
            if isinstance(old, dict):
                self.links += [old[m] == as_term(value[m]) for m in old if value[m] is not old[m]]
            elif value is not old:
                self.links.append(old == as_term(value))

    # Logs

    def entries(self, name: str, count: int, least: int | Number, most: int | Number) -> v.Entries:
        """Entries of which nothing is known but that their terms do not fall."""
        made = []
        for k in range(count):
            token = z3.Const(f"{name}_{k}", ENTRY)
            term = self.number(f"{name}_{k}_term", 1)
            self.links.append(TERM_OF(token) == self.paths.term(term))
            made.append(v.Entry(term, Token(token, f"{name}_{k}")))  # type: ignore[arg-type]
        self.ascending(least, *[entry.term for entry in made], most)
        return Held(made)

    def window(self, name: str, window: Window, most: int | Number) -> v.Log:
        """A log whose entries are of terms up to `most`."""
        start, count = window
        if start == "empty":
            return v.Log()
        if start == "founded":
            founding = v.Entry(0, self.config)
            rest = self.entries(name, count, 0, most)
            return v.new_log(v.ZERO, v.NO_CONFIG, Held((founding, *rest)))
        term, index = self.number(f"{name}_snap_term", 0), self.number(f"{name}_snap_index")
        self.case(self.paths.term(index) >= 1)
        self.ascending(term, most)
        return v.new_log(
            v.Position(term, index), self.config, self.entries(name, count, term, most)
        )

    def one_entry(self, name: str, of: LogOf, snapshot: v.Position, index: Any) -> Any:
        """A log of any length after a snapshot, of which the entry at this index is read."""
        term, last = self.number(f"{name}_term"), self.number(f"{name}_last")
        self.ascending(snapshot.index, last)
        entry = of(self.paths.term(index))
        self.links.append(TERM_OF(entry) == self.paths.term(term))
        self.hints.append(entry)
        self.follows_snapshot(snapshot, of)
        return OneEntry(snapshot, last, index, v.Entry(term, Token(entry, name)))  # type: ignore[arg-type]

    def is_log(self, log: v.Log, of: LogOf) -> None:
        """z3's function of the log is this log."""
        for at, entry in self.positions(log):
            self.links.append(of(self.paths.term(at)) == entry)
            self.hints.append(of(self.paths.term(at)))
        self.follows_snapshot(log.snapshot_position, of)

    def follows_snapshot(self, position: v.Position, of: LogOf) -> None:
        if isinstance(position.index, Number):
            at = of(self.paths.term(position.index))
            self.links.append(TERM_OF(at) == self.paths.term(position.term))
            self.hints.append(at)

    def entry(self, entry: v.Entry) -> EntryTerm:
        payload: Any = entry.payload
        if isinstance(payload, Token):
            return payload.entry
        return FOUNDING if isinstance(payload, v.Config) else self.created

    def positions(self, log: v.Log) -> list[tuple[int | Number, EntryTerm]]:
        first = log.snapshot_position.index
        return [(first + 1 + k, self.entry(entry)) for k, entry in enumerate(log.entries)]

    def end_on_disk(self, log: v.Log) -> tuple[Int, Int]:
        """The last index and term of what the disk has now."""
        at = self.paths.term
        if isinstance(log.entries, Tail):
            last = at(log.entries.last_index)
            return last, TERM_OF(self.was.disk_log(last))
        index, term = log.last_position.index, log.last_position.term
        return at(index), at(term)

    # A server

    def node(
        self,
        role: v.Candidate | Literal["leader", "any", "not a leader", "a follower", "a candidate"],
        log: Window | None,
        vote: Any,
    ) -> v.Node:
        """A node in memory.  Without a window only the log's last position is known.

        The configuration of such a log is the cluster's: code that reads it is not to be run on an
        empty one.
        """
        term, at = self.number("term", 0), self.paths.term
        commit = self.number("commit", 0)
        if log is None:
            last = v.Position(self.number("last_term", 0), self.number("last_index", 0))
            known: Any = LastOnly(last, self.config, 1)
            self.ascending(last.term, term)
            self.ascending(commit, last.index)
            self.given(last=at(last.index))
            entry = self.was.log(at(last.index))
            self.links.append(at(last.term) == choose(at(last.index) == 0, 0, TERM_OF(entry)))
            self.hints.append(entry)
        else:
            known = self.window("entry", log, term)
            self.ascending(known.snapshot_position.index, commit, known.last_index)
            self.given(last=at(known.last_index), snap=at(known.snapshot_position.index))
            self.is_log(known, self.was.log)
        held = self._role(role, known)
        self.given(term=at(term), commit=at(commit))
        committed = self.before.commit_term(at(commit))
        self.hints += [committed, self.was.log(at(commit))]
        if not isinstance(vote, Unread):
            self.given(vote=NOBODY if vote is None else vote)
        limits: Any = Unread("limits")
        seqno = self.number("seqno", 0)
        self.given(seqno=at(seqno))
        return v.Node(ACTOR, held, term, vote, known, commit, seqno, limits)

    def _role(self, role: Any, log: Any) -> Any:
        if isinstance(role, v.Candidate):
            granted = {m: m in role.granted for m in range(self.before.size)}
            self.apart |= role.granted
            self.given(leads=False, campaigns=True, granted=granted)
            return role
        if role == "leader":
            self.given(leads=True, campaigns=False)
            peers = []
            for peer in range(1, self.before.size):
                match = self.number(f"match_{peer}", 0)
                self.ascending(match, log.last_index)
                self.progress[f"match_{peer}"] = peer
                answered = self.number(f"answered_{peer}", 0)
                self.progress[f"answered_{peer}"] = peer
                unread: Any = Unread("what a peer was sent")
                of_calls = unread, unread, unread, unread
                peers.append(v.Progress(peer, match, *of_calls, answered))
            durable = self.number("durable", 0)
            self.ascending(durable, log.last_index)
            term = self.paths.term
            matches = {peer.node: term(peer.match) for peer in peers}
            answers = {peer.node: term(peer.answered) for peer in peers}
            self.given(match={**self.was.match, **matches}, durable=term(durable))
            self.given(answered={**self.was.answered, **answers})
            return v.Leader(tuple(peers), durable)
        if role == "not a leader":
            self.given(leads=False)
        if role == "a follower":
            self.given(leads=False, campaigns=False)
            return v.Follower()  # one that knows a leader refuses calls of others, and stays
        if role == "a candidate":
            self.given(leads=False, campaigns=True)
            votes: Any = Unread("votes")
            return v.Candidate(votes)
        return Unread("a role")

    def sent_before(self, node: v.Node, peers: dict[v.NodeId, bool]) -> v.Node:
        """A leader of which is known what it sent these peers: all that all others were, or not.

        A nextIndex lies within the log, and calls to one have a number that was given: that it
        stays so is a goal of every step.
        """
        assert isinstance(node.role, v.Leader)
        known = []
        for one in node.role.peers:
            if one.node in peers:
                following = None
                if not peers[one.node]:
                    following = self.number(f"next_{one.node}")
                    self.ordered(1, following, node.log.last_index)
                names = [f"{name}_{one.node}" for name in ("next", "probe", "asked", "probing")]
                self.progress |= dict.fromkeys(names, one.node)
                probe, asked, probing = map(self.number, names[1:])
                self.ordered(0, probe, node.seqno)
                flag: Any = Flag(probing)
                of_calls = following, probe, asked, flag
                known.append(v.Progress(one.node, one.match, *of_calls, one.answered))
            else:
                known.append(one)
        return node._replace(role=v.Leader(tuple(known), node.role.durable))

    # What the step has made of it

    def log_function(self, log: v.Log, base: LogOf, known: v.Log | None) -> LogOf:
        """The log as a function: where it does not differ from what is known, as `base`."""
        if isinstance(log.entries, Tail) or not log.entries:
            return base
        at = self.paths.term
        window = {_key(index): entry for index, entry in self.positions(known)} if known else {}
        changed = [
            (at(index), entry)
            for index, entry in self.positions(log)
            if not (_key(index) in window and z3.eq(window[_key(index)], entry))
        ]
        if not changed:
            return base

        def entry_at(i: Int) -> EntryTerm:
            result = base(i)
            for index, entry in changed:
                result = choose(i == index, entry, result)
            return result

        return entry_at

    def changed(
        self, member: Member, log: LogOf | None = None, disk_log: LogOf | None = None
    ) -> dict[str, Any]:
        """What is another now of the acting server; `log` and `disk_log`: its logs, if they are."""
        before, term = self.member, self.paths.term
        node, was = member.node, before.node
        new: dict[str, Any] = {}
        if node.current_term is not was.current_term:
            new["term"] = term(node.current_term)
        if node.voted_for is not was.voted_for:
            new["vote"] = _name(node.voted_for)
        if node.commit_index is not was.commit_index:
            new["commit"] = term(node.commit_index)
        if node.seqno is not was.seqno:
            new["seqno"] = term(node.seqno)
        if node.log is not was.log:
            new["last"] = term(node.log.last_index)
            new["snap"] = term(node.log.snapshot_position.index)
            new["log"] = log
        if node.role is not was.role:
            role = self.role_of(node)
            new |= {name: is_ for name, is_ in role.items() if not self._is_known(name, is_)}
        new |= self._owed(member)
        disk, old = member.disk, before.disk
        if disk.current_term is not old.current_term:
            new["disk_term"] = term(disk.current_term)
        if disk.voted_for is not old.voted_for:
            new["disk_vote"] = _name(disk.voted_for)
        if disk.log is not old.log:
            new["disk_last"], _ = self.end_on_disk(disk.log)
            new["disk_log"] = disk_log
        return new

    def role_of(self, node: v.Node) -> dict[str, Any]:
        role, term, members = node.role, self.paths.term, range(self.before.size)
        new: dict[str, Any] = {
            "leads": isinstance(role, v.Leader),
            "campaigns": isinstance(role, v.Candidate),
        }
        if isinstance(role, v.Candidate):
            new["granted"] = {m: m in role.granted for m in members}
        if isinstance(role, v.Leader):
            match = {peer.node: peer.match for peer in role.peers}
            own = self.server.match[ACTOR]
            new["match"] = {m: own if m == ACTOR else term(match.get(m, 0)) for m in members}
            answered = {peer.node: peer.answered for peer in role.peers}
            own = self.server.answered[ACTOR]
            new["answered"] = {m: own if m == ACTOR else term(answered.get(m, 0)) for m in members}
            new["durable"] = term(role.durable)
        return new

    def _is_known(self, name: str, value: Any) -> bool:
        """Whether that is what it was before: what a leader sends next is no part of a view."""
        old = getattr(self.server, name)
        if isinstance(value, dict):
            return all(_is_same(old[m], value[m]) for m in value)
        return _is_same(old, value)

    def _owed(self, member: Member) -> dict[str, Any]:
        now, before = member.pending, self.member.pending
        new: dict[str, Any] = {}
        for name, flag in (("owes_term", "save_current_term"), ("owes_vote", "save_voted_for")):
            if getattr(now, flag) != getattr(before, flag):
                new[name] = getattr(now, flag)
        if now.append is None:
            if self.server.owes_write is False or before.append is not None:
                new |= {"owes_write": False, "synced": self.paths.term(member.node.log.last_index)}
        elif now.append is not before.append:
            prev = self.paths.term(now.append.prev_position.index)
            if before.append is None:
                # Merged with a write that may be owed: see `conformance.prove.induction.merging`.
                prev = choose(self.server.synced < prev, self.server.synced, prev)
            new |= {"owes_write": True, "synced": prev}
        return new


def as_term(value: Any) -> Any:
    """A plain value as a term of z3."""
    return z3.BoolVal(value) if isinstance(value, bool) else value


def _is_same(one: Any, other: Any) -> bool:
    return one is other or (z3.is_expr(one) and z3.is_expr(other) and z3.eq(one, other))


def _name(node: Any) -> Any:
    if isinstance(node, Unread):
        return node.__dict__["value"]
    return NOBODY if node is None else node


def _key(at: int | Number) -> object:
    return at if isinstance(at, int) else (at.terms, at.constant)
