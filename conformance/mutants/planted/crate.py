"""Patches of the library that take back D1 to D9, where it departs from the Rust crate (0.2.2)."""

from __future__ import annotations

from conformance.subjects.patched import Patch

IN_LIBRARY: dict[str, tuple[Patch, ...]] = {
    "D1": (
        Patch(
            "rules",
            "if call.last_position < self._log.last_position:",
            "if call.last_position.index < self._log.last_position.index:",
        ),
    ),
    "D2": (
        Patch(
            "rules",
            """        if isinstance(role, Follower):
            role.leader = call.sender
        else:
            self._role = Follower(call.sender)
            pending.void_calls()
""",
            """        if not isinstance(role, Follower):
            return
        if self._voted_for is None:
            self._voted_for = call.sender
            pending.save_voted_for = True
        if self._voted_for != call.sender:
            return
        role.leader = call.sender
""",
        ),
    ),
    "D3": (
        Patch(
            "rules",
            "            self._step_down()\n",
            "            self._become_follower(self._current_term)\n",
        ),
    ),
    "D4": (Patch("rules", "        self._commit_index = max(committed, position.index)\n", ""),),
    "D5": (
        Patch(
            "log",
            "        prev = snapshot\n",
            "        return Agreement(False, None, sent, commit_index)\n",
        ),
    ),
    "D9": (
        Patch(
            "log", "    if agreed < commit_index:\n        raise", "    if False:\n        raise"
        ),
        Patch(
            "log",
            "    if before is None or before.index < commit_index:\n        raise",
            """    if before is None or before.index < commit_index:
        before = log.prev_position
    if False:
        raise""",
        ),
    ),
}
"""The library with one decision taken back; D6 to D8 cost time or are seen by nobody else."""
