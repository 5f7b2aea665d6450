"""Differences put into the library alone, which the proof of equivalence has to refute.

`NAMED` are bugs that Raft implementations had, and decisions taken back; `SUBTLE` are slips of a
character or a line, some of which no test of the usual cases would show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import SEEDS
from conformance.subjects.patched import Patch, patched_library


@dataclass(frozen=True, slots=True)
class Slip:
    """`shown_by` begins the names of obligations that refute it."""

    name: str
    what: str
    patches: tuple[Patch, ...]
    shown_by: str

    @contextmanager
    def planted(self) -> Iterator[ModuleType]:
        with patched_library(*self.patches) as broken:
            yield broken


def _one(name: str, what: str, file: str, old: str, new: str, shown_by: str) -> Slip:
    return Slip(name, what, (Patch(file, old, new),), shown_by)


_SEEDED: Final = {seed.name: seed.in_library for seed in SEEDS}

NAMED: Final = (
    Slip("D1", "a vote compares the last index only", IN_LIBRARY["D1"], "vote call/"),
    Slip(
        "D3",
        "a removed leader forgets its vote as it steps down",
        IN_LIBRARY["D3"],
        "append reply/leader in",
    ),
    _one(
        "no-vote-once",
        "a vote is granted whoever got it before",
        "rules",
        "        elif self._voted_for != call.sender:\n            return\n",
        "",
        "vote call/",
    ),
    _one(
        "stale-vote-reply",
        "a vote of an earlier term counts",
        "rules",
        "reply.vote_granted and reply.term == self._current_term:",
        "reply.vote_granted:",
        "vote reply/",
    ),
    Slip(
        "earlier-term-commit",
        "an entry of an earlier term is committed by counting (§5.4.2)",
        _SEEDED["earlier-term-commit"],
        "append reply/",
    ),
    Slip(
        "commit-without-min",
        "a follower commits what it has not verified",
        _SEEDED["commit-without-min"],
        "append call/",
    ),
    Slip(
        "truncation-on-stale-append",
        "a call whose entries are all there cuts off what follows them",
        _SEEDED["truncation-on-stale-append"],
        "append call/",
    ),
    _one(
        "prefix-unchecked",
        "a call is taken to agree with the snapshot whatever it says there",
        "log",
        "        if call.last_position.index >= snapshot.index and "
        "call._term(snapshot.index) != (\n            snapshot.term\n        ):\n",
        "        if False:\n",
        "append call/",
    ),
    _one(
        "vote-quorum-of-half",
        "half of the voters elect a leader",
        "quorum",
        "len(voters & nodes) > len(voters) // 2",
        "len(voters & nodes) >= (len(voters) + 1) // 2",
        "election timeout/",
    ),
    _one(
        "commit-quorum-of-half",
        "half of the voters commit",
        "quorum",
        "index = held[(len(held) - 1) // 2]",
        "index = held[len(held) // 2]",
        "append reply/",
    ),
    Slip(
        "reply-before-write",
        "messages to single peers leave before the entries are written",
        (
            Patch(
                "pending",
                "            elif pending.append_after is not None:\n",
                "            elif pending.append_after is not None and not pending.sends:\n",
            ),
        ),
        "drain/",
    ),
)

SUBTLE: Final = (
    _one(
        "conflict-at-commit",
        "a conflict just after the committed entries is taken for one with them",
        "log",
        "    if before is None or before.index < commit_index:\n",
        "    if before is None or before.index <= commit_index:\n",
        "append call/",
    ),
    _one(
        "call-up-to-snapshot",
        "a call that ends at the snapshot is not compared with it",
        "log",
        "        if call.last_position.index >= snapshot.index and",
        "        if call.last_position.index > snapshot.index and",
        "append call/",
    ),
    _one(
        "probe-too-high",
        "a conflict keeps the entry that the leader has another one for",
        "log",
        "LogIndex(prev.index - 1)",
        "prev.index",
        "append call/",
    ),
    _one(
        "merged-commit",
        "a call that joins an owed one keeps the earlier one's commit index",
        "rules",
        "            earlier.commit_index = self._commit_index\n",
        "",
        "heartbeat/",
    ),
    _one(
        "merged-seqno",
        "a call that joins an owed one keeps the earlier one's number",
        "rules",
        "            earlier.seqno = seqno\n",
        "",
        "heartbeat/",
    ),
    _one(
        "reply-twice",
        "the latest reply is not stale when it comes again",
        "rules",
        "reply.seqno <= follower.seqno:",
        "reply.seqno < follower.seqno:",
        "append reply/",
    ),
    _one(
        "match-falls",
        "a late reply takes back what a follower was known to hold",
        "rules",
        "shared is theirs and follower.match_index < shared.index:",
        "shared is theirs:",
        "append reply/",
    ),
    _one(
        "leaving-too-early",
        "who was removed may campaign even once that is committed",
        "rules",
        "            if index <= self._commit_index:\n                return False\n",
        "            if index < self._commit_index:\n                return False\n",
        "election timeout/",
    ),
    _one(
        "config-too-late",
        "a configuration is acted on only when what follows it is committed",
        "rules",
        "        if index < log.latest_config_index:\n",
        "        if index <= log.latest_config_index:\n",
        "append reply/",
    ),
    _one(
        "snapshot-lowers-commit",
        "a snapshot of what is committed takes the commit index back",
        "node",
        "        self._commit_index = max(committed, position.index)\n",
        "        self._commit_index = position.index\n",
        "snapshot/",
    ),
    _one(
        "snapshot-at-commit",
        "a snapshot that contradicts the last committed entry is installed",
        "node",
        "        elif position.index <= committed:\n",
        "        elif position.index < committed:\n",
        "snapshot/",
    ),
    _one(
        "write-after-snapshot",
        "an owed write stays where it was in a log that the snapshot replaced",
        "pending",
        "        if after is not None and not log.entries.contains(after):\n",
        "        if after is not None and after.index < snapshot.index:\n",
        "snapshot/owed write",
    ),
    _one(
        "call-emptied",
        "an owed call that begins at the snapshot's index loses its entries if its term is another",
        "pending",
        "entries.prev_position.index >= snapshot.index:",
        "entries.prev_position.index > snapshot.index:",
        "snapshot/owed",
    ),
    _one(
        "out-of-order",
        "how far a voter holds the log now stands where it stood before, not in order",
        "quorum",
        "            del held[bisect_left(held, before)]\n            insort(held, now)\n",
        "            held[bisect_left(held, before)] = now\n",
        "append reply/leader in",
    ),
    _one(
        "refusal-of-its-term",
        "a vote is refused in the term that it was asked in",
        "rules",
        "        header = MessageHeader(self._id, self._current_term, call.seqno)\n"
        "        self._pending.sends[call.sender] = RequestVoteReply(header, granted)",
        "        header = MessageHeader(self._id, call.term, call.seqno)\n"
        "        self._pending.sends[call.sender] = RequestVoteReply(header, granted)",
        "vote call/",
    ),
)

SLIPS: Final = NAMED + SUBTLE
