"""Mutants of §6: how a cluster's membership changes."""

from __future__ import annotations

from typing import Final

from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

MEMBERSHIP: Final = (
    one_patch(
        "second-change-in-flight",
        "a change of voters is accepted while another one is in progress",
        "ConfigChangeThroughJoint",
        "atomix/copycat #26",
        "node",
        "        if now.is_joint_consensus:\n",
        "        if False:\n",
    ),
    one_patch(
        "change-without-joint",
        "a change of voters is made in one step, with no joint configuration in between",
        "ConfigChangeThroughJoint",
        "§6, Figure 10",
        "node",
        "        return self._append_config(role, config)\n",
        "        if config.is_joint_consensus:\n"
        "            config = ClusterConfig(config.new_voters, (), config.non_voters)\n"
        "        return self._append_config(role, config)\n",
    ),
    Mutant(
        "config-at-commit",
        "a configuration is asked for its new voters only once it is committed",
        "CommittedOnQuorum",
        "§6; etcd-io/etcd #2397; valkey-io/valkey #3926",
        (
            Patch(
                "rules",
                "        log = self._log\n",
                "        held = role.quorum._held\n"
                "        if self._log.latest_config_index > self._commit_index:\n"
                "            index = held[(len(held) - 1) // 2]\n"
                "        log = self._log\n",
            ),
            Patch(
                "rules",
                "self._log.latest_config.has_quorum(candidate",
                "self._config_to_ask().has_quorum(candidate",
            ),
            Patch(
                "rules",
                "if self._log.latest_config.has_quorum(role",
                "if self._config_to_ask().has_quorum(role",
            ),
            Patch(
                "rules",
                "not self._log.latest_config.has_quorum(role",
                "not self._config_to_ask().has_quorum(role",
            ),
            Patch(
                "rules",
                "    def _may_campaign(self)",
                "    def _config_to_ask(self) -> ClusterConfig:\n"
                "        config = self._log.latest_config\n"
                "        applied = self._log.latest_config_index <= self._commit_index\n"
                "        return config if applied else ClusterConfig(config.voters)\n\n"
                "    def _may_campaign(self)",
            ),
        ),
    ),
    one_patch(
        "config-not-rolled-back",
        "a configuration stays in force, and in the log, though its entry was overwritten",
        "LogMatching",
        "§6; camunda/camunda #57393; scylladb/scylladb #30936; andrewjstone/rafter #34",
        "entries",
        "            self._configs = configs.extended(their_configs, index)\n",
        "            for at in configs.at:\n"
        "                if at <= source.last_position.index and at not in "
        "source._terms.at:\n"
        "                    index = LogIndex(max(index, at))\n"
        "            self._configs = configs.extended(their_configs, index)\n",
    ),
    one_patch(
        "joint-lost-in-restart",
        "a restarted node has forgotten the new voters of joint configurations",
        "DiskAgreesWithMemory",
        "§6; camunda/camunda #57389; andy-yx-chen/jraft #1",
        "node",
        "        node._pending.set_election_timeout = True\n        return node\n",
        "        configs = node._log.entries._configs.values\n"
        "        configs[:] = [ClusterConfig(old.voters, (), old.non_voters) for old in "
        "configs]\n"
        "        node._pending.set_election_timeout = True\n"
        "        return node\n",
    ),
    one_patch(
        "joint-lost-in-snapshot",
        "a follower's snapshot has forgotten the new voters of a joint configuration",
        "DiskAgreesWithMemory",
        "§6, §7",
        "rules",
        "        self._log._compact(position, config)\n",
        "        if not leads:\n"
        "            config = ClusterConfig(config.voters, (), config.non_voters)\n"
        "        self._log._compact(position, config)\n",
    ),
    one_patch(
        "joint-never-left",
        "the final configuration is never proposed",
        "JointIsLeft",
        "§6",
        "rules",
        "            self._append_config(role, final)\n",
        "            return\n",
    ),
    one_patch(
        "joint-left-too-early",
        "the final configuration is proposed before the joint one is committed",
        "LeaderCompleteness",
        "§6; camunda/camunda #60086",
        "rules",
        "        if index < log.latest_config_index:\n",
        "        if index < log.latest_config_index and not "
        "log.latest_config.is_joint_consensus:\n",
    ),
    one_patch(
        "removed-leader-stays",
        "a leader outside of the new configuration goes on leading once that is committed",
        "RemovedLeaderStepsDown",
        "§6; etcd-io/etcd #11038",
        "rules",
        "        elif self._id not in config.voters:\n",
        "        elif False:\n",
    ),
    one_patch(
        "removed-leader-leaves-early",
        "a leader outside of the new configuration steps down before that is committed",
        "RemovedLeaderStepsDown",
        "§6; atomix/copycat #117",
        "rules",
        "            self._append_config(role, final)\n        elif self._id",
        "            self._append_config(role, final)\n"
        "            config = final\n"
        "        if self._id",
    ),
    one_patch(
        "voter-and-non-voter",
        "a configuration with a node both voter and non-voter is accepted",
        "ConfigChangeThroughJoint",
        "§6; dissertation, §4.2.1",
        "node",
        "        if both:\n",
        "        if False:\n",
    ),
    one_patch(
        "non-voters-lost",
        "the final configuration has none of the non-voters",
        "Specified",
        "dissertation, §4.2.1",
        "rules",
        "ClusterConfig(config.new_voters, (), config.non_voters)",
        "ClusterConfig(config.new_voters)",
    ),
    one_patch(
        "demotion-refused",
        "a change is refused by which a voter becomes a non-voter",
        "Specified",
        "§6",
        "node",
        "        both = (config.new_voters or config.voters) & config.non_voters\n",
        "        both = (config.new_voters | config.voters) & config.non_voters\n",
    ),
    one_patch(
        "demoted-voter-not-counted",
        "a voter that is to become a non-voter has no say in elections while that is in progress",
        "ElectedByQuorum",
        "§6",
        "config",
        "        return _is_majority(self._voters, nodes) and (\n",
        "        return _is_majority(self._voters - self._non_voters, nodes) and (\n",
    ),
    one_patch(
        "demoted-voter-does-not-campaign",
        "a voter that is to become a non-voter does not campaign while that is in progress",
        "Specified",
        "§6",
        "config",
        "        return node_id in self._voters or node_id in self._new_voters\n",
        "        old = self._voters - self._non_voters\n"
        "        return node_id in old or node_id in self._new_voters\n",
    ),
    one_patch(
        "new-voter-does-not-campaign",
        "a new voter of a joint configuration does not campaign",
        "Specified",
        "§6",
        "config",
        "        return node_id in self._voters or node_id in self._new_voters\n",
        "        return node_id in self._voters\n",
    ),
)
