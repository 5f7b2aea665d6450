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
        "            elif pending.save_current_term and pending.broadcast is None:\n",
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
        "a call that is owed is dropped for a later one, not joined with it",
        "Specified",
        "§5.3",
        "rules",
        "            earlier.entries.last_position is prev or earlier.entries.contains(prev)\n",
        "            False\n",
    ),
    one_patch(
        "commit-lost-in-merge",
        "a call that joins an owed one keeps the earlier one's commit index",
        "Specified",
        "§5.3",
        "rules",
        "            earlier.commit_index = self._commit_index\n",
        "",
    ),
    one_patch(
        "seqno-lost-in-merge",
        "a call that joins an owed one keeps the earlier one's number",
        "Specified",
        "§5.3",
        "rules",
        "            earlier.seqno = seqno\n",
        "",
    ),
    one_patch(
        "messages-kept-over-term",
        "what was to be sent in a term is sent in the next one too",
        "VotePersistedBeforeReply",
        "§5.1",
        "pending",
        "        self.broadcast = None\n        self.sends.clear()\n"
        "        self.installs.clear()\n",
        "",
    ),
    one_patch(
        "install-lost-in-merge",
        "a snapshot that is owed to a peer is dropped for a message to another",
        "Specified",
        "§7",
        "drain",
        "            elif pending.sends:\n",
        "            elif pending.sends:\n                pending.installs.clear()\n",
    ),
    one_patch(
        "timer-not-set-by-leader",
        "a call of the leader does not set a follower's timer anew",
        "TimerSetByCause",
        "§5.2",
        "rules",
        "        self._reply_to_append(call)\n        pending.set_election_timeout = True\n",
        "        self._reply_to_append(call)\n",
    ),
)
