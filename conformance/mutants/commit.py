"""Mutants of §5.3 and §5.4.2: what is committed, and by whom."""

from __future__ import annotations

from typing import Final

from conformance.mutants.mutant import Mutant
from conformance.patched import Patch
from conformance.seeded import SEEDS

_SEEDED: Final = {seed.name: seed.in_library for seed in SEEDS}


COMMIT: Final = (
    Mutant(
        "earlier-term-commit",
        "an entry of an earlier term is committed by counting its replicas",
        "NeverCommitEarlierTermDirectly",
        "§5.4.2, Figure 8; logcabin/logcabin #44; bakwc/PySyncObj #169; async-raft/async-raft #108",
        _SEEDED["earlier-term-commit"],
    ),
    Mutant(
        "commit-index-back",
        "a follower takes over a commit index that lies behind its own",
        "CommitMonotonic",
        "ongardie/raft.tla #19; etcd-io/etcd #1203",
        (
            Patch(
                "rules",
                "        if commit_index > self._commit_index:\n",
                "        if commit_index != self._commit_index:\n",
            ),
        ),
    ),
    Mutant(
        "commit-without-min",
        "a follower takes over the leader's commit index, however short its own log is",
        "SnapshotWithinCommit",
        "Figure 2, AppendEntries receiver 5; camunda/camunda #30354",
        (
            Patch(
                "rules",
                "        commit_index = min(call.commit_index, verified)\n",
                "        commit_index = call.commit_index\n",
            ),
        ),
    ),
    Mutant(
        "commit-past-verified",
        "a follower commits entries of its own that follow what a call has verified",
        "StateMachineSafety",
        "Figure 2, AppendEntries receiver 5; atomix/copycat #265; scylladb/scylladb #9965",
        _SEEDED["commit-without-min"],
    ),
    Mutant(
        "commit-quorum-of-half",
        "half of the voters commit",
        "CommittedOnQuorum",
        "§5.3",
        (
            Patch(
                "quorum",
                "indices[(len(indices) - 1) // 2]",
                "indices[len(indices) // 2]",
            ),
        ),
    ),
    Mutant(
        "leader-counts-as-voter",
        "a leader counts itself where it is no voter",
        "CommittedOnQuorum",
        "§6; camunda/camunda #15232; RedisLabs/raft #13",
        (
            Patch("rules", "import has_quorum", "import has_quorum, majority_index"),
            Patch(
                "rules",
                "        index = role.quorum.index()\n",
                "        index = role.quorum.index()\n"
                "        if not self._log.latest_config.is_voter(self._id):\n"
                "            index = majority_index([*role.quorum._voters, role.own])\n",
            ),
        ),
    ),
    Mutant(
        "non-voters-counted",
        "non-voters count for a commitment as voters do",
        "CommittedOnQuorum",
        "rabbitmq/ra #427",
        (
            Patch("rules", "import has_quorum", "import has_quorum, majority_index"),
            Patch(
                "rules",
                "        index = role.quorum.index()\n",
                "        index = role.quorum.index()\n"
                "        others = self._log.latest_config.non_voters - {self._id}\n"
                "        if others and not role.quorum._new_voters:\n"
                "            more = [role.followers[other] for other in others]\n"
                "            index = majority_index([*role.quorum._voters, *more])\n",
            ),
        ),
    ),
    Mutant(
        "joint-quorum-over-union",
        "a joint configuration's quorum is a majority of both memberships together",
        "CommittedOnQuorum",
        "§6",
        _SEEDED["joint-quorum-over-union"],
    ),
    Mutant(
        "old-majority-only",
        "in a joint configuration a majority of the old voters is enough",
        "CommittedOnQuorum",
        "§6",
        (
            Patch(
                "quorum",
                "        not config.is_joint_consensus or is_majority(config.new_voters, nodes)\n",
                "        True\n",
            ),
            Patch(
                "quorum",
                "        return min(index, majority_index(self._new_voters)) "
                "if self._new_voters else index\n",
                "        return index\n",
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
                "quorum",
                "    return is_majority(config.voters, nodes) and (\n"
                "        not config.is_joint_consensus or is_majority(config.new_voters, nodes)\n"
                "    )\n",
                "    return is_majority(config.new_voters or config.voters, nodes)\n",
            ),
            Patch(
                "quorum",
                "        return min(index, majority_index(self._new_voters)) "
                "if self._new_voters else index\n",
                "        return majority_index(self._new_voters) if self._new_voters else index\n",
            ),
        ),
    ),
    Mutant(
        "lone-voter-commits-at-once",
        "a leader without followers commits before its own disk has the entry",
        "CommittedOnQuorum",
        "etcd-io/etcd #14370",
        (
            Patch(
                "rules",
                "        self._broadcast(role, prev)\n\n",
                "        self._broadcast(role, prev)\n"
                "        if not role.followers:\n"
                "            self._drained()\n\n",
            ),
        ),
    ),
    Mutant(
        "own-copy-before-disk",
        "a leader counts its own copy of an entry before that is on its disk",
        "CommittedOnQuorum",
        "deventlab/d-engine #329",
        (
            Patch(
                "rules",
                "        self._pending.owe_append(prev)\n        self._pending.set",
                "        self._pending.owe_append(prev)\n"
                "        role.own.match_index = self._log.last_position.index\n"
                "        self._pending.set",
            ),
        ),
    ),
    Mutant(
        "restart-commits-log",
        "a restarted node takes all that its disk holds for committed",
        "LeaderCompleteness",
        "Figure 2, volatile state",
        (
            Patch(
                "rules",
                "        self._commit_index = log.snapshot_position.index\n",
                "        self._commit_index = log.last_position.index\n",
            ),
        ),
    ),
    Mutant(
        "commit-never-learnt",
        "a follower learns what is committed only with new entries",
        "Specified",
        "Figure 2, AppendEntries receiver 5",
        (
            Patch(
                "rules",
                "        if commit_index > self._commit_index:\n",
                "        if commit_index > self._commit_index and base is not None:\n",
            ),
        ),
    ),
)
