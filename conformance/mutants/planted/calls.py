"""Mutants of §5.3: what a leader sends a follower next (nextIndex), and how much of it."""

from __future__ import annotations

from typing import Final

from conformance.subjects.mutant import Mutant, one_patch
from conformance.subjects.patched import Patch

CALLS: Final = (
    one_patch(
        "lagging-follower-left",
        "a follower that refuses a call is sent nothing more",
        "Eventually",
        "§5.3",
        "rules",
        "            self._handle_refusal(follower, reply, shared)\n",
        "            pass\n",
    ),
    one_patch(
        "catch-up-stops",
        "a follower that was sent the first of what it lacks is not sent the rest",
        "Specified",
        "§5.3",
        "rules",
        "        elif follower.next_index is not None:\n",
        "        elif False:\n",
    ),
    one_patch(
        "every-reply-answered",
        "a reply that does not end where the log ends is answered with all that follows it",
        "Specified",
        "etcd-io/etcd #1731; this library, until delay was simulated",
        "rules",
        "        elif follower.next_index is not None:\n"
        "            self._send_more(follower, reply.sender, follower.next_index)\n",
        "        else:\n"
        "            self._send_more(follower, reply.sender, LogIndex(follower.match_index + 1))\n",
    ),
    one_patch(
        "next-index-not-moved-back",
        "a refusal leaves the next index where it is",
        "Eventually",
        "Figure 2, Rules for Servers, leaders",
        "rules",
        "            next_index = LogIndex(shared.index + 1)\n",
        "            next_index = LogIndex(self._log.last_position.index + 1)\n"
        "            if follower.next_index is not None:\n"
        "                next_index = follower.next_index\n",
    ),
    one_patch(
        "next-index-too-high",
        "after a refusal the first entry that the follower lacks is left out",
        "Eventually",
        "Figure 2, Rules for Servers, leaders",
        "rules",
        "            next_index = LogIndex(shared.index + 1)\n",
        "            next_index = LogIndex(shared.index + 2)\n",
    ),
    one_patch(
        "next-index-skips",
        "between two calls to a follower one entry is left out",
        "Specified",
        "Figure 2, nextIndex",
        "rules",
        "        progress.next_index = LogIndex(end + 1) if end < last.index else None\n",
        "        progress.next_index = LogIndex(end + 2) if end + 1 < last.index else None\n",
    ),
    one_patch(
        "next-index-forgotten",
        "a follower that was sent as much as a call may carry is taken to have been sent all",
        "Specified",
        "Figure 2, nextIndex",
        "rules",
        "        progress.next_index = LogIndex(end + 1) if end < last.index else None\n",
        "        progress.next_index = None\n",
    ),
    one_patch(
        "next-index-behind-match",
        "a follower is sent once more what it is known to hold",
        "Specified",
        "Figure 2, matchIndex",
        "rules",
        "        if next_index <= match:\n            next_index = LogIndex(match + 1)\n",
        "",
    ),
    one_patch(
        "last-entry-not-sent",
        "a follower that lacks one entry is taken to have been sent it",
        "Specified",
        "§5.3",
        "rules",
        "        if next_index > entries.last_position.index:\n",
        "        if next_index >= entries.last_position.index:\n",
    ),
    one_patch(
        "probe-not-numbered",
        "calls to a single follower have no number of their own",
        "Specified",
        "§5.3",
        "rules",
        "        self._seqno = follower.probe = MessageSeqNo(self._seqno + 1)\n",
        "        self._seqno = MessageSeqNo(self._seqno + 1)\n",
    ),
    one_patch(
        "rest-not-numbered",
        "the calls that follow a broadcast have not its number",
        "Specified",
        "§5.3",
        "rules",
        "                    progress.probe = self._seqno\n",
        "",
    ),
    one_patch(
        "probe-refusal-dropped",
        "that a follower refuses the latest call to it alone is taken for no news",
        "Specified",
        "§5.3",
        "rules",
        "            if reply.seqno < follower.probe:\n",
        "            if reply.seqno <= follower.probe:\n",
    ),
    one_patch(
        "stale-refusal",
        "a refusal is heeded though the follower was sent what it lacks since",
        "Specified",
        "etcd-io/etcd #1207",
        "rules",
        "            if reply.seqno < follower.probe:\n                return\n",
        "",
    ),
    one_patch(
        "broadcast-not-numbered",
        "a broadcast has the number of the one before it",
        "Eventually",
        "this library, whose replies to number 0 are heeded by nobody",
        "rules",
        "        self._seqno = MessageSeqNo(self._seqno + 1)\n        if not isinstance(role",
        "        if not isinstance(role",
    ),
    one_patch(
        "broadcast-begins-late",
        "a broadcast begins after the first entry of what is to be written",
        "Specified",
        "§5.3",
        "rules",
        "        call = self._append_call(last if prev is None else prev, self._seqno)\n",
        "        if prev is not None:\n"
        "            prev = self._log.entries._position(LogIndex(prev.index + 1))\n"
        "        call = self._append_call(last if prev is None else prev, self._seqno)\n",
    ),
    one_patch(
        "broadcast-loses-rest",
        "what a broadcast may not carry is not sent after it",
        "Specified",
        "§5.3",
        "rules",
        "        if end < last.index:\n",
        "        if False:\n",
    ),
    one_patch(
        "rest-sent-to-all",
        "what a broadcast may not carry follows it to those too that wait for earlier entries",
        "Specified",
        "§5.3",
        "rules",
        "                if progress.next_index is None:\n",
        "                if True:\n",
    ),
    one_patch(
        "call-leaves-gap",
        "of more entries than a call may carry the last ones are sent, as if they were the first",
        "LogMatching",
        "§5.3",
        "rules",
        "            entries._truncate_to(entries._position(most))\n",
        "            kept = LogIndex(entries.last_position.index - self._limits.entries)\n"
        "            later = entries._after(entries._position(kept))\n"
        "            entries._truncate_to(prev)\n"
        "            for entry in later:\n"
        "                entries.push(entry)\n",
    ),
    one_patch(
        "call-without-limit",
        "a call carries all that the follower lacks",
        "Specified",
        "etcd-io/etcd #2544; this library, until delay was simulated",
        "rules",
        "        if most < entries.last_position.index:\n",
        "        if False:\n",
    ),
    Mutant(
        "window-ignored",
        "a follower that catches up is sent all calls at once",
        "Specified",
        "etcd-io/raft #130",
        (
            Patch(
                "rules",
                "None or end - progress.match_index >= limits.in_flight:\n",
                "None:\n",
            ),
            Patch(
                "rules",
                "        if next_index - 1 - match < self._limits.in_flight:\n",
                "        if True:\n",
            ),
        ),
    ),
    one_patch(
        "window-one-too-small",
        "a full window of calls is held back until one of them is answered",
        "Specified",
        "§5.3",
        "rules",
        "        if next_index - 1 - match < self._limits.in_flight:\n",
        "        if next_index - match < self._limits.in_flight:\n",
    ),
    one_patch(
        "proposals-without-limit",
        "commands are accepted beyond what the user allows to be uncommitted",
        "Specified",
        "the limit that the user sets",
        "node",
        "        if most is not None and prev.index - self._commit_index >= most:\n",
        "        if False:\n",
    ),
)
