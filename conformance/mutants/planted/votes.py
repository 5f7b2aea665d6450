"""Mutants of §5.1, §5.2 and §5.4.1: terms, votes, and who may ask for them."""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.crate import IN_LIBRARY
from conformance.mutants.planted.in_both import IN_BOTH
from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

VOTES: Final = (
    IN_BOTH["index-only-vote"],
    one_patch(
        "term-only-vote",
        "a vote compares the term of the last entries only",
        "LeaderCompleteness",
        "§5.4.1",
        "rules",
        "        if call.last_position < self._log.last_position:",
        "        if call.last_position.term < self._log.last_position.term:",
    ),
    IN_BOTH["vote-not-persisted"],
    one_patch(
        "own-vote-not-persisted",
        "a candidate does not write down its vote for itself",
        "DiskAgreesWithMemory",
        "vesoft-inc/nebula #3415; wenweihu86/raft-java #57",
        "rules",
        "        self._pending.save_voted_for = True\n"
        "        self._pending.set_election_timeout = True\n"
        "        if not self._log.latest_config.has_quorum(candidate.",
        "        self._pending.set_election_timeout = True\n"
        "        if not self._log.latest_config.has_quorum(candidate.",
    ),
    IN_BOTH["lone-voter-leads-at-once"],
    one_patch(
        "campaign-term-not-persisted",
        "a candidate does not write down the term that it campaigns in",
        "TermPersistedBeforeMessage",
        "wenweihu86/raft-java #57",
        "rules",
        "        self._voted_for = self._id\n        self._pending.owe_new_term()\n",
        "        self._voted_for = self._id\n"
        "        self._pending.owe_new_term()\n"
        "        self._pending.save_current_term = False\n",
    ),
    one_patch(
        "term-not-persisted",
        "a higher term is taken over from a message and not written down",
        "VotePersistedBeforeReply",
        "Figure 2, persistent state",
        "rules",
        "        self._voted_for = None\n        self._pending.owe_new_term()\n",
        "        self._voted_for = None\n"
        "        self._pending.owe_new_term()\n"
        "        self._pending.save_current_term = False\n",
    ),
    one_patch(
        "vote-forgotten-in-restart",
        "a restarted node does not read back whom it voted for",
        "DiskAgreesWithMemory",
        "Figure 2, persistent state",
        "node",
        "Node(node_id, current_term, voted_for, log.copy(), limits)",
        "Node(node_id, current_term, None, log.copy(), limits)",
    ),
    one_patch(
        "term-lowered-by-restart",
        "a restarted node is in the term of its last entry, not in the one that it saved",
        "DiskAgreesWithMemory",
        "Figure 2, persistent state",
        "node",
        "Node(node_id, current_term, voted_for, log.copy(), limits)",
        "Node(node_id, log.last_position.term, voted_for, log.copy(), limits)",
    ),
    one_patch(
        "term-lowered-by-snapshot",
        "an installed snapshot takes the node back to its last entry's term",
        "TermMonotonic",
        "§5.1, §7",
        "rules",
        "        self._log._compact(position, config)\n",
        "        self._log._compact(position, config)\n"
        "        self._current_term = self._log.last_position.term\n",
    ),
    one_patch(
        "vote-cleared-on-same-term-step-down",
        "a candidate that steps down for the leader of its term forgets its vote",
        "VoteKeptInTerm",
        "ktoso/akka-raft #56; microsoft/CCF #8094",
        "rules",
        "            self._role = Follower(call.sender)\n",
        "            self._role = Follower(call.sender)\n"
        "            self._voted_for = None\n"
        "            pending.save_voted_for = True\n",
    ),
    Mutant(
        "removed-leader-forgets-vote",
        "a removed leader forgets its vote as it steps down",
        "VoteKeptInTerm",
        "hazelcast/hazelcast #16643; redpanda-data/redpanda #14; the Rust crate raftbare 0.2.2 "
        "(D3)",
        IN_LIBRARY["D3"],
    ),
    one_patch(
        "vote-granted-twice",
        "a vote goes to whoever asks last in a term",
        "VoteKeptInTerm",
        "§5.2",
        "rules",
        "        if self._voted_for is None:\n"
        "            self._voted_for = call.sender\n"
        "            self._pending",
        "        if self._voted_for != call.sender:\n"
        "            self._voted_for = call.sender\n"
        "            self._pending",
    ),
    one_patch(
        "vote-told-to-all",
        "a vote is told to every candidate of a term, and kept for the first",
        "VotePersistedBeforeReply",
        "§5.2",
        "rules",
        "        elif self._voted_for != call.sender:\n            return\n",
        "",
    ),
    one_patch(
        "vote-not-told-again",
        "a candidate that asks again is not told of the vote that it has",
        "Specified",
        "vesoft-inc/nebula #2419; ktoso/akka-raft #29",
        "rules",
        "        elif self._voted_for != call.sender:\n            return\n",
        "        else:\n            return\n",
    ),
    one_patch(
        "denial-replaces-vote",
        "the denial of a vote in an earlier term takes the place of a vote that is owed",
        "Specified",
        "§5.2",
        "rules",
        "        if granted or call.sender not in self._pending.sends:\n",
        "        if granted is not None:\n",
    ),
    Mutant(
        "vote-in-past-term",
        "a candidate of an earlier term is granted a vote in that term",
        "VotePersistedBeforeReply",
        "Figure 2, RequestVote receiver 1",
        (
            Patch(
                "rules",
                "            self._reply_to_vote(call, False)\n",
                "            self._reply_to_vote(call, self._voted_for is None)\n",
            ),
            Patch(
                "rules",
                "            header = MessageHeader(self._id, self._current_term, call.seqno)\n"
                "            self._pending.sends[call.sender] = RequestVoteReply(",
                "            header = MessageHeader(self._id, call.term, call.seqno)\n"
                "            self._pending.sends[call.sender] = RequestVoteReply(",
            ),
        ),
    ),
    one_patch(
        "stale-vote-reply",
        "a vote of an earlier term counts",
        "ElectedByQuorum",
        "andreev-io/little-raft #44; ktoso/akka-raft #46",
        "rules",
        "reply.vote_granted and reply.term == self._current_term:",
        "reply.vote_granted:",
    ),
    IN_BOTH["vote-counted-twice"],
    one_patch(
        "votes-kept-for-next-term",
        "a candidate whose election failed takes its votes along to the next one",
        "ElectedByQuorum",
        "§5.2",
        "rules",
        "        candidate = Candidate(self._id, transfer)\n",
        "        role = self._role\n"
        "        candidate = role if isinstance(role, Candidate) else "
        "Candidate(self._id, transfer)\n",
    ),
    one_patch(
        "non-voter-vote-counted",
        "a vote counts whether a voter gave it or not",
        "ElectedByQuorum",
        "rabbitmq/ra #427",
        "config",
        "    return len(voters & nodes) > ",
        "    return len(nodes) > ",
    ),
    one_patch(
        "vote-quorum-of-half",
        "half of the voters elect a leader",
        "ElectedByQuorum",
        "§5.2",
        "config",
        "len(voters & nodes) > len(voters) // 2",
        "len(voters & nodes) >= (len(voters) + 1) // 2",
    ),
    one_patch(
        "non-voter-campaigns",
        "a non-voter becomes a candidate",
        "CampaignsAsElector",
        "hashicorp/raft #483; redpanda-data/redpanda #8495",
        "rules",
        "        configs = self._log.entries._configs\n",
        "        if self._log.latest_config.contains(self._id):\n"
        "            return True\n"
        "        configs = self._log.entries._configs\n",
    ),
    one_patch(
        "removed-node-campaigns",
        "a node campaigns although its removal is committed",
        "CampaignsAsElector",
        "logcabin/logcabin #205",
        "rules",
        "            if index <= self._commit_index:\n                return False\n",
        "",
    ),
    one_patch(
        "higher-term-in-reply-ignored",
        "a higher term is taken over from calls only, and ignored in a reply",
        "Eventually",
        "Figure 2, all servers; wenweihu86/raft-java #3",
        "node",
        "        if message.term > self._current_term:\n",
        "        if message.term > self._current_term and not isinstance("
        "message, RequestVoteCall):\n",
    ),
    one_patch(
        "later-vote-call-dropped",
        "a node that voted for another drops a vote request of a higher term",
        "Eventually",
        "§5.1; the Rust crate raftbare 0.2.2 (D7)",
        "node",
        "        if message.term > self._current_term:\n",
        "        if message.term > self._current_term:\n"
        "            voted = self._voted_for not in (None, message.sender)\n"
        "            if voted and isinstance(message, RequestVoteCall) and not "
        "self.role.is_candidate:\n"
        "                return\n",
    ),
    one_patch(
        "candidate-ignores-leader",
        "a candidate does not step down for the leader that won its term",
        "Eventually",
        "sile/noraft #24",
        "rules",
        "            self._role = Follower(call.sender)\n",
        "            return\n",
    ),
    Mutant(
        "leader-not-followed",
        "a node follows the leader of its term only if it voted for it",
        "Eventually",
        "sile/noraft #24; the Rust crate raftbare 0.2.2 (D2)",
        IN_LIBRARY["D2"],
    ),
    one_patch(
        "leader-follows-its-equal",
        "a leader accepts entries from another one of its own term",
        "RemovedLeaderStepsDown",
        "§5.2; nats-io/nats-server #5314",
        "rules",
        "            known = self._id if isinstance(role, Leader) else role.leader\n",
        "            if isinstance(role, Leader):\n"
        "                self._role = role = Follower(call.sender)\n"
        "            known = role.leader\n",
    ),
    one_patch(
        "second-leader-followed",
        "a follower accepts entries from a second leader of its term",
        "LeaderKeptInTerm",
        "§5.2; etcd-io/etcd #3710",
        "rules",
        "            if known is not None and known != call.sender:\n",
        "            if isinstance(role, Leader):\n",
    ),
    one_patch(
        "timer-set-by-any-vote-call",
        "the timer is set anew by a vote request that is refused",
        "TimerSetByCause",
        "§5.2",
        "rules",
        "        if call.last_position < self._log.last_position:",
        "        self._pending.set_election_timeout = True\n"
        "        if call.last_position < self._log.last_position:",
    ),
    IN_BOTH["timer-set-by-higher-term"],
    one_patch(
        "deposed-leader-keeps-timer",
        "a leader that a higher term deposes goes on with the timer of its heartbeats",
        "TimerSetByCause",
        "Figure 2, followers",
        "rules",
        "        if isinstance(self._role, Leader):\n"
        "            self._pending.set_election_timeout = True\n",
        "",
    ),
    one_patch(
        "timer-ends-without-vote",
        "the timer of a node that may not campaign runs out, and is not set again",
        "TimerSetByCause",
        "Figure 2, followers",
        "node",
        "on which it may\n            self._pending.set_election_timeout = True\n",
        "on which it may\n            pass\n",
    ),
)
