"""Ways to get linearizable reads wrong, as patches of the library.

Each names a text that occurs once.  All but the last two are found in reads of a storm.
"""

from __future__ import annotations

from typing import Final

from conformance.subjects.patched import Patch

LATE_REPLY = """\
        if not isinstance(role, Leader) or reply.term < self._current_term or reply.seqno == 0:
"""
COUNTED_ANYWAY = """\
        if isinstance(role, Leader) and reply.sender in role.followers:
            one = role.followers[reply.sender]
            one.answered = max(one.answered, reply.seqno)
"""
BY_VOTERS = "number = answered_by_majority(config.voters, role.followers, own)"
BY_ANYBODY = (
    "number = sorted([own, *[one.answered for one in role.followers.values()]])"
    "[-1 - len(config.voters) // 2]"
)
BY_BOTH = "number = min(number, answered_by_majority(config.new_voters, role.followers, own))"
BY_NEW = "number = answered_by_majority(config.new_voters, role.followers, own)"

READ_BUGS: Final = {
    "a reply of an earlier term confirms": Patch("rules", LATE_REPLY, COUNTED_ANYWAY + LATE_REPLY),
    "a number of an earlier life confirms": Patch(
        "rules",
        "self._reply_to_append(call, MessageSeqNo(0), False)",
        "self._reply_to_append(call, call.seqno, False)",
    ),
    "a non-voter's reply confirms": Patch("questions", BY_VOTERS, BY_ANYBODY),
    "the new voters of a joint configuration confirm": Patch("questions", BY_BOTH, BY_NEW),
    "a read without an entry of the own term": Patch(
        "questions",
        "if self._log.entries._term(self._commit_index) != self._current_term:\n"
        "            return None\n        return ReadIndex",
        "if False:\n            return None\n        return ReadIndex",
    ),
    "the number of a call that was made already": Patch(
        "questions",
        "ReadIndex(self._current_term, MessageSeqNo(self._seqno + 1)",
        "ReadIndex(self._current_term, MessageSeqNo(self._seqno)",
    ),
}
