"""One value of each kind, and the bytes that it has in version 1, for ever."""

from __future__ import annotations

from typing import Any, Final

import raftbare as rb
from raftbare import codec
from tests.library.helpers import (
    COMMAND,
    after,
    append_call,
    append_reply,
    config,
    header,
    opening,
    position,
)

JOINT = config([1, 2, 3], [2, 3, 300], [4])
ENTRIES = rb.LogEntries.from_runs(
    position(2, 300), [(COMMAND, 250), (opening(5), 1), (rb.ConfigEntry(JOINT), 1), (COMMAND, 1)]
)
LOG = rb.Log(config([1, 2, 3]), ENTRIES)
EMPTY = rb.Log(config(), after((0, 0)))
DISK = codec.Disk(rb.Term(5), rb.NodeId(1), EMPTY)
VOTE = rb.RequestVoteCall(header(1, 5, 9), position(5, 553), True)


def checkpoint(role: rb.Role, leader: int | None) -> codec.Checkpoint:
    return codec.Checkpoint(
        role,
        rb.Term(5),
        rb.NodeId(1),
        None if leader is None else rb.NodeId(leader),
        LOG,
        rb.LogIndex(551),
        rb.MessageSeqNo(9),
        (codec.Executed(rb.SetElectionTimeout()), codec.Executed(rb.InstallSnapshot(rb.NodeId(3)))),
        DISK,
    )


def peer(
    node: int,
    match: int,
    following: int | None,
    probe: int,
    asked: int,
    probing: bool,
    answered: int,
) -> codec.Peer:
    return codec.Peer(
        rb.NodeId(node),
        rb.LogIndex(match),
        None if following is None else rb.LogIndex(following),
        rb.MessageSeqNo(probe),
        rb.MessageSeqNo(asked),
        probing,
        rb.MessageSeqNo(answered),
    )


FOLLOWER = checkpoint(rb.Role.FOLLOWER, None)
CANDIDATE = checkpoint(rb.Role.CANDIDATE, None)._replace(
    granted_votes=frozenset(map(rb.NodeId, [1, 3])), transfer=True
)
LEADER = checkpoint(rb.Role.LEADER, 1)._replace(
    peers=(peer(2, 553, None, 0, 0, False, 9), peer(3, 0, 300, 7, 1007, True, 6)),
    durable=rb.LogIndex(553),
    transfer_target=rb.NodeId(2),
)

