"""Mutants of §7: what a snapshot takes the place of."""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

SNAPSHOTS: Final = (
    Mutant(
        "commit-behind-snapshot",
        "a snapshot ahead of the commit index leaves that behind",
        "SnapshotWithinCommit",
        "§7; the Rust crate raftbare 0.2.2 (D4)",
        IN_LIBRARY["D4"],
    ),
    one_patch(
        "candidacy-outlives-snapshot",
        "a candidate counts votes from before under the configuration of a leader's snapshot",
        "ElectionSafety",
        "tests/spec/test_late_votes.py; this library, until its induction was tried",
        "rules",
        "        if isinstance(self._role, Candidate) and "
        "(found is None or found[0] != position):\n",
        "        if False:\n",
    ),
    one_patch(
        "snapshot-lowers-commit",
        "a snapshot of what is committed takes the commit index back",
        "CommitMonotonic",
        "§7",
        "rules",
        "        self._commit_index = max(committed, position.index)\n",
        "        self._commit_index = position.index\n",
    ),
    one_patch(
        "restart-forgets-snapshot",
        "a restarted node does not know that its snapshot is committed",
        "SnapshotWithinCommit",
        "§7",
        "rules",
        "        self._commit_index = log.snapshot_position.index\n",
        "        self._commit_index = LogPosition.ZERO.index\n",
    ),
    one_patch(
        "older-snapshot-installed",
        "a snapshot older than the one that the node has takes its place",
        "CommittedEntriesStay",
        "databendlabs/openraft #543",
        "rules",
        '            raise InvalidSnapshotError(f"{position!r} lies before the snapshot at '
        '{snapshot!r}")\n',
        "            self._log._compact(position, config)\n"
        "            self._pending.compact(self._log)\n"
        "            return\n",
    ),
    one_patch(
        "suffix-dropped",
        "a follower drops the entries that follow an installed snapshot in its log",
        "DiskAgreesWithMemory",
        "Figure 13, InstallSnapshot receiver 6; camunda/camunda #6092",
        "rules",
        "        self._log._compact(position, config)\n",
        "        if not leads:\n"
        "            self._log.entries = type(entries)(position)\n"
        "        self._log._compact(position, config)\n",
    ),
    one_patch(
        "suffix-kept",
        "entries that conflict with an installed snapshot, or follow such, are kept",
        "DiskAgreesWithMemory",
        "Figure 13, InstallSnapshot receiver 7; hashicorp/raft #704",
        "log",
        "        if self.entries.contains(position):\n"
        "            self.entries._compact_to(position)\n",
        "        if self.entries.contains_index(position.index):\n"
        "            self.entries._compact_to(position)\n"
        "            last = self.entries.last_position.index\n"
        "            term, _, _ = self.entries._term_run(last)\n"
        "            self.entries.last_position = LogPosition(term, last)\n",
    ),
    one_patch(
        "snapshot-config-lost",
        "a follower loses the configuration that was in force before a snapshot's end",
        "DiskAgreesWithMemory",
        "§7; moby/swarmkit #238",
        "rules",
        "        self._log._compact(position, config)\n",
        "        config = config if leads else self._log.snapshot_config\n"
        "        self._log._compact(position, config)\n",
    ),
    one_patch(
        "snapshot-takes-latest-config",
        "a compacted log's snapshot has the configuration in force, not the one at its end",
        "DiskAgreesWithMemory",
        "canonical/raft #250",
        "log",
        "        if self.entries.contains(position):\n",
        "        if self.entries.contains(position):\n            config = self.latest_config\n",
    ),
    one_patch(
        "snapshot-bound-off-by-one",
        "a configuration that stands just after a follower's snapshot goes with the prefix",
        "DiskAgreesWithMemory",
        "§7",
        "rules",
        "        self._log._compact(position, config)\n",
        "        self._log._compact(position, config)\n"
        "        first, configs = LogIndex(position.index + 1), "
        "self._log.entries._configs\n"
        "        self._log.entries._configs = configs if leads else configs.after(first)\n",
    ),
    one_patch(
        "snapshot-sent-again",
        "a follower whose log ends with the leader's snapshot is sent that, not what follows",
        "Eventually",
        "§7",
        "rules",
        "            if progress.next_index <= entries.prev_position.index:\n",
        "            if progress.next_index <= entries.prev_position.index + 1 > 1:\n",
    ),
    one_patch(
        "snapshot-never-sent",
        "a follower that lacks what the leader has compacted is not sent the snapshot",
        "Eventually",
        "§7",
        "rules",
        "        if reply.seqno < (follower.asked if compacted else follower.probe):\n",
        "        if compacted or reply.seqno < follower.probe:\n",
    ),
    one_patch(
        "snapshot-asked-by-each-refusal",
        "the snapshot is owed anew by every refusal of a follower that needs it",
        "Specified",
        "etcd-io/etcd #3292; this library, until delay was simulated",
        "rules",
        "        if reply.seqno < (follower.asked if compacted else follower.probe):\n",
        "        if not compacted and reply.seqno < follower.probe:\n",
    ),
    one_patch(
        "snapshot-asked-by-each-answer",
        "the snapshot is owed anew as a follower that needs it accepts a call",
        "Specified",
        "§7",
        "rules",
        "        if next_index <= entries.prev_position.index:\n            return\n",
        "",
    ),
    one_patch(
        "snapshot-asked-once",
        "the snapshot is owed once, and never again though it was lost",
        "Eventually",
        "§7",
        "rules",
        "        if reply.seqno < (follower.asked if compacted else follower.probe):\n",
        "        if follower.asked > 0 if compacted else reply.seqno < follower.probe:\n",
    ),
    one_patch(
        "snapshot-asked-too-late",
        "the snapshot is owed again one call later than the user said",
        "Specified",
        "§7",
        "rules",
        "        if reply.seqno < (follower.asked if compacted else follower.probe):\n",
        "        if reply.seqno < (follower.asked + 1 if compacted else follower.probe):\n",
    ),
    one_patch(
        "pending-write-lost",
        "an owed write that begins before an installed snapshot is lost",
        "EntriesPersistedBeforeReply",
        "§7",
        "pending",
        "            self.append_after = log.snapshot_position\n",
        "            self.append_after = None\n",
    ),
    Mutant(
        "compacted-entries-skipped",
        "who lacks what the leader has compacted is sent what follows the snapshot",
        "Eventually",
        "§7",
        (
            Patch(
                "rules",
                "            if progress.next_index <= entries.prev_position.index:\n",
                "            if False:\n",
            ),
            Patch(
                "rules",
                "            prev = entries._position(LogIndex(progress.next_index - 1))\n",
                "            index = LogIndex(progress.next_index - 1)\n"
                "            first = entries.prev_position\n"
                "            prev = first if index < first.index else entries._position(index)\n",
            ),
        ),
    ),
    one_patch(
        "snapshot-before-term",
        "a snapshot is taken while the term by which it was committed is yet to be saved",
        "Specified",
        "§7; Figure 2, persistent state",
        "rules",
        "        if self._pending.save_current_term:\n",
        "        if False:\n",
    ),
)
