"""Campaigns small enough for every run of the tests, and what they are made of."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.kvstore.driver.letters import Member
from examples.kvstore.driver.storage import Identity, SQLiteStorage
from raftbare import NodeId, Term
from tests.faults.away import away
from tests.faults.campaign import Options, Outcome, Struck, campaign, judged_history, judged_service
from tests.faults.faults import FAULTS
from tests.faults.links import Links, Weather
from tests.faults.server import FAILING, FailingDisk
from tests.faults.wrong import MISTAKES

GENEROUS = 120.0
"""Seconds to wait for service: a bound for machines that have much else to do."""


def small(folder: Path, *faults: str, mistake: str | None = None) -> Outcome:
    """Each of these faults once."""
    options = Options(
        folder,
        seconds=0,
        least=len(faults),
        faults=faults,
        mistake=mistake,
        bound=GENEROUS,
        hold=(0.3, 0.6),
    )
    return campaign(options)


def test_servers_stand_faults(tmp_path: Path) -> None:
    faults = ("kill_leader", "leader_alone", "torn_write", "write_fails", "snapshots", "lossy")
    outcome = small(tmp_path, *faults)
    assert [(one.name, one.verdict) for one in outcome.judged] == [
        ("service", "conforms"),
        ("durable", "conforms"),
        ("linearizable", "conforms"),
        ("audit", "conforms"),
    ], outcome
    assert sorted(one.fault for one in outcome.struck) == sorted(faults)
    assert outcome.operations > 20
    assert outcome.spoiled > 0
    assert outcome.elected > 1
    assert [min(sizes) > 0 for sizes in outcome.taken[-1].servers.values()] == [True] * 3


def test_a_vote_that_is_not_saved_is_found(tmp_path: Path) -> None:
    outcome = small(tmp_path, "kill_all", mistake="vote-not-saved")
    assert "audit" in outcome.violated(), outcome


def test_a_history_that_is_wrong_is_found(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    lines = [
        {"format": "raftbare-history", "version": 1, "model": "key-value"},
        {"type": "invoke", "process": 0, "f": "put", "key": "a", "value": "1"},
        {"type": "ok", "process": 0},
        {"type": "invoke", "process": 1, "f": "get", "key": "a"},
        {"type": "ok", "process": 1, "value": None},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert judged_history(path).verdict == "violation"
    path.write_text(json.dumps(lines[0]) + "\n")
    assert judged_history(path).verdict == "inconclusive"


def test_service_that_does_not_come_back_is_found() -> None:
    outcome = Outcome(struck=[Struck("kill_one", 1.0, 0.5), Struck("slow", 1.0, 30.0)])
    assert judged_service(outcome, 30.0, None).verdict == "violation"
    assert judged_service(outcome, 31.0, None).verdict == "conforms"
    assert judged_service(outcome, 31.0, "it came up").verdict == "violation"
    assert judged_service(Outcome(), 30.0, None).verdict == "inconclusive"


def test_an_outcome_without_verdicts_is_none() -> None:
    assert Outcome().verdict == "inconclusive"


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_can_be_planted(name: str) -> None:
    mistake = MISTAKES[name]
    assert mistake.faults
    assert set(mistake.faults) <= set(FAULTS)
    root = Path(__file__).resolve().parents[2]
    for one in mistake.library:
        source = (root / "raftbare" / f"{one.file}.py").read_text(encoding="utf-8")
        assert source.count(one.old) == 1


@pytest.mark.parametrize("name", [*FAULTS, *MISTAKES])
def test_the_document_names_it(name: str) -> None:
    document = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
    assert f"`{name}`" in document.read_text(encoding="utf-8")


# Links


@pytest.fixture
def links() -> Iterator[Links]:
    made = Links(seed=1)
    yield made
    made.close()


def frame(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def passed(links: Links, weather: Weather, frames: list[bytes]) -> bytes:
    """What arrives of a connection on which these are sent, after a hello."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        links.add({1: 1, 2: listener.getsockname()[1]})
        links.set(weather, [(1, 2)])
        port = int(links.routes(1)[2].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as sender:
            sender.sendall(frame(b"hello") + b"".join(map(frame, frames)))
            sender.shutdown(socket.SHUT_WR)
            listener.settimeout(60)
            receiver, _ = listener.accept()
            with receiver:
                receiver.settimeout(60)
                received = b""
                try:
                    while data := receiver.recv(65536):
                        received += data
                except ConnectionResetError:
                    pass
    return received


def test_fair_weather_passes_all_in_order(links: Links) -> None:
    frames = [b"%d" % number for number in range(100)]
    expected = b"".join(map(frame, [b"hello", *frames]))
    assert passed(links, Weather(), frames) == expected
    assert links.spoiled == 0


def test_a_cut_passes_the_hello_alone(links: Links) -> None:
    assert passed(links, Weather(cut=True), [b"one", b"two"]) == frame(b"hello")
    assert links.spoiled == 2


def test_losses_take_whole_frames(links: Links) -> None:
    frames = [b"%03d" % number for number in range(200)]
    received = passed(links, Weather(lost=0.3, doubled=0.3), frames)
    cut = [received[at + 4 : at + 7] for at in range(9, len(received), 7)]
    assert cut == sorted(cut)
    assert set(cut) < set(frames)
    assert len(cut) > len(set(cut)) > 100


# Disks


def disk(tmp_path: Path) -> FailingDisk:
    me = Member(NodeId(1), "node-1", "127.0.0.1:1", "disk")
    SQLiteStorage.create(tmp_path / "data.sqlite", Identity("cluster", me, (me,))).close()
    return FailingDisk(tmp_path / "data.sqlite")


def test_a_disk_fails_before_a_write_or_after_it(tmp_path: Path) -> None:
    storage = disk(tmp_path)
    storage.save_term(Term(1))
    (tmp_path / FAILING).write_text("before")
    with pytest.raises(sqlite3.OperationalError):
        storage.save_term(Term(2))
    assert storage.load().term == 1
    (tmp_path / FAILING).write_text("after")
    with pytest.raises(OSError, match="sync"):
        storage.save_term(Term(3))
    assert storage.load().term == 3
    storage.close()


# What takes long, made short


def test_a_server_that_was_away_comes_back(tmp_path: Path) -> None:
    came_back = away(tmp_path, writes=200, rate=1e6)
    assert came_back.writes == 200
    assert came_back.sent > 200 * 20, "it was sent what it lacked"
    assert "200 writes in" in str(came_back)
