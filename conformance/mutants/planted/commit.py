"""Mutants of §5.3 and §5.4.2: what is committed, and by whom."""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

COMMIT: Final = (
    IN_BOTH["earlier-term-commit"],
    one_patch(
        "commit-index-back",
        "a follower takes over a commit index that lies behind its own",
        "CommitMonotonic",
        "ongardie/raft.tla #19; etcd-io/etcd #1203",
        "rules",
        "        if commit_index > self._commit_index:\n",
        "        if commit_index != self._commit_index:\n",
    ),
    one_patch(
        "commit-without-min",
        "a follower takes over the leader's commit index, however short its own log is",
        "SnapshotWithinCommit",
        "Figure 2, AppendEntries receiver 5; camunda/camunda #30354",
        "rules",
        " if call.commit_index < verified else verified\n",
        "\n",
    ),
    IN_BOTH["commit-past-verified"],
    Mutant(
        "commit-quorum-of-half",
        "half of the voters commit",
        "CommittedOnQuorum",
        "§5.3",
        (
            Patch(
                "quorum",
                " held[(len(held) - 1) // 2]",
                " held[len(held) // 2]",
            ),
            Patch(
                "quorum",
                "new_held[(len(new_held) - 1) // 2]",
                "new_held[len(new_held) // 2]",
            ),
        ),
    ),
    one_patch(
        "leader-counts-as-voter",
        "a leader counts itself where it is no voter",
        "CommittedOnQuorum",
        "§6; camunda/camunda #15232; RedisLabs/raft #13",
        "rules",
        "        log = self._log\n",
        "        quorum = role.quorum\n"
        "        if self._id not in quorum._voters and not quorum._new_voters:\n"
        "            held = sorted([*quorum._held, role.own.match_index])\n"
        "            index = held[(len(held) - 1) // 2]\n"
        "        log = self._log\n",
    ),
    one_patch(
        "non-voters-counted",
        "non-voters count for a commitment as voters do",
        "CommittedOnQuorum",
        "rabbitmq/ra #427",
        "rules",
        "        log = self._log\n",
        "        quorum = role.quorum\n"
        "        others = self._log.latest_config.non_voters - {self._id}\n"
        "        if others and not quorum._new_voters:\n"
        "            more = [role.followers[other].match_index for other in others]\n"
        "            held = sorted([*quorum._held, *more])\n"
        "            index = held[(len(held) - 1) // 2]\n"
        "        log = self._log\n",
    ),
    IN_BOTH["joint-quorum-over-union"],
    Mutant(
        "old-majority-only",
        "in a joint configuration a majority of the old voters is enough",
        "CommittedOnQuorum",
        "§6",
        (
            Patch(
                "config",
                "            not self._new_voters or _is_majority(self._new_voters, nodes)\n",
                "            True\n",
            ),
            Patch(
                "quorum",
                "min(index, new_held[(len(new_held) - 1) // 2])",
                "index",
            ),
        ),
    ),
    Mutant(
        "new-majority-only",
        "in a joint configuration a majority of the new voters is enough",
        "CommittedOnQuorum",
        "§6",
        (
            Patch(
                "config",
                "        return _is_majority(self._voters, nodes) and (\n"
                "            not self._new_voters or _is_majority(self._new_voters, nodes)\n"
                "        )\n",
                "        return _is_majority(self._new_voters or self._voters, nodes)\n",
            ),
            Patch(
                "quorum",
                "min(index, new_held[(len(new_held) - 1) // 2])",
                "new_held[(len(new_held) - 1) // 2]",
            ),
        ),
    ),
    one_patch(
        "lone-voter-commits-at-once",
        "a leader without followers commits before its own disk has the entry",
        "CommittedOnQuorum",
        "etcd-io/etcd #14370",
        "rules",
        "        if role.followers:\n            pending.broadcast = True\n",
        "        if role.followers:\n"
        "            pending.broadcast = True\n"
        "        else:\n"
        "            self._log_saved(role)\n",
    ),
    one_patch(
        "own-copy-before-disk",
        "a leader counts its own copy of an entry before that is on its disk",
        "CommittedOnQuorum",
        "deventlab/d-engine #329",
        "rules",
        "        if role.followers:\n            pending.broadcast = True\n",
        "        if role.followers:\n"
        "            pending.broadcast = True\n"
        "            self._log_saved(role)\n",
    ),
    one_patch(
        "restart-commits-log",
        "a restarted node takes all that its disk holds for committed",
        "LeaderCompleteness",
        "Figure 2, volatile state",
        "rules",
        "        self._commit_index = log.snapshot_position.index\n",
        "        self._commit_index = log.last_position.index\n",
    ),
    one_patch(
        "commit-never-learnt",
        "a follower learns what is committed only with new entries",
        "Specified",
        "Figure 2, AppendEntries receiver 5",
        "rules",
        "        if commit_index > self._commit_index:\n",
        "        if commit_index > self._commit_index and base is not None:\n",
    ),
    one_patch(
        "call-tells-old-commit",
        "a call tells as committed no more than what its entries follow",
        "Specified",
        "Figure 2, AppendEntries, leaderCommit",
        "rules",
        "AppendEntriesCall(header, self._commit_index, sent)",
        "AppendEntriesCall(header, min(self._commit_index, prev.index), sent)",
    ),
)
