"""STEP properties of one server's turn, asked of symbolic turns: `spec.properties`, as it stands.

What a step passes on unread is the same object afterwards, and a property that only compares that
with itself is not asked.  The properties of a quorum take the other servers; the lemmas see to
them.
"""

from __future__ import annotations

from typing import Any, Final

from conformance.prove.induction.events import Ran
from conformance.prove.induction.unread import Head
from spec.always import Detail
from spec.cluster import Disk
from spec.properties import ACTION, CHANGE, DISK
from spec.values import Log, Restart

ASKED: Final = (
    "TermMonotonic",
    "CommitMonotonic",
    "VoteKeptInTerm",
    "LeaderAppendOnly",
    "CommittedEntriesStay",
    "NeverCommitEarlierTermDirectly",
)
"""Of CHANGE; the others are about changes of membership."""


def broken_by(ran: Ran) -> str | None:
    """The first property that a turn breaks, and how."""
    turn = ran.turn
    before, after = turn.before, ran.after
    for executed in turn.executed:
        done = executed._replace(disk=known_of(executed.disk))
        for action in ACTION.get(type(done.action), ()):
            if (detail := action.holds(done)) is not None:
                return f"{action.name}: {detail}"
    if isinstance(turn.event, Restart):
        return None
    if after.disk is not before.disk:
        for disk in DISK:
            if (detail := disk.holds(before.disk, after.disk)) is not None:
                return f"{disk.name}: {detail}"
    old, new = before.node, after.node
    if new is old:
        return None
    for change in CHANGE:
        if change.name not in ASKED:
            continue
        if change.name == "VoteKeptInTerm" and new.voted_for is old.voted_for:
            continue
        if change.name == "LeaderAppendOnly" and new.log is old.log:
            continue
        found: Detail = change.holds(old, new)
        if found is not None:
            return f"{change.name}: {found}"
    return None


def known_of(disk: Disk) -> Disk:
    """What is known of a disk: its log may go on."""
    log: Any = disk.log
    if isinstance(log, Log) and isinstance(log.entries, Head):
        return disk._replace(log=log._replace(entries=log.entries[:]))
    return disk
