"""Mutants of §5.3: what a follower accepts, and what a leader makes of the reply."""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

UNNUMBERED: Final = (
    "reply.sender, reply.term, reply.seqno = self._id, self._current_term, seqno\n",
    "reply.sender, reply.term = self._id, self._current_term\n",
)
"""A reply bears the number of its call, whichever that is."""

REPLICATION: Final = (
    one_patch(
        "stale-append-obeyed",
        "a call of an earlier term is obeyed",
        "RemovedLeaderStepsDown",
        "Figure 2, AppendEntries receiver 1",
        "rules",
        "        if term < self._current_term:\n",
        "        if False:\n",
    ),
    IN_BOTH["truncation-on-stale-append"],
    one_patch(
        "truncation-before-conflict",
        "a call that begins after the log's end cuts off all that is not committed",
        "CommittedOnQuorum",
        "Figure 2, AppendEntries receiver 3",
        "log",
        "    if before.index == log.last_position.index:\n"
        "        return Agreement(False, None, sent, commit_index)\n",
        "    if before.index == log.last_position.index:\n"
        "        before = log._position(commit_index)\n",
    ),
    one_patch(
        "conflict-kept",
        "a follower refuses a call that its log does not lead up to, and keeps its own entries",
        "Eventually",
        "§5.3",
        "log",
        "    if before.index == log.last_position.index:\n",
        "    if before is not None:\n",
    ),
    one_patch(
        "conflicting-tail-kept",
        "entries that follow a conflict stay behind those that took its place",
        "TermsMonotonicInLog",
        "mofa-org/mofa #1150",
        "rules",
        "            entries._splice(base, source)\n",
        "            tail = entries._after(source.last_position)\n"
        "            entries._splice(base, source)\n"
        "            if source is call.entries and tail.last_position.index > verified:\n"
        "                entries._splice(source.last_position, tail)\n"
        "                end = tail.last_position.index\n"
        "                entries.last_position = LogPosition("
        "entries._term_run(end)[0], end)\n",
    ),
    Mutant(
        "append-unchecked",
        "entries are appended wherever the log reaches, though it has an older term there",
        "LogMatching",
        "Figure 2, AppendEntries receiver 2",
        (
            Patch(
                "log",
                "    if not log.contains(prev):\n",
                "    older = log.contains_index(prev.index) and log._term(prev.index) < prev.term\n"
                "    if not older and not log.contains(prev):\n",
            ),
            Patch(
                "entries",
                "        self.last_position = source.last_position\n",
                "        index = source.last_position.index\n"
                "        self.last_position = LogPosition(self._term_run(index)[0], index)\n",
            ),
        ),
    ),
    one_patch(
        "index-zero-accepted",
        "a call that begins at index 0 takes the log's place without a comparison",
        "CommittedEntriesStay",
        "Figure 2, AppendEntries receiver 3",
        "log",
        "    prev, snapshot = sent.prev_position, log.prev_position\n",
        "    prev, snapshot = sent.prev_position, log.prev_position\n"
        "    if prev.index == snapshot.index == 0:\n"
        "        return Agreement(True, prev, sent, sent.last_position.index)\n",
    ),
    one_patch(
        "compacted-prefix-accepted",
        "a call that begins in the compacted prefix takes the place of what follows, unlooked at",
        "LeaderCompleteness",
        "Figure 2, AppendEntries receiver 2; RedisLabs/raft #49",
        "log",
        "        prev = snapshot\n",
        "        prev = snapshot\n"
        "        if sent.last_position.index > snapshot.index:\n"
        "            return Agreement(True, snapshot, sent, sent.last_position.index)\n",
    ),
    one_patch(
        "compacted-prefix-is-conflict",
        "a call that begins in the compacted prefix is taken for a conflict, and the log dropped",
        "CommittedEntriesStay",
        "databendlabs/openraft #511",
        "log",
        "        prev = snapshot\n",
        "        return Agreement(False, snapshot, LogEntries(snapshot, None), commit_index)\n",
    ),
    Mutant(
        "covered-entries-refused",
        "entries that begin before the own snapshot are not matched with the log",
        "Specified",
        "the Rust crate raftbare 0.2.2 (D5)",
        IN_LIBRARY["D5"],
    ),
    Mutant(
        "committed-entries-removed",
        "a call that contradicts committed entries is obeyed",
        "CommittedEntriesStay",
        "the Rust crate raftbare 0.2.2 (D9)",
        IN_LIBRARY["D9"],
    ),
    one_patch(
        "match-index-lowered",
        "a reordered reply takes back what a follower is known to hold",
        "Specified",
        "zhebrak/raftos #25; ongardie/raft.tla #18",
        "rules",
        "        if matches and follower.match_index < theirs.index:\n",
        "        if matches:\n",
    ),
    one_patch(
        "match-index-raised",
        "a reply to an earlier call counts for all that was sent since",
        "CommittedOnQuorum",
        "§5.3",
        "rules",
        "follower.match_index, theirs.index)\n            follower.match_index = theirs.index\n",
        "follower.match_index, last.index)\n            follower.match_index = last.index\n",
    ),
    one_patch(
        "match-index-past-log",
        "a follower is taken to hold all up to its last index, even past the leader's log",
        "CommittedOnQuorum",
        "§5.3",
        "rules",
        "        if matches and follower.match_index < theirs.index:\n",
        "        if follower.match_index < theirs.index:\n",
    ),
    one_patch(
        "old-term-reply",
        "a reply of an earlier term counts",
        "Specified",
        "§5.1",
        "rules",
        "isinstance(role, Leader) or reply.term < self._current_term or",
        "isinstance(role, Leader) or",
    ),
    one_patch(
        "late-answer-numbered",
        "the answer to a call of an earlier term bears the number of that call",
        "ReplyIsToOwnCall",
        "willemt/raft #97; this library, until delay was simulated",
        "rules",
        *UNNUMBERED,
    ),
    Mutant(
        "late-answer-blocks",
        "replies are stale after one with a higher number, maybe of the leader's former life",
        "ReplyIsToOwnCall",
        "willemt/raft #97, redpanda #9384; this library, until delay was simulated",
        (
            Patch("rules", *UNNUMBERED),
            Patch(
                "rules",
                "        if reply.seqno > follower.answered:\n",
                "        if reply.seqno < follower.asked:\n"
                "            return\n"
                "        follower.asked = reply.seqno\n"
                "        if reply.seqno > follower.answered:\n",
            ),
        ),
    ),
    one_patch(
        "late-answer-counts",
        "the answer to a call of an earlier term is taken for a refusal of a later one",
        "Specified",
        "willemt/raft #97",
        "rules",
        " or reply.seqno == 0:\n",
        ":\n",
    ),
    one_patch(
        "late-answer-replaces-vote",
        "the answer to a call of an earlier term takes the place of a vote that is owed",
        "Specified",
        "this library, until delay was simulated",
        "rules",
        "        if call.sender not in self._pending.sends or seqno != 0:\n",
        "        if True:\n",
    ),
    one_patch(
        "accepted-always",
        "a reply says that its call was accepted, whatever came of it",
        "Eventually",
        "Figure 2, AppendEntries results",
        "rules",
        "self._log.entries.last_position, accepted)",
        "self._log.entries.last_position, True)",
    ),
    one_patch(
        "accepted-inverted",
        "a reply says that its call was accepted if it was refused, and the other way round",
        "Eventually",
        "Figure 2, AppendEntries results",
        "rules",
        "self._log.entries.last_position, accepted)",
        "self._log.entries.last_position, not accepted)",
    ),
    one_patch(
        "reply-before-write",
        "entries are reported before they are written",
        "EntriesPersistedBeforeReply",
        "camunda/camunda #4160; tikv/tikv #994",
        "drain",
        "            elif pending.append_after is not None:\n",
        "            elif pending.append_after is not None and not pending.sends:\n",
    ),
    one_patch(
        "truncation-not-written",
        "entries that are dropped for a conflict stay on the disk",
        "DiskAgreesWithMemory",
        "microsoft/CCF #519",
        "rules",
        "                pending.append_after = base\n",
        "                if pending.append_after is not None or not source.is_empty:\n"
        "                    pending.append_after = base\n",
    ),
)
