"""Servers and events whose shape is concrete and whose numbers stand for all numbers.

A shape says the role, how many entries of which kind lie after the snapshot, what is owed; terms,
indices, sequence numbers are unknowns.  Words name entries: `t` opens a term, `c` is a command, `k`
a configuration.  The snapshot's position is unknown too: at index 0 there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal, TypeAlias

from conformance.symbolic.held import Held
from conformance.symbolic.number import Flag
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Disk, Member
from spec.pending import Pending

SELF: Final = 0
"""The node that takes the event."""
STRANGER: Final = 7
"""A node that is in no configuration."""


def config(voters: str, new_voters: str = "", non_voters: str = "") -> v.Config:
    """A configuration by the digits of its nodes."""
    return v.Config(*[frozenset(map(int, nodes)) for nodes in (voters, new_voters, non_voters)])


SOLO: Final = config("0")
PAIR: Final = config("01")
TRIO: Final = config("012")
CHANGES: Final = (config("013"), config("01", "", "2"), config("02"))
"""The configurations of a word, one after another: all different, so that none stands for one
that it is not.
"""
SENT_CHANGES: Final = (config("014"), config("01", "", "4"), config("04"))
"""Those of a message's entries."""


SMALL: Final = v.Limits(1, 1, 1)
"""The least: a call carries one entry, and only one is under way to who catches up."""
TWO_CALLS: Final = v.Limits(1, 2, 1)
FEW: Final = v.Limits(2, 1, 1)
"""Two entries under way: in two calls, or in one."""


def words(longest: int, letters: str = "tck") -> list[str]:
    """All words of these letters, the short ones first."""
    return ["".join(word) for size in range(longest + 1) for word in product(letters, repeat=size)]


@dataclass(slots=True)
class Unknowns:
    """Names new numbers of one proof: terms, indices and sequence numbers, so none is negative."""

    paths: Paths

    def number(self, name: str) -> Any:
        number = self.paths.number(name)
        self.paths.at_most(0, number)
        return number

    def flag(self, name: str) -> Any:
        return Flag(self.number(name))

    def position(self, name: str) -> v.Position:
        return v.Position(self.number(f"{name}'s term"), self.number(f"{name}'s index"))

    def entries(
        self, whose: str, term: v.Term, word: str, changes: tuple[v.Config, ...]
    ) -> tuple[v.Entry, ...]:
        """Entries that follow one of `term`; a term that opens may be any."""
        made: list[v.Entry] = []
        for place, letter in enumerate(word):
            if letter == "t":
                term = self.number(f"{whose} term {place + 1}")
            change = changes[place % len(changes)]
            payloads: dict[str, v.Payload] = {"t": v.TERM, "c": v.COMMAND, "k": change}
            made.append(v.Entry(term, payloads[letter]))
        return Held(made)


# What is owed

Reply: TypeAlias = Literal["vote reply", "append reply"]
Call: TypeAlias = str
"""An AppendEntries call, by the word of its entries; its previous position is anywhere."""
Kind: TypeAlias = Literal["vote call"] | Reply | Call


@dataclass(frozen=True, slots=True)
class Owed:
    """What a server owes: `write` counts the entries of the log that its write comes after,
    `calls` are the followers that are owed calls of their own, `sends` the replies.
    """

    broadcast: bool = False
    write: int | None = None
    calls: tuple[v.NodeId, ...] = ()
    sends: tuple[tuple[v.NodeId, Reply], ...] = ()
    flags: bool = False

    def __str__(self) -> str:
        parts = [
            "a timer, a term and a vote" if self.flags else "",
            f"calls to {self.calls}" if self.calls else "",
            "a broadcast" if self.broadcast else "",
            f"a write after {self.write}" if self.write is not None else "",
            *[f"{message!r} to {to}" for to, message in self.sends],
        ]
        return ", ".join(filter(None, parts)) or "nothing"


NOTHING_OWED: Final = Owed()


def message(
    of: Unknowns,
    whose: str,
    kind: Kind,
    sender: v.NodeId,
    term: Any,
    changes: tuple[v.Config, ...] = CHANGES,
    success: bool = True,
) -> v.Message:
    """A message of a kind; `whose` begins the names of its numbers, `success` is a reply's."""
    seqno = of.number(f"{whose} seqno")
    if kind == "vote reply":
        return v.RequestVoteReply(sender, term, seqno, success)
    if kind == "vote call":
        last, transfer = of.position(f"{whose} last position"), of.flag(f"whether {whose} is asked")
        return v.RequestVoteCall(sender, term, seqno, last, transfer)
    if kind == "append reply":
        last = of.position(f"{whose} last position")
        return v.AppendEntriesReply(sender, term, seqno, last, success)
    commit, prev = of.number(f"{whose} commit"), of.position(f"{whose} previous position")
    entries = of.entries(whose, prev.term, kind, changes)
    return v.AppendEntriesCall(sender, term, seqno, commit, prev, entries)


# A server