GOLDEN: Final[dict[str, tuple[codec.Codec[Any], object, str]]] = {
    "request vote call": (codec.MESSAGE, VOTE, "11 00 01 05 09 05 a9 04 01"),
    "request vote reply": (
        codec.MESSAGE,
        rb.RequestVoteReply(header(2, 5, 9), True),
        "11 01 02 05 09 01",
    ),
    "append entries call": (
        codec.MESSAGE,
        append_call(1, 5, ENTRIES, 300, 2**64 - 1),
        "11 02 01 05 ff ff ff ff ff ff ff ff ff 01 ac 02 02 ac 02 01 fa 01 02 05 03 03 01 02 "
        "03 03 02 03 ac 02 01 04 01 01 00",
    ),
    "a heartbeat": (
        codec.MESSAGE,
        append_call(1, 5, after((5, 553)), 553, 10),
        "11 02 01 05 0a a9 04 05 a9 04 00",
    ),
    "append entries reply": (
        codec.MESSAGE,
        append_reply(2, 5, (5, 553), 10),
        "11 03 02 05 0a 05 a9 04 01",
    ),
    "a refusal": (
        codec.MESSAGE,
        append_reply(2, 5, (2, 127), 128, accepted=False),
        "11 03 02 05 80 01 02 7f 00",
    ),
    "position": (
        codec.POSITION,
        position(2**64 - 1, 2**32),
        "12 ff ff ff ff ff ff ff ff ff 01 80 80 80 80 10",
    ),
    "config": (codec.CONFIG, JOINT, "13 03 01 02 03 03 02 03 ac 02 01 04"),
    "entries": (
        codec.ENTRIES,
        ENTRIES,
        "14 02 ac 02 01 fa 01 02 05 03 03 01 02 03 03 02 03 ac 02 01 04 01 01 00",
    ),
    "log": (
        codec.LOG,
        LOG,
        "15 02 ac 02 03 01 02 03 00 00 01 fa 01 02 05 03 03 01 02 03 03 02 03 ac 02 01 04 01 01 00",
    ),
    "limits": (codec.LIMITS, rb.Limits(), "16 88 27 08 e8 07 00"),
    "other limits": (codec.LIMITS, rb.Limits(1, 2, 3, 4), "16 01 02 03 01 04"),
    "set election timeout": (codec.ACTION, codec.Executed(rb.SetElectionTimeout()), "17 00"),
    "save current term": (
        codec.ACTION,
        codec.Executed(rb.SaveCurrentTerm(), rb.Term(5)),
        "17 01 05",
    ),
    "save voted for": (
        codec.ACTION,
        codec.Executed(rb.SaveVotedFor(), voted_for=rb.NodeId(0)),
        "17 02 01 00",
    ),
    "save no vote": (codec.ACTION, codec.Executed(rb.SaveVotedFor()), "17 02 00"),
    "broadcast message": (
        codec.ACTION,
        codec.Executed(rb.BroadcastMessage(VOTE), peers=(rb.NodeId(2), rb.NodeId(3))),
        "17 03 02 02 03 00 01 05 09 05 a9 04 01",
    ),
    "append log entries": (
        codec.ACTION,
        codec.Executed(rb.AppendLogEntries(ENTRIES)),
        "17 04 02 ac 02 01 fa 01 02 05 03 03 01 02 03 03 02 03 ac 02 01 04 01 01 00",
    ),
    "send message": (
        codec.ACTION,
        codec.Executed(rb.SendMessage(rb.NodeId(2), VOTE)),
        "17 05 02 00 01 05 09 05 a9 04 01",
    ),
    "install snapshot": (
        codec.ACTION,
        codec.Executed(rb.InstallSnapshot(rb.NodeId(3))),
        "17 06 03",
    ),
    "disk": (codec.DISK, DISK, "18 05 01 01 00 00 00 00 00 00"),
    "follower": (
        codec.CHECKPOINT,
        FOLLOWER,
        "19 00 05 01 01 00 02 ac 02 03 01 02 03 00 00 01 fa 01 02 05 03 03 01 02 03 03 02 03 "
        "ac 02 01 04 01 01 00 a7 04 09 01 00 01 06 03 00 05 01 01 00 00 00 00 00 00 88 27 08 "
        "e8 07 00",
    ),
    "candidate": (
        codec.CHECKPOINT,
        CANDIDATE,
        "19 01 05 01 01 00 02 ac 02 03 01 02 03 00 00 01 fa 01 02 05 03 03 01 02 03 03 02 03 "
        "ac 02 01 04 01 01 00 a7 04 09 01 00 01 06 03 00 05 01 01 00 00 00 00 00 00 88 27 08 "
        "e8 07 00 02 01 03 01",
    ),
    "leader": (
        codec.CHECKPOINT,
        LEADER,
        "19 02 05 01 01 01 01 02 ac 02 03 01 02 03 00 00 01 fa 01 02 05 03 03 01 02 03 03 02 "
        "03 ac 02 01 04 01 01 00 a7 04 09 01 00 01 06 03 00 05 01 01 00 00 00 00 00 00 88 27 "
        "08 e8 07 00 01 02 a9 04 00 00 00 00 09 01 03 00 01 ac 02 07 ef 07 01 06 00 a9 04 01 "
        "02",
    ),
}
"""The codec, the value, its bytes."""
