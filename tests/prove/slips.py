"""Mutants of the library alone, which the proof of equivalence has to refute.

Each with how the names of the obligations begin that refute it.
"""

from __future__ import annotations

from typing import Final

from conformance.mutants.planted.catalogue import by_name
from conformance.subjects.mutant import Mutant
from conformance.subjects.patched import Patch


def _slip(
    name: str, what: str, file: str, old: str, new: str, refuted_by: str
) -> tuple[Mutant, str]:
    return Mutant(name, what, in_library=(Patch(file, old, new),)), refuted_by


CATALOGUED: Final = {
    "index-only-vote": "vote call/",
    "removed-leader-forgets-vote": "append reply/leader in voters 12",
    "vote-told-to-all": "vote call/",
    "stale-vote-reply": "vote reply/",
    "earlier-term-commit": "append reply/leader of 2/log of 2",
    "commit-past-verified": "append call/",
    "truncation-on-stale-append": "append call/",
    "vote-quorum-of-half": "election timeout/",
    "commit-quorum-of-half": "append reply/",
    "reply-before-write": "drain/",
    "lagging-follower-left": "append reply/follower behind/log of 0",
    "catch-up-stops": "append reply/follower behind/log of 0",
    "every-reply-answered": "append reply/follower behind/log of 1",
    "next-index-not-moved-back": "append reply/follower behind/log of 0",
    "next-index-too-high": "append reply/follower behind/log of 1",
    "next-index-skips": "append reply/follower behind/log of 2",
    "next-index-forgotten": "append reply/follower behind/log of 2",
    "next-index-behind-match": "append reply/follower behind/log of 0",
    "last-entry-not-sent": "append reply/follower behind/log of 1",
    "probe-not-numbered": "append reply/follower behind/log of 0",
    "rest-not-numbered": "drain/broadcast/log of 2",
    "probe-refusal-dropped": "append reply/follower behind/log of 0",
    "stale-refusal": "append reply/follower behind/log of 0",
    "lone-voter-leads-at-once": "election timeout/",
    "broadcast-not-numbered": "drain/anything owed",
    "broadcast-begins-late": "drain/anything owed",
    "broadcast-loses-rest": "drain/broadcast/log of 2",
    "rest-sent-to-all": "drain/broadcast/log of 2",
    "call-leaves-gap": "append reply/follower behind/log of 2",
    "call-without-limit": "append reply/follower behind/log of 2",
    "window-ignored": "append reply/follower behind/log of 1",
    "window-one-too-small": "append reply/follower behind/log of 1",
    "proposals-without-limit": "command/uncommitted",
    "snapshot-asked-by-each-refusal": "append reply/leader of 2/log of 0",
    "snapshot-asked-too-late": "append reply/leader of 2/log of 0",
    "calls-lost-to-broadcast": "command/anything owed",
    "removed-leader-calls": "append reply/leader in voters 12",
    "removed-follower-called": "configuration/calls owed",
    "snapshot-lowers-commit": "snapshot/",
}
"""Bugs that Raft implementations had, and decisions taken back."""

SLIPS: Final = (
    *((by_name(name), refuted_by) for name, refuted_by in CATALOGUED.items()),
    _slip(
        "only-voter-never-leads",
        "the vote of an only voter does not elect it",
        "drain",
        "return isinstance(role, Candidate) and node._vote_saved(role)",
        "return False",
        "drain/candidate",
    ),
    _slip(
        "prefix-unchecked",
        "a call is taken to agree with the snapshot whatever it says there",
        "log",
        "        if sent.last_position.index >= snapshot.index and "
        "sent._term(snapshot.index) != (\n            snapshot.term\n        ):\n",
        "        if False:\n",
        "append call/",
    ),
    _slip(
        "conflict-at-commit",
        "a conflict just after the committed entries is taken for one with them",
        "log",
        "    if before is None or before.index < commit_index:\n",
        "    if before is None or before.index <= commit_index:\n",
        "append call/",
    ),
    _slip(
        "call-up-to-snapshot",
        "a call that ends at the snapshot is not compared with it",
        "log",
        "        if sent.last_position.index >= snapshot.index and",
        "        if sent.last_position.index > snapshot.index and",
        "append call/",
    ),
    _slip(
        "probe-too-high",
        "a conflict keeps the entry that the leader has another one for",
        "log",
        "LogIndex(prev.index - 1)",
        "prev.index",
        "append call/",
    ),
    _slip(
        "match-falls",
        "a late reply takes back what a follower was known to hold",
        "rules",
        "matches and follower.match_index < theirs.index:",
        "matches:",
        "append reply/",
    ),
    _slip(
        "leaving-too-early",
        "who was removed may campaign even once that is committed",
        "rules",
        "            if index <= self._commit_index:\n                return False\n",
        "            if index < self._commit_index:\n                return False\n",
        "election timeout/",
    ),
    _slip(
        "config-too-late",
        "a configuration is acted on only when what follows it is committed",
        "rules",
        "        if index < log.latest_config_index:\n",
        "        if index <= log.latest_config_index:\n",
        "append reply/leader in voters 12",
    ),
    _slip(
        "snapshot-at-commit",
        "a snapshot that contradicts the last committed entry is installed",
        "rules",
        "        elif position.index <= committed:\n",
        "        elif position.index < committed:\n",
        "snapshot/",
    ),
    _slip(
        "write-after-snapshot",
        "an owed write stays where it was in a log that the snapshot replaced",
        "pending",
        "        if after is not None and not log.entries.contains(after):\n",
        "        if after is not None and after.index < snapshot.index:\n",
        "snapshot/owed write",
    ),
    _slip(
        "next-in-snapshot",
        "a follower whose next entry is the snapshot's last one is sent what follows that",
        "rules",
        "            if progress.next_index <= entries.prev_position.index:\n",
        "            if progress.next_index < entries.prev_position.index:\n",
        "drain/calls/log of 0",
    ),
    _slip(
        "out-of-order",
        "how far a voter holds the log now stands where it stood before, not in order",
        "quorum",
        "            del held[bisect_left(held, before)]\n            insort(held, now)\n",
        "            held[bisect_left(held, before)] = now\n",
        "append reply/leader in",
    ),
    _slip(
        "refusal-of-its-term",
        "a vote is refused in the term that it was asked in",
        "rules",
        "MessageHeader(self._id, self._current_term, call.seqno)",
        "MessageHeader(self._id, call.term, call.seqno)",
        "vote call/",
    ),
)
"""These and slips of a character or a line, some of which no test of the usual cases would show."""