Role: TypeAlias = v.Follower | v.Candidate | type[v.Leader]
UNAWARE: Final = v.Follower()
"""A follower that knows of no leader."""


@dataclass(frozen=True, slots=True)
class Server:
    """`config` is the snapshot's, `changes` are those in the log.

    `role`: a leader's peers are those of the configuration in force, with unknown progress.  Those
    that are `behind` have a next index; the others were sent all.  `answered`: whether they have
    answered any call; nothing but the number of the next answer is compared with that.
    """

    role: Role = UNAWARE
    word: str = ""
    config: v.Config = PAIR
    changes: tuple[v.Config, ...] = CHANGES
    voted_for: v.NodeId | None = None
    owed: Owed = NOTHING_OWED
    behind: tuple[v.NodeId, ...] = ()
    limits: v.Limits = v.LIMITS
    answered: bool = False
    transfer: v.NodeId | None = None

    @property
    def configs(self) -> list[v.Config]:
        """Those in the log, the snapshot's first."""
        at = [place for place, letter in enumerate(self.word) if letter == "k"]
        return [self.config, *[self.changes[place % len(self.changes)] for place in at]]

    def member(self, of: Unknowns) -> Member:
        position = of.position("the snapshot")
        entries = of.entries("the log's", position.term, self.word, self.changes)
        log = v.new_log(position, self.config, entries)
        term = of.number("the term")
        node = v.Node(SELF, v.Follower(), term, self.voted_for, log, of.number("commit"))
        node = node._replace(role=self._role(of, node), seqno=of.number("seqno"))
        node = node._replace(limits=self.limits)
        return Member(node, self._pending(of, node), Disk(term, self.voted_for, log))

    def _role(self, of: Unknowns, node: v.Node) -> v.Role:
        if not isinstance(self.role, type):
            return self.role
        peers = [
            v.Progress(
                peer,
                of.number(f"match of {peer}"),
                of.number(f"next of {peer}") if peer in self.behind else None,
                of.number(f"probe of {peer}"),
                of.number(f"asked of {peer}"),
                of.flag(f"whether {peer} is probed"),
                of.number(f"answered by {peer}") if self.answered else 0,
            )
            for peer in node.peers
        ]
        return v.Leader(tuple(peers), of.number("durable"), self.transfer)

    def _pending(self, of: Unknowns, node: v.Node) -> Pending:
        owed, log, write = self.owed, node.log, None
        if owed.write is not None:
            at = log.position(log.snapshot_position.index + owed.write)
            write = v.AppendLogEntries(at, log.entries[owed.write :])
        sends = [
            v.SendMessage(
                to, message(of, f"the message to {to}'s", kind, node.id, node.current_term)
            )
            for to, kind in owed.sends
        ]
        flags = owed.flags
        return Pending(flags, flags, flags, owed.calls, owed.broadcast, write, tuple(sends))

    def __str__(self) -> str:
        role = self.role.__name__ if isinstance(self.role, type) else str(self.role)
        behind = f", {self.behind} behind" if self.behind else ""
        behind += f", handing over to {self.transfer}" if self.transfer is not None else ""
        return (
            f"{role}{behind}, vote {self.voted_for}, log {self.word!r} after {self.config}, "
            f"owing {self.owed}, {self.limits}"
        )


# Events

Stimulus: TypeAlias = Callable[[Unknowns], v.Event | None]
"""Makes the event; None is a drain."""


def drain(_: Unknowns) -> None:
    """All that is owed is executed."""


def input_of(event: v.Event) -> Stimulus:
    return lambda _: event


def receives(kind: Kind, sender: v.NodeId = 1, success: bool = True) -> Stimulus:
    """A message, of any term."""
    return lambda of: v.Receive(
        message(of, "its", kind, sender, of.number("its term"), SENT_CHANGES, success)
    )


def snapshot(of_config: v.Config) -> Stimulus:
    return lambda of: v.SnapshotInstalled(of.position("its position"), of_config)


def restart(word: str, voted_for: v.NodeId | None = None, of_config: v.Config = PAIR) -> Stimulus:
    def made(of: Unknowns) -> v.Event:
        position = of.position("the disk's snapshot")
        entries = of.entries("the disk's log's", position.term, word, SENT_CHANGES)
        log = v.new_log(position, of_config, entries)
        return v.Restart(of.number("the disk's term"), voted_for, log, SMALL)

    return made


@dataclass(frozen=True, slots=True)
class Shape:
    """A server and what happens to it.

    `acts`: some numbers have to make the server do something, beyond a refusal; None: whether they
    do depends on which servers are allowed.
    """

    server: Server
    stimulus: Stimulus
    event: str
    acts: bool | None = True

    def made(self, paths: Paths) -> tuple[Member, v.Event | None]:
        of = Unknowns(paths)
        return self.server.member(of), self.stimulus(of)

    def __str__(self) -> str:
        return f"{self.event}: {self.server}"


def places(word: str) -> Iterator[int | None]:
    """Where an owed write may begin, if there is one."""
    yield None
    yield from range(len(word) + 1)
