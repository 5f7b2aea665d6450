"""A peer that sends anything at all, over loopback.  No verdict hangs on the clock.

`python -m tests.kvstore.test_hostile FRAMES` does it for as many frames as one likes.
"""

from __future__ import annotations

import socket
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from examples.kvstore.driver.letters import (
    LETTERS,
    Carried,
    Chunk,
    Hello,
    Letter,
    Member,
    Offer,
    PreVote,
    PreVoteAnswer,
    TimeoutNow,
    Wanted,
)
from examples.kvstore.driver.packing import MOST, UnreadableError, pack
from examples.kvstore.driver.replica import Replica
from examples.kvstore.driver.server import Server
from examples.kvstore.driver.storage import Identity, Snapshot, SQLiteStorage
from examples.kvstore.driver.transport import framed, split_address
from examples.kvstore.machine import KeyValue
from raftbare import (
    AppendEntriesCall,
    AppendEntriesReply,
    ClusterConfig,
    CommandEntry,
    ConfigEntry,
    InvariantError,
    LogEntries,
    LogIndex,
    LogPosition,
    MessageHeader,
    MessageSeqNo,
    NodeId,
    RequestVoteCall,
    RequestVoteReply,
    Term,
    TermEntry,
)
from tests.kvstore.serving import PATIENCE, exposed, members, serve_while

ME, PEER = NodeId(1), Member(NodeId(2), "node-2", "127.0.0.1:1", "its disk")


def position(term: int, index: int) -> LogPosition:
    return LogPosition(Term(term), LogIndex(index))


def letters(term: int) -> list[Letter]:
    """One of each kind that a peer sends, well formed."""
    header = MessageHeader(PEER.id, Term(term), MessageSeqNo(3))
    entries = LogEntries(position(1, 2), [TermEntry(Term(term)), CommandEntry()])
    return [
        Carried(RequestVoteCall(header, position(1, 2))),
        Carried(RequestVoteReply(header, True)),
        Carried(AppendEntriesReply(header, position(1, 2), True)),
        Carried(AppendEntriesCall(header, LogIndex(1), entries), (b"content",)),
        PreVote(1, RequestVoteCall(header, position(1, 2))),
        PreVoteAnswer(1, True, Term(term)),
        TimeoutNow(Term(term)),
        Offer(Term(term), position(1, 3), ClusterConfig([ME]), 10, b"d" * 32),
        Wanted(position(1, 2), 0, 100),
        Chunk(position(1, 3), 0, b"0123456789"),
    ]


def fuzzed(chance: Random, term: int) -> bytes:
    frame = bytearray(framed(chance.choice(letters(term))))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        frame[chance.randrange(4, len(frame))] = chance.randrange(256)
    return bytes(frame)


def attack(me: Member, seed: int, frames: int) -> Counter[str]:
    """Send so many frames, on a new connection whenever one is closed."""
    chance, count, term = Random(seed), Counter[str](), 2
    connection: socket.socket | None = None
    hello = framed(Hello("ours", PEER, ME))
    for _ in range(frames):
        if connection is None:
            connection = socket.create_connection(split_address(me.address), PATIENCE)
            connection.sendall(hello)
            count["connections"] += 1
        frame = fuzzed(chance, term)
        term += chance.randrange(3) == 0
        try:
            connection.sendall(frame)
            count["sent"] += 1
            if chance.randrange(4) == 0:
                connection.settimeout(0.0005)
                with suppress(TimeoutError):
                    assert connection.recv(1) == b""
                    raise ConnectionError
                connection.settimeout(PATIENCE)
        except ConnectionError:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return count


def under_attack(path: Path, seed: int, frames: int) -> Counter[str]:
    count = Counter[str]()
    exposed(path, lambda me: count.update(attack(me, seed, frames)))
    return count


def test_no_frame_of_a_stranger_stops_a_server(tmp_path: Path) -> None:
    count = under_attack(tmp_path, 1, 400)
    assert count["sent"] > 300
    assert count["connections"] > 20, "some frames were refused"


def test_a_contradiction_stops_a_server_if_it_comes_of_a_member_alone(tmp_path: Path) -> None:
    """A stranger proves nothing by it; between members a guarantee is broken."""
    conflict = Carried(
        AppendEntriesCall(
            MessageHeader(PEER.id, Term(9), MessageSeqNo(1)),
            LogIndex(0),
            LogEntries(position(0, 0), [TermEntry(Term(9))]),
        )
    )

    def sent_by_peer(path: Path, voters: list[NodeId]) -> None:
        (me,) = members(1)
        path.mkdir()
        storage = SQLiteStorage.create(path / "data", Identity("ours", me, ()))
        config = ClusterConfig(voters)
        storage.append(
            LogEntries(position(0, 0), [ConfigEntry(config), CommandEntry()]), {position(0, 2): b""}
        )
        storage.save_snapshot(Snapshot(position(0, 1), config, Replica(KeyValue(), ()).snapshot()))

        def use() -> None:
            with socket.create_connection(split_address(me.address), PATIENCE) as connection:
                connection.sendall(framed(Hello("ours", PEER, ME)) + framed(conflict))
                with suppress(ConnectionError):
                    assert connection.recv(1) == b"", "closed in both cases"

        try:
            serve_while([Server(storage.identity, storage, KeyValue())], use)
        finally:
            storage.close()

    sent_by_peer(tmp_path / "stranger", [ME, NodeId(3)])
    with pytest.raises(InvariantError):
        sent_by_peer(tmp_path / "member", [ME, PEER.id])


def letters_with(number: int) -> list[Letter]:
    """In each place whose number a server may come to save."""
    usual = MessageHeader(PEER.id, Term(1), MessageSeqNo(1))
    entries = LogEntries(position(1, number - 1), [CommandEntry()])
    return [
        TimeoutNow(Term(number)),
        PreVoteAnswer(1, True, Term(number)),
        Carried(RequestVoteReply(MessageHeader(PEER.id, Term(number), MessageSeqNo(1)), True)),
        Carried(RequestVoteReply(MessageHeader(NodeId(number), Term(1), MessageSeqNo(1)), True)),
        Carried(AppendEntriesCall(usual, LogIndex(0), entries)),
        Offer(Term(1), position(number, 1), ClusterConfig([ME]), 1, b""),
    ]


def test_numbers_that_no_disk_takes_are_no_letters() -> None:
    for letter in letters_with(MOST):
        assert LETTERS.decode(pack(letter)) == letter
    for letter in letters_with(MOST + 1):
        with pytest.raises(UnreadableError, match=str(MOST)):
            LETTERS.decode(pack(letter))


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        print(under_attack(Path(folder), int(sys.argv[2]), int(sys.argv[1])))
