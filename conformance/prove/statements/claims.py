"""What a message claims: lemmas about one message, owed or under way, and the cluster.

No lemma relates two messages, so any number of them may be under way: a step has to make the claims
of what it sends true, and keep those of an arbitrary other message.

A message that is still owed claims what will be true once the actions before it are executed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from conformance.prove.statements.lemma import (
    NOBODY,
    Holds,
    Int,
    LogOf,
    Patterns,
    Server,
    View,
    name_of,
    no_patterns,
    within,
)
from conformance.prove.statements.lemmas import is_committed
from conformance.prove.statements.logic import Formula, both, choose, either, implies


@dataclass(frozen=True, slots=True)
class VoteCall:
    sender: int
    term: Int
    last_term: Int
    last_index: Int


@dataclass(frozen=True, slots=True)
class VoteReply:
    sender: int
    to: int
    term: Int
    granted: Formula


@dataclass(frozen=True, slots=True)
class AppendCall:
    """With the entries after `prev_index` up to `last_index`; `window`: where some of them are."""

    sender: int
    term: Int
    commit: Int
    prev_term: Int
    prev_index: Int
    last_index: Int
    entry: LogOf
    seqno: Int
    window: tuple[Int, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendReply:
    sender: int
    term: Int
    last_term: Int
    last_index: Int
    seqno: Int


@dataclass(frozen=True, slots=True)
class Install:
    """A snapshot; `term` is the term in which its sender led."""

    sender: int
    to: int
    term: Int
    last_term: Int
    last_index: Int


@dataclass(frozen=True, slots=True)
class CallAll:
    """That a call to all others is owed: the call itself is made when it is taken."""

    sender: int
    term: Int


@dataclass(frozen=True, slots=True)
class CallOne:
    """That calls to one server, or a snapshot, are owed."""

    sender: int
    to: int
    term: Int


Message: TypeAlias = VoteCall | VoteReply | AppendCall | AppendReply | Install | CallAll | CallOne


@dataclass(frozen=True, slots=True)
class Claim:
    """`over`: what it holds for all of, after the view and the message, as of a lemma."""

    name: str
    words: str
    kind: type
    owed: bool
    over: str
    holds: Holds
    patterns: Callable[..., Patterns]


CLAIMS: list[Claim] = []


def claim(
    words: str,
    kind: type,
    owed: bool = False,
    over: str = "",
    patterns: Callable[..., Patterns] = no_patterns,
) -> Callable[[Holds], Holds]:
    """Adds a claim of messages under way, or of owed ones."""

    def add(holds: Holds) -> Holds:
        CLAIMS.append(Claim(name_of(holds), words, kind, owed, over, holds, patterns))
        return holds

    return add


def _has(server: Server, v: View, term: Int, i: Int) -> Formula:
    """Its log has the entry of this term at i."""
    return both(i <= server.last, v.term_of(server.log(i)) == term)


def _choosable(v: View, m: Message, term: Int, i: Int) -> Patterns:
    return [[v.choosable(term, i)]]


def _committed(v: View, m: Message, j: Int) -> Patterns:
    return [[v.commit_term(j)]]


@claim(
    "A candidate that asks for votes has saved its own; its log's last entry is a leader's.",
    VoteCall,
)
def vote_call(v: View, m: VoteCall) -> Formula:
    led = both(v.lead(m.last_term) != NOBODY, m.last_index <= v.tlast(m.last_term))
    return both(
        within(1, m.term, v.server(m.sender).disk_term),
        v.told(m.sender, m.term) == m.sender,
        m.last_term >= 0,
        m.last_index >= 0,
        implies(m.last_term >= 1, led),
    )


@claim(
    "The candidate has every entry that may be chosen at or before the last position in its call.",
    VoteCall,
    over="Ti",
    patterns=_choosable,
)
def vote_call_is_informed(v: View, m: VoteCall, term: Int, i: Int) -> Formula:
    """What may be chosen, of no later position than that of the call, the candidate has.

    It may have installed a snapshot since it asked, which ends earlier.
    """
    candidate = v.server(m.sender)
    within_call = either(term < m.last_term, both(term == m.last_term, i <= m.last_index))
    return implies(
        both(v.choosable(term, i), within_call, candidate.campaigns, candidate.term == m.term),
        _has(candidate, v, term, i),
    )


@claim("A vote that is granted was told.", VoteReply)
def vote_reply(v: View, m: VoteReply) -> Formula:
    return both(
        within(1, m.term, v.server(m.sender).disk_term),
        implies(m.granted, v.told(m.sender, m.term) == m.to),
    )


@claim("A vote that is granted was given; its candidate has saved its own.", VoteReply, owed=True)
def owed_vote_reply(v: View, m: VoteReply) -> Formula:
    sender = v.server(m.sender)
    return both(
        m.term >= 1,
        m.term == sender.term,
        implies(
            m.granted,
            both(
                sender.vote == m.to,
                v.server(m.to).disk_term >= m.term,
                v.told(m.to, m.term) == m.to,
            ),
        ),
    )


@claim(
    "The candidate has what its voter acknowledged and may be chosen.",
    VoteReply,
    owed=True,
    over="Ti",
    patterns=_choosable,
)
def owed_vote_is_informed(v: View, m: VoteReply, term: Int, i: Int) -> Formula:
    candidate = v.server(m.to)
    return implies(
        both(
            m.granted,
            v.choosable(term, i),
            v.ack(m.sender, term) >= i,
            term < m.term,
            candidate.campaigns,
            candidate.term == m.term,
        ),
        _has(candidate, v, term, i),
    )


@claim("A call is of its term's leader, and follows an entry of its log.", AppendCall)
def append_call(v: View, m: AppendCall) -> Formula:
    return both(
        m.term >= 1,
        v.lead(m.term) == m.sender,
        m.prev_index >= 0,
        m.prev_index <= m.last_index,
        m.last_index <= v.tlast(m.term),
        m.prev_term == choose(m.prev_index == 0, 0, v.term_of(v.tlog(m.term, m.prev_index))),
        m.commit <= v.tlast(m.term),
    )


def _entry_patterns(v: View, m: AppendCall, i: Int) -> Patterns:
    return [[v.tlog(m.term, i)], *([[m.entry(i)]] if m.entry(i).num_args() == 1 else [])]


@claim("Its entries are the leader's.", AppendCall, over="i", patterns=_entry_patterns)
def append_call_entries(v: View, m: AppendCall, i: Int) -> Formula:
    return implies(both(m.prev_index < i, i <= m.last_index), m.entry(i) == v.tlog(m.term, i))


@claim(
    "Up to its commit index, the leader's entries are committed.",
    AppendCall,
    over="j",
    patterns=_committed,
)
def append_call_commit(v: View, m: AppendCall, j: Int) -> Formula:
    return implies(within(1, j, m.commit), is_committed(v, j, m.term, v.tlog(m.term, j)))


@claim("A last entry of the reply's own term is on the sender's disk, and all before.", AppendReply)
def append_reply(v: View, m: AppendReply) -> Formula:
    return both(
        within(1, m.term, v.server(m.sender).disk_term),
        within(0, m.last_term, m.term),
        m.last_index >= 0,
        implies(
            m.last_term == m.term,
            both(m.last_index >= 1, v.ack(m.sender, m.term) >= m.last_index),
        ),
    )


@claim("A last entry of the reply's own term is in the sender's log.", AppendReply, owed=True)
def owed_append_reply(v: View, m: AppendReply) -> Formula:
    sender = v.server(m.sender)
    return both(
        m.term >= 1,
        m.term == sender.term,
        within(0, m.last_term, m.term),
        m.last_index >= 0,
        implies(
            m.last_term == m.term,
            both(
                within(1, m.last_index, sender.last),
                v.term_of(sender.log(m.last_index)) == m.term,
                v.term_of(sender.log(sender.last)) == m.term,
            ),
        ),
    )


def _number_is_given(v: View, m: AppendCall | AppendReply) -> Formula:
    """The leader of that term, if it still leads it, has given the number to a call; 0 is none."""
    given = [
        implies(both(s.leads, s.term == m.term), m.seqno <= s.seqno)
        for s in map(v.server, range(v.size))
    ]
    return both(m.seqno >= 0, implies(m.seqno >= 1, v.lead(m.term) != NOBODY), *given)


@claim("A call has a number that its leader has given.", AppendCall)
def append_call_number(v: View, m: AppendCall) -> Formula:
    return _number_is_given(v, m)


@claim("A reply has the number of a call of its term, or 0.", AppendReply)
def append_reply_number(v: View, m: AppendReply) -> Formula:
    return _number_is_given(v, m)


@claim("So has one that is owed.", AppendReply, owed=True)
def owed_append_reply_number(v: View, m: AppendReply) -> Formula:
    return _number_is_given(v, m)


@claim("Of who had left the term of a read, it is to an earlier call.", AppendReply)
def append_reply_is_earlier(v: View, m: AppendReply) -> Formula:
    return implies(
        both(v.left(m.sender), m.term == v.read_term()),
        m.seqno < v.read_seqno(),
    )


@claim("A snapshot is of its term's leader, who had heard from the receiver in that term.", Install)
def install(v: View, m: Install) -> Formula:
    return both(
        within(1, m.term, v.server(m.to).disk_term),
        v.lead(m.term) == m.sender,
        within(1, m.last_index, v.tlast(m.term)),
        m.last_term == v.term_of(v.tlog(m.term, m.last_index)),
    )


@claim(
    "All that a snapshot covers is committed.",
    Install,
    over="j",
    patterns=_committed,
)
def install_is_committed(v: View, m: Install, j: Int) -> Formula:
    return implies(within(1, j, m.last_index), is_committed(v, j, m.term, v.tlog(m.term, j)))


@claim("Who owes a call to all others campaigns or leads.", CallAll, owed=True)
def owed_call_all(v: View, m: CallAll) -> Formula:
    sender = v.server(m.sender)
    return both(either(sender.leads, sender.campaigns), m.term == sender.term)


@claim(
    "A leader that owes calls to one has heard from it in its term: it may need a snapshot.",
    CallOne,
    owed=True,
)
def owed_call_one(v: View, m: CallOne) -> Formula:
    sender = v.server(m.sender)
    return both(sender.leads, m.term == sender.term, v.server(m.to).disk_term >= m.term)
