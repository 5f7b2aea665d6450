"""Mutants of what a node owes: in what order it is done, and how it merges meanwhile."""

from __future__ import annotations

from typing import Final

from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

ACTIONS: Final = (
    one_patch(
        "vote-saved-before-term",
        "a vote is saved before the term that it is given in",
        "VoteOncePerTerm",
        "Figure 2, persistent state; compare hashicorp/raft #661",
        "drain",
        "            elif pending.save_current_term:\n",
        "            elif pending.save_current_term and not pending.save_voted_for:\n",
    ),
    one_patch(
        "message-before-vote",
        "a vote is told before it is saved",
        "VotePersistedBeforeReply",
        "Figure 2, persistent state",
        "drain",
        "            elif pending.save_voted_for:\n",
        "            elif pending.save_voted_for and not pending.sends:\n",
    ),
    one_patch(
        "message-before-term",
        "messages to single peers leave before their term is saved",
        "VotePersistedBeforeReply",
        "Figure 2, persistent state",
        "drain",
        "            elif pending.save_current_term:\n",
        "            elif pending.save_current_term and not pending.sends:\n",
    ),
    one_patch(
        "campaign-before-term",
        "a candidate asks for votes before its term is saved",
        "TermPersistedBeforeMessage",
        "Figure 2, persistent state",
        "drain",
        "            elif pending.save_current_term:\n",
        "            elif pending.save_current_term and not pending.broadcast:\n",
    ),
    one_patch(
        "truncation-lost-in-merge",
        "a write that begins before the one that is owed is lost",
        "WriteContinuesLog",
        "Figure 2, persistent state",
        "rules",
        "            if pending.append_after is None or base.index < "
        "pending.append_after.index:\n"
        "                pending.append_after = base\n",
        "            if pending.append_after is None:\n"
        "                pending.append_after = base\n"
        "            elif base.index < pending.append_after.index:\n"
        "                index = min(pending.append_after.index, "
        "entries.last_position.index)\n"
        "                pending.append_after = entries._position(index)\n",
    ),
    Mutant(
        "write-lost-in-merge",
        "of two owed writes only the later one is done",
        "WriteContinuesLog",
        "Figure 2, persistent state",
        (
            Patch(
                "rules",
                "            if pending.append_after is None or base.index < "
                "pending.append_after.index:\n",
                "            if True:\n",
            ),
            Patch("rules", "        if pending.append_after is None:  #", "        if True:  #"),
        ),
    ),
    one_patch(
        "vote-lost-in-merge",
        "a vote that is owed is lost when a higher term comes before the drain",
        "DiskAgreesWithMemory",
        "Figure 2, persistent state",
        "rules",
        "        self._voted_for = None\n"
        "        self._pending.owe_new_term()\n"
        "        self._pending.save_voted_for = True\n",
        "        self._voted_for = None\n"
        "        self._pending.owe_new_term()\n"
        "        self._pending.save_voted_for = not self._pending.save_voted_for\n",
    ),
    one_patch(
        "broadcast-lost-in-merge",
        "a broadcast that is owed is dropped for calls to a single follower",
        "Specified",
        "§5.3",
        "rules",
        "        self._pending.calls.add(to)\n",
        "        self._pending.calls.add(to)\n        self._pending.broadcast = False\n",
    ),
    one_patch(
        "calls-lost-in-merge",
        "calls that are owed to a follower are dropped for those to another",
        "Specified",
        "§5.3",
        "rules",
        "        self._pending.calls.add(to)\n",
        "        self._pending.calls = {to}\n",
    ),
    one_patch(
        "calls-lost-to-broadcast",
        "calls that are owed to single followers are dropped for a broadcast",
        "Specified",
        "§5.3",
        "rules",
        "            pending.broadcast = True\n",
        "            pending.broadcast = True\n            pending.calls.clear()\n",
    ),
    one_patch(
        "broadcast-before-calls",
        "a broadcast leaves before the calls that it follows on",
        "Specified",
        "§5.3",
        "drain",
        "            elif pending.calls:\n",
        "            elif pending.calls and not pending.broadcast:\n",
    ),
    one_patch(
        "removed-leader-calls",
        "a leader that steps down still owes the calls that it owed",
        "Specified",
        "§6",
        "rules",
        "        self._role = Follower()\n        self._pending.void_calls()\n"
        "        self._pending.set_election_timeout = True\n",
        "        self._role = Follower()\n        self._pending.set_election_timeout = True\n",
    ),
    one_patch(
        "beaten-candidate-asks",
        "a candidate that follows the leader of its term still asks for votes",
        "Specified",
        "§5.2",
        "rules",
        "            self._role = Follower(call.sender)\n            pending.void_calls()\n",
        "            self._role = Follower(call.sender)\n",
    ),
    one_patch(
        "removed-follower-called",
        "a follower that is removed is still owed the calls that it was owed",
        "Specified",
        "§6",
        "rules",
        "        self._pending.calls.intersection_update(role.peers)\n",
        "",
    ),
    one_patch(
        "removed-follower-answered",
        "a follower whose own reply commits its removal is sent more",
        "Specified",
        "§6",
        "rules",
        "            if self._role is not role or reply.sender not in role.followers:\n",
        "            if self._role is not role:\n",
    ),
    one_patch(
        "drain-without-end",
        "to find that nothing is owed does not end a drain",
        "Specified",
        "§5.3; this library, until a loop of its user's asked so",
        "drain",
        "        while self._node._pending.is_empty():\n"
        "            if not self._end():\n"
        "                return False\n"
        "        return True\n",
        "        return not self._node._pending.is_empty()\n",
    ),
    one_patch(
        "messages-kept-over-term",
        "what was to be sent in a term is sent in the next one too",
        "VotePersistedBeforeReply",
        "§5.1",
        "pending",
        "        self.void_calls()\n        self.sends.clear()\n",
        "",
    ),
    one_patch(
        "timer-not-set-by-leader",
        "a call of the leader does not set a follower's timer anew",
        "TimerSetByCause",
        "§5.2",
        "rules",
        "        self._reply_to_append(call, call.seqno, accepted)\n"
        "        pending.set_election_timeout = True\n",
        "        self._reply_to_append(call, call.seqno, accepted)\n",
    ),
)
