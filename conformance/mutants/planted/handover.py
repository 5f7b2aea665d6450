"""Mutants of §3.10 and §6.2 of the dissertation: leadership given up, or given to another."""

from __future__ import annotations

from typing import Final

from conformance.subjects.mutant import one_patch

STEPS_DOWN = '("to step down is asked")\n        self._step_down()\n'

HANDOVER: Final = (
    one_patch(
        "vote-cleared-on-step-down",
        "a leader that its user lets step down forgets its vote",
        "VoteKeptInTerm",
        "dissertation, §6.2",
        "node",
        STEPS_DOWN,
        '("to step down is asked")\n        self._become_follower(self._current_term)\n',
    ),
    one_patch(
        "step-down-keeps-calling",
        "a leader that its user lets step down still owes the broadcast that it owed",
        "Specified",
        "dissertation, §6.2",
        "node",
        STEPS_DOWN,
        '("to step down is asked")\n'
        "        broadcast = self._pending.broadcast\n"
        "        self._step_down()\n"
        "        self._pending.broadcast = broadcast\n",
    ),
    one_patch(
        "step-down-sets-no-timer",
        "a leader that its user lets step down goes on with the timer of its heartbeats",
        "TimerSetByCause",
        "dissertation, §6.2; Figure 2, followers",
        "node",
        STEPS_DOWN,
        '("to step down is asked")\n'
        "        running = not self._pending.set_election_timeout\n"
        "        self._step_down()\n"
        "        self._pending.set_election_timeout = not running\n",
    ),
    one_patch(
        "step-down-raises-term",
        "a leader that its user lets step down goes on to the next term",
        "Specified",
        "dissertation, §6.2",
        "node",
        STEPS_DOWN,
        '("to step down is asked")\n        self._become_follower(Term(self._current_term + 1))\n',
    ),
    one_patch(
        "command-taken-in-handover",
        "a leader that hands over takes commands",
        "Specified",
        "dissertation, §3.10",
        "node",
        '("a command is asked")\n        if role.transfer is not None:\n',
        '("a command is asked")\n        if False:\n',
    ),
    one_patch(
        "change-taken-in-handover",
        "a leader that hands over takes changes of membership",
        "Specified",
        "dissertation, §3.10",
        "node",
        '("a configuration is asked")\n        if role.transfer is not None:\n',
        '("a configuration is asked")\n        if False:\n',
    ),
    one_patch(
        "handover-to-non-voter",
        "leadership is handed over to a non-voter",
        "Specified",
        "dissertation, §3.10",
        "node",
        "        if to == self._id or not self.config.is_voter(to):\n",
        "        if to == self._id or not self.config.contains(to):\n",
    ),
    one_patch(
        "handover-to-itself",
        "a leader hands over to itself",
        "Specified",
        "dissertation, §3.10",
        "node",
        "        if to == self._id or not self.config.is_voter(to):\n",
        "        if not self.config.is_voter(to):\n",
    ),
    one_patch(
        "handover-without-end",
        "a leader that was to hand over takes no proposals once that is called off",
        "Specified",
        "dissertation, §3.10",
        "node",
        "        role.transfer = None\n",
        "        role.transfer = role.transfer\n",
    ),
    one_patch(
        "handover-not-told",
        "a candidate does not say that the leader wants to be replaced",
        "Specified",
        "dissertation, §3.10",
        "rules",
        "            transfer = isinstance(role, Candidate) and role.transfer\n",
        "            transfer = False\n",
    ),
    one_patch(
        "handover-told-again",
        "a candidate still says that the leader wants to be replaced in the election after that",
        "Specified",
        "dissertation, §3.10",
        "rules",
        "        candidate = Candidate(self._id, transfer)\n",
        "        role = self._role\n"
        "        again = isinstance(role, Candidate) and role.transfer\n"
        "        candidate = Candidate(self._id, transfer or again)\n",
    ),
    one_patch(
        "late-timeout-now-obeyed",
        "a node campaigns because the leader of an earlier term wanted it to",
        "Specified",
        "dissertation, §3.10",
        "node",
        "        follows = term == self._current_term and",
        "        follows = term <= self._current_term and",
    ),
    one_patch(
        "timeout-now-obeyed-by-non-voter",
        "a non-voter campaigns if it is told to",
        "CampaignsAsElector",
        "dissertation, §3.10",
        "node",
        "        if follows and self._may_campaign():\n",
        "        if follows:\n",
    ),
    one_patch(
        "timeout-now-obeyed-by-leader",
        "a leader campaigns if it is told to",
        "Specified",
        "dissertation, §3.10",
        "node",
        "term == self._current_term and isinstance(self._role, Follower)",
        "term == self._current_term and not self.role.is_candidate",
    ),
    one_patch(
        "timeout-now-obeyed-by-candidate",
        "a candidate begins another election if it is told to",
        "Specified",
        "dissertation, §3.10",
        "node",
        "term == self._current_term and isinstance(self._role, Follower)",
        "term == self._current_term and not isinstance(self._role, Leader)",
    ),
    one_patch(
        "timeout-now-without-mark",
        "who is told to campaign does it as if its timer had run out",
        "Specified",
        "dissertation, §3.10",
        "node",
        "            self._start_election(True)\n",
        "            self._start_election()\n",
    ),
)
