"""The parts of the driver, one by one: bytes, disk, replica, state machine."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.kvstore.driver.kit.disks import check_storage
from examples.kvstore.driver.kit.journal import Journal
from examples.kvstore.driver.letters import (
    LETTERS,
    AddMember,
    Carried,
    Chunk,
    Done,
    Enrolled,
    Execute,
    Executed,
    Hello,
    Letter,
    Member,
    NotLeader,
    Offer,
    Opened,
    PreVote,
    PreVoteAnswer,
    Refused,
)
from examples.kvstore.driver.packing import NUMBER, UnreadableError, pack
from examples.kvstore.driver.replica import SESSIONS, Replica, SessionLostError
from examples.kvstore.driver.storage import Identity, Snapshot, SQLiteStorage, StorageError
from examples.kvstore.machine import KeyValue, packed
from raftbare import (
    AppendEntriesCall,
    ClusterConfig,
    CommandEntry,
    LogEntries,
    LogIndex,
    LogPosition,
    MessageHeader,
    MessageSeqNo,
    NodeId,
    RequestVoteCall,
    Term,
)

MEMBER = Member(NodeId(1), "node-1", "127.0.0.1:1", "disk")
IDENTITY = Identity("cluster", MEMBER, (MEMBER,))
POSITION = LogPosition(Term(2), LogIndex(7))
HEADER = MessageHeader(NodeId(1), Term(2), MessageSeqNo(3))
CALL = AppendEntriesCall(HEADER, LogIndex(5), LogEntries(POSITION, [CommandEntry()] * 2))

WRITTEN: list[Letter] = [
    Hello("cluster", MEMBER, NodeId(2)),
    Carried(CALL, (b"", b"two")),
    PreVote(2**63 - 1, RequestVoteCall(HEADER, POSITION)),
    PreVoteAnswer(1, True, Term(9)),
    Offer(Term(2), POSITION, ClusterConfig([NodeId(1)]), 10, b"digest"),
    Chunk(POSITION, 3, b"data"),
    Execute(1, 2, 3, b"command"),
    AddMember(1, MEMBER),
    Done(1, b"\0"),
    NotLeader(1, ""),
    Refused(1, "weil \N{SNOWMAN}", False),
]


# Bytes


@pytest.mark.parametrize("letter", WRITTEN, ids=lambda letter: type(letter).__name__)
def test_a_letter_is_read_as_it_was_written_and_nothing_else_is(letter: Letter) -> None:
    data = pack(letter)
    assert LETTERS.decode(data) == letter
    for other in (data + b"\0", *(data[:length] for length in range(len(data)))):
        with pytest.raises(UnreadableError):
            LETTERS.decode(other)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_letter_or_unreadable(data: bytes) -> None:
    try:
        letter = LETTERS.decode(data)
    except UnreadableError:
        return
    assert LETTERS.decode(pack(letter)) == letter


@given(st.sampled_from(WRITTEN), st.randoms(use_true_random=False))
def test_a_damaged_letter_is_another_one_or_unreadable(
    letter: Letter, chance: random.Random
) -> None:
    data = bytearray(pack(letter))
    for _ in range(chance.randint(1, 3)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    try:
        read = LETTERS.decode(bytes(data))
    except UnreadableError:
        return
    assert LETTERS.decode(pack(read)) == read


def test_a_count_that_is_not_there_costs_nothing() -> None:
    claims = pack(Carried(CALL, ()))[:-1] + b"\xdd\xff\xff\xff\xff"  # an array of 2^32 - 1
    tracemalloc.start()
    with pytest.raises(UnreadableError):
        LETTERS.decode(claims)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000


def test_a_call_is_whole_with_as_many_contents_as_commands() -> None:
    assert Carried(CALL, (b"", b"two")).is_whole
    assert not Carried(CALL, (b"",)).is_whole
    assert not Carried(RequestVoteCall(HEADER, POSITION), (b"",)).is_whole


# The disk


def test_a_file_holds_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "data"
    SQLiteStorage.create(path, IDENTITY).close()
    check_storage(lambda: SQLiteStorage(path), seed=1, steps=150)


def test_a_torn_last_write_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    """The file as a crash of the machine leaves it: the write-ahead log ends anywhere in the last
    transaction, which nobody was told of.
    """
    path = tmp_path / "data"
    storage = SQLiteStorage.create(path, IDENTITY)
    entries = LogEntries(LogPosition.ZERO, [CommandEntry()])
    at = entries.last_position
    storage.append(entries, {at: b"kept"})
    log = tmp_path / "data-wal"
    whole = log.stat().st_size
    storage.append(entries, {at: b"lost" * 5000})
    for cut in random.Random(1).sample(range(whole, log.stat().st_size - 1), 20):
        torn = tmp_path / f"torn-{cut}"
        shutil.copy(path, torn)
        (tmp_path / f"torn-{cut}-wal").write_bytes(log.read_bytes()[:cut])
        opened = SQLiteStorage(torn)
        assert opened.load().contents == {at: b"kept"}
        opened.close()
    storage.close()


def test_a_snapshot_is_read_in_parts(tmp_path: Path) -> None:
    storage = SQLiteStorage.create(tmp_path / "data", IDENTITY)
    storage.save_snapshot(Snapshot(POSITION, ClusterConfig(), bytes(range(256)) * 100))
    assert storage.read_snapshot(256, 3) == b"\0\1\2"
    assert storage.read_snapshot(25_599, 100) == b"\xff"
    storage.close()


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="another name"):
        SQLiteStorage(tmp_path / "none")
    (tmp_path / "text").write_text("text " * 500)
    with pytest.raises(StorageError, match="not the data of a server"):
        SQLiteStorage(tmp_path / "text")
    sqlite3.connect(tmp_path / "empty").execute("CREATE TABLE other (a)").connection.close()
    with pytest.raises(StorageError, match="not the data of a server"):
        SQLiteStorage(tmp_path / "empty")
    SQLiteStorage.create(tmp_path / "data", IDENTITY).close()
    with pytest.raises(StorageError, match="already"):
        SQLiteStorage.create(tmp_path / "data", IDENTITY)


def test_a_disk_serves_one_process(tmp_path: Path) -> None:
    first = SQLiteStorage.create(tmp_path / "data", IDENTITY)
    first.save_term(Term(1))
    with pytest.raises(StorageError, match="locked"):
        SQLiteStorage(tmp_path / "data")
    first.close()


# What all servers hold alike


def replica() -> Replica:
    return Replica(Journal(), (MEMBER,))


def run(to: Replica, index: int, session: int, number: int, command: bytes) -> bytes:
    return to.apply(LogIndex(index), pack(Executed(session, number, command)))


def test_a_command_is_applied_once_also_after_a_snapshot() -> None:
    first, second = replica(), replica()
    assert first.apply(LogIndex(1), pack(Opened())) == NUMBER.pack(1)
    assert run(first, 2, 1, 1, b"a") == b"1"
    assert run(first, 3, 1, 1, b"a") == b"1"
    second.restore(first.snapshot())
    assert second.digest == first.digest
    for one in (first, second):
        assert run(one, 4, 1, 1, b"a") == b"1"
        assert run(one, 5, 1, 2, b"b") == b"2"
        with pytest.raises(SessionLostError, match="command 2 already"):
            run(one, 6, 1, 1, b"a")
        assert one.machine.query(b"") == b'["a", "b"]'
    assert second.digest == first.digest
    assert second.snapshot() == first.snapshot()


def test_the_session_that_was_used_longest_ago_goes_first() -> None:
    one = replica()
    for index in range(1, SESSIONS + 1):
        one.apply(LogIndex(index), pack(Opened()))
    run(one, SESSIONS + 1, 1, 1, b"a")
    one.apply(LogIndex(SESSIONS + 2), pack(Opened()))
    assert run(one, SESSIONS + 3, 1, 2, b"b") == b"2"
    with pytest.raises(SessionLostError, match="session 2 is unknown"):
        run(one, SESSIONS + 4, 2, 1, b"c")


def test_a_name_is_given_once() -> None:
    one = replica()
    for disk in ("first", "second"):
        member = Member(NodeId(2), "node-2", "address", disk)
        one.apply(LogIndex(1), pack(Enrolled(member)))
    assert one.members[NodeId(2)].disk == "first"
    assert one.members[NodeId(1)] == MEMBER


# The key-value store


def test_the_store_does_what_it_is_told() -> None:
    store = KeyValue()
    assert store.apply(packed(op="put", key="k", value="1")) == packed(done=True)
    assert store.query(packed(op="get", key="k")) == packed(value="1")
    assert store.apply(packed(op="cas", key="k", old="2", new="3")) == packed(done=False, value="1")
    assert store.apply(packed(op="cas", key="k", old="1", new="3")) == packed(done=True, value="1")
    assert store.apply(packed(op="cas", key="new", old=None, new="n")) == packed(
        done=True, value=None
    )
    assert store.query(packed(op="keys", after="k", most=9)) == packed(keys=["new"])
    copy = KeyValue()
    copy.restore(store.snapshot())
    assert copy.query(packed(op="get", key="k")) == packed(value="3")
    assert store.apply(packed(op="delete", key="k")) == packed(done=True)
    assert store.apply(packed(op="delete", key="k")) == packed(done=False)
    assert store.query(packed(op="get", key="k")) == packed(value=None)


@pytest.mark.parametrize("bad", [b"", b"\xff", b"[" * 100_000, b"{}", b'{"op":"put","key":1}'])
def test_a_bad_command_is_answered_and_changes_nothing(bad: bytes) -> None:
    store = KeyValue()
    before = store.snapshot()
    assert b"error" in store.apply(bad)
    assert b"error" in store.query(bad)
    assert store.snapshot() == before
