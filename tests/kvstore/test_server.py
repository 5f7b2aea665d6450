"""Servers on real disks and sockets, over loopback.  No verdict hangs on the clock."""

from __future__ import annotations

import json
import random
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from conformance.audit.run import audit
from examples.kvstore import load
from examples.kvstore.app import app
from examples.kvstore.client import AnsweredNoError, Client, NoAnswerError
from examples.kvstore.driver.context import Settings
from examples.kvstore.driver.letters import (
    Carried,
    ClientHello,
    Done,
    Execute,
    Hello,
    Letter,
    Member,
    OpenSession,
    PreVote,
    Query,
    TakeSnapshot,
    TimeoutNow,
)
from examples.kvstore.driver.packing import LENGTH
from examples.kvstore.driver.transport import HELLO as HELLO_SIZE
from examples.kvstore.driver.transport import Frames, RefusedError, framed, split_address
from examples.kvstore.folder import ClusterFolder, FolderError, Process
from raftbare import (
    AppendEntriesCall,
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
from tests.kvstore.serving import PATIENCE, exposed

ONE = NodeId(1)
TWO = Member(NodeId(2), "node-2", "127.0.0.1:1", "its disk")


# One server in this process, and who comes to it


def is_closed_after(address: str, data: bytes) -> bool:
    """Whether the server closes the connection on which it gets this; waits until it does."""
    with socket.create_connection(split_address(address), PATIENCE) as connection:
        try:
            connection.sendall(data)
            while connection.recv(65536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
    return True


HEADER = MessageHeader(TWO.id, Term(10**6), MessageSeqNo(1))
VOTE = RequestVoteCall(HEADER, LogPosition(Term(10**6), LogIndex(10**6)))
OTHERS = RequestVoteCall(MessageHeader(NodeId(3), Term(1), MessageSeqNo(1)), LogPosition.ZERO)
LACKING = AppendEntriesCall(HEADER, LogIndex(0), LogEntries(LogPosition.ZERO, [CommandEntry()]))
HELLO = Hello("ours", TWO, ONE)
SENT: list[Letter] = [ClientHello("ours"), OpenSession(1), Query(2, b"q"), HELLO]


@pytest.mark.parametrize(
    "letters",
    [
        [Carried(VOTE)],
        [Query(1, b"")],
        [ClientHello("theirs")],
        [replace(HELLO, cluster="theirs")],
        [replace(HELLO, to=NodeId(3))],
        [replace(HELLO, sender=replace(TWO, id=ONE))],  # who has another disk
        [HELLO, Query(1, b"")],
        [HELLO, HELLO],
        [HELLO, Carried(OTHERS)],
        [HELLO, PreVote(1, OTHERS)],
        [HELLO, Carried(LACKING)],
        [ClientHello("ours"), Carried(VOTE)],
        [ClientHello("ours"), TimeoutNow(Term(1))],
        [ClientHello("ours"), Done(1, b"")],
    ],
    ids=lambda letters: " ".join(type(letter).__name__ for letter in letters),
)
def test_who_sends_what_is_not_his_to_send_loses_his_connection(
    tmp_path: Path, letters: list[Letter]
) -> None:
    def attack(me: Member) -> None:
        assert is_closed_after(me.address, b"".join([framed(one) for one in letters]))

    exposed(tmp_path, attack)


def test_frames_that_are_too_large_or_malformed_cost_their_connection_alone(
    tmp_path: Path,
) -> None:
    chance = random.Random(1)
    hello = framed(ClientHello("ours"))
    good = framed(Execute(1, 1, 1, b"x" * 50))

    def attack(me: Member) -> None:
        assert is_closed_after(me.address, LENGTH.pack(HELLO_SIZE + 1))
        assert is_closed_after(me.address, hello + LENGTH.pack(Settings().frame + 1))
        assert is_closed_after(me.address, b"\xff" * 1000)
        assert is_closed_after(me.address, LENGTH.pack(0))
        for _ in range(100):
            broken = bytearray(good)
            broken[4] = chance.choice([byte for byte in range(256) if byte != good[4]])
            assert is_closed_after(me.address, hello + bytes(broken))
        for _ in range(100):  # and those who go away in the middle
            with socket.create_connection(split_address(me.address)) as connection:
                connection.sendall((hello + good)[: chance.randrange(len(hello + good))])

    exposed(tmp_path, attack)


def test_any_bytes_are_letters_or_refused() -> None:
    """However they are cut: as one, or byte by byte."""
    chance = random.Random(2)
    stream = b"".join([framed(one) for one in SENT])
    for _ in range(2000):
        data = bytearray(stream)
        for _ in range(chance.randint(0, 2)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        found: list[list[Letter] | None] = []
        for step in (len(data), 1, 7):
            frames, letters = Frames(1000), list[Letter]()
            try:
                for at in range(0, len(data), step):
                    letters += frames.feed(bytes(data[at : at + step]))
            except RefusedError:
                found.append(None)
            else:
                found.append(letters)
        assert found[0] == found[1] == found[2]


def test_a_large_frame_may_follow_a_hello_at_once(tmp_path: Path) -> None:
    """In one piece with it: by then the sender is no stranger."""
    tag = 7
    large = Query(tag, b"x" * 10_000)

    def attack(me: Member) -> None:
        with socket.create_connection(split_address(me.address), PATIENCE) as connection:
            connection.sendall(framed(ClientHello("ours")) + framed(large))
            frames, answers = Frames(1000), list[Letter]()
            while not answers:
                data = connection.recv(1000)
                assert data, "the connection was closed"
                answers += frames.feed(data)
        assert answers == [Done(tag, b'{"error":"no such question"}')]

    exposed(tmp_path, attack)


# A cluster of processes


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ClusterFolder]:
    made = ClusterFolder.create(tmp_path / "cluster", 3, host="127.0.0.1", record=True)
    try:
        yield made
    finally:
        for member in made.members:
            made.stop(member, signal.SIGKILL)


def leader(cluster: ClusterFolder, client: Client) -> Member:
    while True:
        for member in cluster.members:
            with suppress(NoAnswerError):
                if client.status(member.address).get("role") == "leader":
                    return member
        client.get("key")  # returns once there is one


def test_processes_survive_kills_and_what_they_recorded_conforms(
    cluster: ClusterFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = Client(cluster.cluster, cluster.addresses, timeout=PATIENCE)
    for member in cluster.members:
        assert cluster.start(member)
        assert not cluster.start(member)
    arguments = ["load", str(cluster.path), "--clients", "3", "--writes", "30"]
    monkeypatch.setattr("sys.argv", arguments)
    load.main()
    told = capsys.readouterr().out
    assert re.search(r"3\d operations   node-1 \d+\.\d MB, disk 0\.\d MB   node-2", told), told
    assert "3 clients:" in told
    for number in range(20):
        client.put("key", str(number))
    victim = leader(cluster, client)
    assert cluster.stop(victim, signal.SIGKILL)
    assert not cluster.stop(victim, signal.SIGKILL)
    assert client.cas("key", "19", "20")
    assert not client.cas("key", "19", "21")
    others = [member for member in cluster.members if member != victim]
    for member in others:
        with Client(cluster.cluster, [member.address], timeout=PATIENCE) as one:
            one.ask(TakeSnapshot)
    cluster.start(victim)  # which needs the snapshot now
    for member in others:
        assert cluster.stop(member, signal.SIGKILL)
        cluster.start(member)
        assert client.get("key") == "20"
        assert client.delete("other") is False
    result = CliRunner().invoke(app, ["status", "--json", "-f", str(cluster.path)])
    shown = json.loads(result.output)
    assert sorted(shown) == ["node-1", "node-2", "node-3"]
    result = CliRunner().invoke(app, ["get", "key", "-f", str(cluster.path), "--timeout", "60"])
    assert (result.exit_code, result.output) == (0, "20\n")
    client.close()
    for member in cluster.members:
        assert cluster.stop(member, signal.SIGTERM, PATIENCE)
    judged = audit([cluster.folder(member) / "recording" for member in cluster.members])
    assert (judged.verdict, judged.problems) == ("conforms", [])
    assert {file.level for file in judged.files} == {"exact"}


# The folder


def test_a_process_that_was_not_started_here_is_not_ended(cluster: ClusterFolder) -> None:
    """Its number may be another one's by now."""
    member = cluster.members[0]
    assert cluster.process(member) is None
    mine = Process(1, 0.0)
    (cluster.folder(member) / "process.json").write_text(
        json.dumps({"pid": mine.pid, "started": mine.started})
    )
    assert cluster.process(member) is None
    assert not cluster.stop(member, signal.SIGKILL)


def test_a_lost_disk_does_not_come_back_under_its_name(cluster: ClusterFolder) -> None:
    member = cluster.members[0]
    (cluster.folder(member) / "data.sqlite").unlink()
    result = CliRunner().invoke(app, ["serve", str(cluster.folder(member))])
    assert result.exit_code != 0
    assert "comes back under another name" in str(result.exception)


def test_what_is_no_cluster_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="there is no cluster here"):
        ClusterFolder(tmp_path)
    (tmp_path / "cluster.json").write_text("{}")
    with pytest.raises(FolderError, match="cannot be read"):
        ClusterFolder(tmp_path)
    with pytest.raises(FolderError, match="an empty folder"):
        ClusterFolder.create(tmp_path, 3, host="127.0.0.1", record=False)


def test_names_are_not_given_twice(cluster: ClusterFolder) -> None:
    last = cluster.add("127.0.0.1")
    assert last.id == 4
    cluster.remove(last)
    assert ClusterFolder(cluster.path).add("127.0.0.1").id == 5
    with pytest.raises(FolderError, match="no server 4: one of 1, 2, 3"):
        cluster.member(4)


def test_without_servers_there_is_no_answer(cluster: ClusterFolder) -> None:
    client = Client(cluster.cluster, cluster.addresses, timeout=0.2)
    with pytest.raises(NoAnswerError, match="no answer within"):
        client.put("key", "value")


def test_a_command_that_is_too_large_is_refused(tmp_path: Path) -> None:
    def attack(me: Member) -> None:
        client = Client("ours", [me.address], timeout=PATIENCE)
        with pytest.raises(AnsweredNoError, match="are the most"):
            client.put("large", "x" * 100_000)
        client.close()

    exposed(tmp_path, attack)
