"""Every message that a node received was sent to it, by the sender's own records.

A message may be received in the file before it is sent, so what is missing is known at the end.
Only what is needed to recognize a message is kept: a hash of its fields; to whom it went, and the
ids of its entries as runs, which most messages have in common with others.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, TypeAlias

from conformance.audit.safety.findings import Findings
from conformance.audit.safety.log import Ids
from spec import values as v

NAME: Final = "EveryMessageWasSent"
NOT_COVERED: Final = "its sender's recording may not reach so far"

LATEST: Final = 128

Runs: TypeAlias = tuple[int, ...]
"""Ids of entries and how often each follows itself: id, count, id, count, ..."""

Letter: TypeAlias = tuple[tuple[v.NodeId, ...], Runs]
"""To whom a message was sent, and its entries."""


@dataclass(slots=True)
class _Unmatched:
    """A receipt for which nothing sent has been seen yet; the first of its kind."""

    message: v.Message
    runs: Runs
    seq: int
    times: int = 1


@dataclass(slots=True)
class _Sender:
    """What a node's recording covers.

    `since` is the term in which it begins, or -1 where the node was started in it: what is sent
    in a later term is all there.  `term` is the last term in which the node was drained; `calls`
    and `replies` are the highest numbers sent in it, replies by receiver.  `crashes` are the terms
    from the last before a restart to that of the restart: a record may be lost between.
    """

    since: v.Term
    term: v.Term = 0
    calls: v.SeqNo = 0
    replies: dict[v.NodeId, v.SeqNo] | None = None
    crashes: list[tuple[v.Term, v.Term]] = field(default_factory=list)


class Mail:
    """What was sent and what was received."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._received = 0
        self._senders: dict[v.NodeId, _Sender] = {}
        self._sent: dict[int, Letter | list[Letter]] = {}
        self._letters: dict[Letter, Letter] = {}
        """The latest, for those that are alike are one object."""
        self._unmatched: dict[tuple[v.NodeId, int], list[_Unmatched]] = defaultdict(list)

    def recorded_since(self, node: v.NodeId, term: v.Term) -> None:
        self._senders[node] = _Sender(term)

    def restarted(self, node: v.NodeId, before: v.Term, after: v.Term) -> None:
        """The last record before may be lost, in which the node may have sent anything."""
        self._senders[node].crashes.append((before, after))

    def drained(self, node: v.NodeId, term: v.Term) -> None:
        """All that a node owed in a term has been sent, and is recorded."""
        sender = self._senders[node]
        if term > sender.term:
            sender.term, sender.calls, sender.replies = term, 0, None

    def sent(self, node: v.NodeId, to: tuple[v.NodeId, ...], message: v.Message, ids: Ids) -> None:
        self._number(self._senders[node], to, message)
        letter = to, _runs(ids)
        if len(self._letters) >= LATEST:
            self._letters.clear()
        letter = self._letters.setdefault(letter, letter)
        key = _key(message, node)
        known = self._sent.setdefault(key, letter)
        if known is not letter and known != letter:
            letters = known if isinstance(known, list) else [known]
            if letter not in letters:
                self._sent[key] = [*letters, letter]
        if self._unmatched:
            for receiver in to:
                self._find(receiver, key, letter[1])

    def _find(self, receiver: v.NodeId, key: int, runs: Runs) -> None:
        """Something that was received may be what is seen to be sent now."""
        waiting = self._unmatched.get((receiver, key))
        if waiting is not None:
            waiting = [one for one in waiting if not _is_prefix(one.runs, runs)]
            if waiting:
                self._unmatched[receiver, key] = waiting
            else:
                del self._unmatched[receiver, key]

    def received(self, node: v.NodeId, seq: int, message: v.Message, ids: Ids) -> None:
        self._received += 1
        runs = _runs(ids)
        key = _key(message, message.sender)
        known = self._sent.get(key)
        if known is not None:
            for to, whole in known if isinstance(known, list) else [known]:
                if node in to and _is_prefix(runs, whole):
                    return
        waiting = self._unmatched[node, key]
        for one in waiting:
            if one.runs == runs:
                one.times += 1
                return
        waiting.append(_Unmatched(message, runs, seq))

    def finish(self, complete: bool) -> None:
        """What was received and never sent.  `complete`: the recordings end together."""
        findings = self._findings
        findings.checked[NAME] += self._received
        missing = [
            (receiver, one.seq, one.message, one.times)
            for (receiver, _), waiting in self._unmatched.items()
            for one in waiting
        ]
        for receiver, seq, message, times in sorted(missing, key=lambda found: found[:2]):
            if not self._is_covered(receiver, message, complete):
                findings.checked[NAME] -= times
                findings.leave(NAME, NOT_COVERED, times)
                continue
            sender = message.sender
            detail = (
                f"{type(message).__name__} {message.seqno} of term {message.term} is not "
                f"among what node {sender} sent to node {receiver}"
            )
            findings.report(NAME, receiver, seq, detail, cause=sender)

    def _number(self, sender: _Sender, to: tuple[v.NodeId, ...], message: v.Message) -> None:
        if message.term < sender.term:
            return
        if message.term > sender.term:
            sender.term, sender.calls, sender.replies = message.term, 0, None
        if isinstance(message, (v.RequestVoteCall, v.AppendEntriesCall)):
            sender.calls = max(sender.calls, message.seqno)
            return
        if sender.replies is None:
            sender.replies = {}
        for receiver in to:
            sender.replies[receiver] = max(sender.replies.get(receiver, 0), message.seqno)

    def _is_covered(self, receiver: v.NodeId, message: v.Message, complete: bool) -> bool:
        """Whether a message would be in its sender's recording if it had been sent.

        It may have been sent after the recording's end if it is of the last term in it and has a
        higher number than all that the recording has.  Calls are numbered as they are sent; a reply
        has its call's number, which may come late, so it is judged only where nothing is missing.
        """
        sender = self._senders.get(message.sender)
        if sender is None or message.term <= sender.since:
            return False
        if not complete and any(low <= message.term <= high for low, high in sender.crashes):
            return False
        if message.term != sender.term:
            return message.term < sender.term
        if isinstance(message, (v.RequestVoteCall, v.AppendEntriesCall)):
            return message.seqno <= sender.calls
        return complete and message.seqno <= (sender.replies or {}).get(receiver, 0)


def _key(message: v.Message, sender: v.NodeId) -> int:
    """A hash of all of a message but its entries, of which some may have been cut off."""
    term, seqno = message.term, message.seqno
    if isinstance(message, v.AppendEntriesCall):
        prev = message.prev_position
        return hash((1, sender, term, seqno, message.commit_index, prev.term, prev.index))
    if isinstance(message, v.AppendEntriesReply):
        last = message.last_position
        return hash((2, sender, term, seqno, last.term, last.index))
    if isinstance(message, v.RequestVoteCall):
        last = message.last_position
        return hash((3, sender, term, seqno, last.term, last.index))
    return hash((4, sender, term, seqno, message.vote_granted))


def _runs(ids: Ids) -> Runs:
    if not ids:
        return ()
    if len(ids) == 1:
        return ids[0], 1
    runs: list[int] = []
    for entry_id, run in groupby(ids):
        runs += (entry_id, len(list(run)))
    return tuple(runs)


def _is_prefix(part: Runs, whole: Runs) -> bool:
    if part == whole or not part:
        return True
    last = len(part) - 2
    return (
        len(whole) >= len(part)
        and part[:last] == whole[:last]
        and part[last] == whole[last]
        and part[last + 1] <= whole[last + 1]
    )
