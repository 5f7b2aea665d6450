"""Mutants of §8 and of §6.2 to 6.4 of the dissertation: who has answered which call of a leader."""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.in_both import IN_BOTH
from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch, in_rules

READS: Final = (
    Mutant(
        "old-term-reply-confirms",
        "a reply of an earlier term, maybe of a leader's former life, confirms that it leads",
        "ReadIndexSafe",
        "dissertation, §6.4",
        (
            Patch(
                "rules",
                "        if not isinstance(role, Leader) or reply.term < self._current_term "
                "or reply.seqno == 0:\n",
                "        if isinstance(role, Leader) and reply.sender in role.followers:\n"
                "            late = role.followers[reply.sender]\n"
                "            late.answered = max(late.answered, reply.seqno)\n"
                "        if not isinstance(role, Leader) or reply.term < self._current_term "
                "or reply.seqno == 0:\n",
            ),
        ),
        (
            in_rules(
                "or reply.term < node.current_term or reply.seqno == 0:\n"
                "        return Effect(node)\n",
                "or reply.seqno == 0:\n"
                "        return Effect(node)\n"
                "    if reply.term < node.current_term:\n"
                "        for peer in role.peers:\n"
                "            if peer.node == reply.sender and reply.seqno > peer.answered:\n"
                "                peer = peer._replace(answered=reply.seqno)\n"
                "                return Effect(with_progress(node, peer))\n"
                "        return Effect(node)\n",
            ),
        ),
    ),
    IN_BOTH["reply-confirms-latest-call"],
    IN_BOTH["later-term-not-told"],
    one_patch(
        "non-voters-confirm",
        "non-voters confirm that a leader leads as voters do",
        "ReadIndexSafe",
        "dissertation, §6.4",
        "questions",
        "        number = answered_by_majority(config.voters, ",
        "        number = answered_by_majority(config.voters | config.non_voters, ",
    ),
    one_patch(
        "new-majority-confirms",
        "in a joint configuration a majority of the new voters confirms that a leader leads",
        "ReadIndexSafe",
        "§6; dissertation, §6.4",
        "questions",
        "            number = min(number, answered_by_majority("
        "config.new_voters, role.followers, own))\n",
        "            number = answered_by_majority(config.new_voters, role.followers, own)\n",
    ),
    one_patch(
        "old-majority-confirms",
        "in a joint configuration a majority of the old voters confirms that a leader leads",
        "Specified",
        "§6; dissertation, §6.4",
        "questions",
        "        if config.is_joint_consensus:\n            number = min(",
        "        if False:\n            number = min(",
    ),
    one_patch(
        "half-confirms",
        "half of the voters confirm that a leader leads",
        "ReadIndexSafe",
        "dissertation, §6.4",
        "quorum",
        "    return sorted(answered)[(len(answered) - 1) // 2]\n",
        "    return sorted(answered)[len(answered) // 2]\n",
    ),
    one_patch(
        "leader-not-counted",
        "a leader does not count itself among those that know of no later term",
        "Specified",
        "dissertation, §6.4",
        "questions",
        "config, own = self.config, MessageSeqNo(self._seqno + 1)",
        "config, own = self.config, MessageSeqNo(0)",
    ),
    one_patch(
        "leader-counted-for-sent-calls",
        "a leader counts itself for the calls that it has made, and not for the next one",
        "Specified",
        "dissertation, §6.4",
        "questions",
        "config, own = self.config, MessageSeqNo(self._seqno + 1)",
        "config, own = self.config, self._seqno",
    ),
    one_patch(
        "removed-leader-confirms",
        "a leader that is no voter counts itself among those that know of no later term",
        "Specified",
        "§6; dissertation, §6.4",
        "questions",
        "        number = answered_by_majority(config.voters, ",
        "        number = answered_by_majority(config.voters | {self._id}, ",
    ),
    one_patch(
        "answers-forgotten-in-change",
        "a leader forgets who has answered its calls when the configuration changes",
        "Specified",
        "§6",
        "role",
        "        self.quorum = Quorum(",
        "        for one in self.followers.values():\n"
        "            one.answered = Progress().answered\n"
        "        self.quorum = Quorum(",
    ),
    one_patch(
        "refusal-confirms-nothing",
        "a reply that refuses a call does not confirm that its leader leads",
        "Specified",
        "dissertation, §6.4",
        "rules",
        "        if reply.seqno > follower.answered:\n",
        "        if reply.accepted and reply.seqno > follower.answered:\n",
    ),
    one_patch(
        "late-reply-unconfirms",
        "a late reply takes back what a later one has confirmed",
        "Specified",
        "dissertation, §6.4",
        "rules",
        "        if reply.seqno > follower.answered:\n",
        "        if reply.seqno != follower.answered:\n",
    ),
    one_patch(
        "heartbeat-number-too-low",
        "a heartbeat tells the number of a call that was made before",
        "Specified",
        "dissertation, §6.4.1",
        "node",
        "        return MessageSeqNo(self._seqno + 1)\n",
        "        return self._seqno\n",
    ),
)
"""The first three are of the specification too, where the properties alone find them."""
