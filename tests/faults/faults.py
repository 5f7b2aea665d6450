"""The faults of a campaign.  Each is a context: it begins on entry, and is healed on exit."""

from __future__ import annotations

import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from random import Random
from typing import Final, TypeAlias

import psutil

from examples.kvstore.client import AnsweredNoError, NoAnswerError
from examples.kvstore.driver.letters import HandOver, TakeSnapshot
from raftbare import NodeId
from tests.faults.clients import PATIENCE
from tests.faults.cluster import Cluster
from tests.faults.links import Weather
from tests.faults.server import FAILING

Fault: TypeAlias = Callable[[Cluster, Random], AbstractContextManager[None]]

CUT: Final = Weather(cut=True)
FAIR: Final = Weather()
STRANGE: Final = "comes with another disk than it had"
"""What a server says of another one whose disk was made anew."""


class NotRefusedError(Exception):
    """A server came up where it must not."""


# Processes


@contextmanager
def _killed(cluster: Cluster, servers: list[int]) -> Iterator[None]:
    for server in servers:
        cluster.signal(server, signal.SIGKILL)
    for server in servers:
        cluster.kill(server)
    yield
    cluster.start_all()


def kill_one(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _killed(cluster, [chance.choice(cluster.members)])


def kill_leader(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _killed(cluster, [cluster.leader()])


def kill_all(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _killed(cluster, list(cluster.members))


@contextmanager
def _stopped(cluster: Cluster, server: int) -> Iterator[None]:
    cluster.signal(server, signal.SIGSTOP)
    yield
    cluster.signal(server, signal.SIGCONT)


def stop_one(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _stopped(cluster, chance.choice(cluster.members))


def stop_leader(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    """It does not know that time has passed, and leads on for a moment."""
    return _stopped(cluster, cluster.leader())


# Links


@contextmanager
def _weather(
    cluster: Cluster, weather: Weather, ways: list[tuple[int, int]] | None = None
) -> Iterator[None]:
    cluster.links.set(weather, ways)
    yield
    cluster.links.set(FAIR)


def _between(cluster: Cluster, some: set[int]) -> list[tuple[int, int]]:
    return [(a, b) for a, b in cluster.links.ways if (a in some) != (b in some)]


def leader_alone(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _weather(cluster, CUT, _between(cluster, {cluster.leader()}))


def halves(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    some = chance.sample(cluster.members, len(cluster.members) // 2)
    return _weather(cluster, CUT, _between(cluster, set(some)))


def leader_deaf(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    """One way: what the leader sends arrives, and nothing comes back."""
    leader = cluster.leader()
    return _weather(cluster, CUT, [way for way in cluster.links.ways if way[1] == leader])


def leader_mute(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    leader = cluster.leader()
    return _weather(cluster, CUT, [way for way in cluster.links.ways if way[0] == leader])


def bridge(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    """One server reaches both halves, which do not reach one another."""
    middle, *others = chance.sample(cluster.members, len(cluster.members))
    left = set(others[: len(others) // 2])
    ways = [way for way in _between(cluster, left) if middle not in way]
    return _weather(cluster, CUT, ways)


@contextmanager
def flapping(cluster: Cluster, chance: Random) -> Iterator[None]:
    for _ in range(6):
        with leader_alone(cluster, chance):
            time.sleep(chance.uniform(0.02, 0.3))
        time.sleep(chance.uniform(0.02, 0.2))
    yield


def slow(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _weather(cluster, Weather(delay=(0.0, 0.15)))


def lossy(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _weather(cluster, Weather(lost=0.3, doubled=0.2))


def narrow(cluster: Cluster, chance: Random) -> AbstractContextManager[None]:
    return _weather(cluster, Weather(rate=1e6))


# Disks


@contextmanager
def disk_full(cluster: Cluster, chance: Random) -> Iterator[None]:
    """No file of a server's may grow: its writes fail, and it stops."""
    server = chance.choice(cluster.members)
    if cluster.is_running(server):
        with suppress(psutil.Error):
            process = psutil.Process(cluster.pid(server))
            process.rlimit(psutil.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    yield
    cluster.kill(server)
    cluster.start_all()


@contextmanager
def write_fails(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A write of a server's fails, or the sync after it: nobody knows then what is on the disk."""
    server = chance.choice(cluster.members)
    told = cluster.folder(server) / FAILING
    told.write_text(chance.choice(["before", "after"]), encoding="utf-8")
    yield
    told.unlink()
    cluster.kill(server)
    cluster.start_all()


@contextmanager
def torn_write(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A server dies in the middle of a write, of which a part is on the disk."""
    server = chance.choice(cluster.members)
    cluster.kill(server)
    journal = cluster.folder(server) / "data.sqlite-wal"
    if journal.exists():
        with journal.open("ab") as file:
            file.write(chance.randbytes(chance.randrange(1, 3000)))
    yield
    cluster.start_all()


@contextmanager
def wiped_disk(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A server loses its disk.  Without one it does not come up; with a new one and its old name
    nobody listens to it.  Then the disk is found.
    """
    server = chance.choice(cluster.members)
    cluster.kill(server)
    folder, away = cluster.folder(server), cluster.folder(server).with_suffix(".away")
    away.mkdir()
    for path in list(folder.glob("data.sqlite*")):
        shutil.move(path, away)
    cluster.start(server)
    came_up = not cluster.wait_for_end(server, 60)
    cluster.kill(server)
    for path in list(away.iterdir()):
        shutil.move(path, folder)
    away.rmdir()
    if came_up:
        raise NotRefusedError(f"server {server} came up without a disk")
    refused = cluster.times_told(STRANGE)
    cluster.start_with_new_disk(server)
    until = time.monotonic() + 60
    while cluster.times_told(STRANGE) == refused:
        if time.monotonic() > until:
            raise NotRefusedError(f"server {server} was not refused, with a new disk")
        time.sleep(0.1)
    yield
    cluster.kill(server)
    cluster.start_all()


# What a cluster is asked for


@contextmanager
def snapshots(cluster: Cluster, chance: Random) -> Iterator[None]:
    """All compact their logs while one is away, which has to be brought a snapshot."""
    away = chance.choice(cluster.members)
    with _stopped(cluster, away):
        time.sleep(0.5)
        for server in cluster.members:
            if server != away:
                _ask_one(cluster, server, TakeSnapshot)
        yield


@contextmanager
def handed_over(cluster: Cluster, chance: Random) -> Iterator[None]:
    to = NodeId(chance.choice(cluster.members))
    _ask_one(cluster, cluster.leader(), lambda tag: HandOver(tag, to))
    yield


def _ask_one(
    cluster: Cluster, server: int, request: Callable[[int], TakeSnapshot | HandOver]
) -> None:
    """Whatever comes of it: a server under faults may not answer."""
    client = cluster.client(timeout=1.0, servers=[server])
    with suppress(NoAnswerError, AnsweredNoError):
        client.ask(request)
    client.close()


@contextmanager
def members_change(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A server comes and one goes, perhaps the leader; one is killed meanwhile."""
    with suppress(NoAnswerError):
        cluster.grow()
    victim = chance.choice(cluster.members)
    cluster.kill(victim)
    yield
    cluster.start_all()
    if len(cluster.members) > 3:
        with suppress(NoAnswerError):
            cluster.shrink(chance.choice(cluster.members))


# Several at once, in an order that tells a mistake


@contextmanager
def stopped_alone(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A leader is cut off and stopped until another one leads; then it goes on, still cut off."""
    leader = cluster.leader()
    with leader_alone(cluster, chance):
        with _stopped(cluster, leader):
            cluster.wait_to_serve(without=leader)
        yield


@contextmanager
def old_leader_returns(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A leader that is cut off takes many entries that nobody else has, and dies.  Another one
    leads; it dies, the old one comes back, and the third server has to know whose log is newer.
    """
    old = cluster.leader()
    with leader_alone(cluster, chance):
        cluster.propose_many(old, 300)
        time.sleep(0.3)
        cluster.kill(old)
        cluster.wait_to_serve(without=old)
        new = cluster.leader()
        cluster.kill(new)
    cluster.start(old)
    cluster.wait_to_serve(without=new, patience=2 * PATIENCE)
    yield
    cluster.start_all()


@contextmanager
def follower_behind(cluster: Cluster, chance: Random) -> Iterator[None]:
    """A follower is cut off while the others commit, and what the leader sends is slow, so that the
    other one does not know all that is committed.  Then the leader dies, and the follower has to be
    brought a long way before the new leader can commit anything.
    """
    leader = cluster.leader()
    behind = chance.choice([server for server in cluster.members if server != leader])
    slow = Weather(delay=(0.04, 0.08))
    cluster.links.set(slow, [way for way in cluster.links.ways if way[0] == leader])
    cluster.links.set(CUT, _between(cluster, {behind}))
    time.sleep(1.0)
    cluster.links.set(CUT, _between(cluster, {leader}))
    cluster.kill(leader)
    with _weather(cluster, slow):
        cluster.wait_to_serve(without=leader)
        yield
    cluster.start_all()


FAULTS: Final[dict[str, Fault]] = {
    fault.__name__: fault
    for fault in (
        *(kill_one, kill_leader, kill_all, stop_one, stop_leader),
        *(leader_alone, halves, leader_deaf, leader_mute, bridge, flapping),
        *(slow, lossy, narrow, disk_full, write_fails, torn_write, wiped_disk),
        *(snapshots, handed_over, members_change),
        *(stopped_alone, old_leader_returns, follower_behind),
    )
}
