"""That what `make bench` measures works, and what does not depend on the machine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from raftbare import SendMessage
from tests.bench import coding, delay, scaling
from tests.bench.rounds import Driver, Floor, Interface, Measured, Raftbare

SUBJECTS = delay.subjects()


@pytest.mark.parametrize("make", [Raftbare, Interface, Floor])
@pytest.mark.parametrize("size", [3, 5])
def test_a_round_commits_the_batch_on_all_nodes(make: type[Measured], size: int) -> None:
    cluster = make(size)  # type: ignore[call-arg]
    before = cluster.commit_indexes()
    for batch in (1, 16, 256):
        cluster.round(batch)
    assert cluster.commit_indexes() == [before[0] + 273] * size


def made_in_a_round(driver: Driver) -> list[str]:
    """The actions, in the order in which they are executed, and how many entries they have."""
    made: list[str] = []

    def settle(node: Any) -> None:
        queue = deque([(node, None)])
        while queue:
            node, message = queue.popleft()
            if message is not None:
                node.handle_message(message)
            for action in node.actions:
                message = getattr(action, "message", None)
                entries = getattr(message or action, "entries", None)
                many = "" if entries is None else f" of {len(entries)}"
                made.append(f"{type(action).__name__} {type(message).__name__}{many}")
                if message is not None:
                    peers = [action.to] if isinstance(action, SendMessage) else node.peers
                    queue.extend([(driver.nodes[peer], message) for peer in peers])

    driver.settle = settle  # type: ignore[method-assign]
    driver.round(2)
    return made


@pytest.mark.parametrize("size", [3, 5])
def test_the_interface_makes_the_actions_and_messages_of_the_library(size: int) -> None:
    made = made_in_a_round(Interface(size))
    assert made == made_in_a_round(Raftbare(size))
    assert "AppendLogEntries NoneType of 2" in made
    assert made.count("SendMessage AppendEntriesReply") == 2 * (size - 1)


def test_so_it_does_with_pysyncobj() -> None:
    pytest.importorskip("pysyncobj")
    from tests.bench.pysyncobj_peer import PySyncObj

    peer = PySyncObj(3)
    before = peer.leader.count
    peer.round(16)
    assert [member.count for member in peer.members] == [before + 16] * 3
    assert len(set(peer.commit_indexes())) == 1


def test_so_it_does_with_pysyncobj_flushed_by_hand() -> None:
    pytest.importorskip("pysyncobj")
    from tests.bench.pysyncobj_peer import Flushed

    peer = Flushed(3)
    before = peer.leader.count
    peer.round(16)
    assert peer.leader.count == before + 16
    assert len(set(peer.commit_indexes())) == 1


@pytest.mark.parametrize("size", [3, 5])
def test_a_command_at_a_time_is_a_call_and_a_reply_for_each_peer(size: int) -> None:
    """Slower than a round trip, so that nothing is under way: each subject sends the least."""
    for name, make in SUBJECTS.items():
        found = delay.cost(make, size, delay=1, every=10, commands=20)
        assert found.entries == size - 1, name
        assert found.cpu > 0
        if "all tick" not in name:  # those send in each tick
            assert found.messages == 2 * (size - 1), name


def test_faster_than_a_round_trip_pysyncobj_sends_again_what_is_under_way() -> None:
    """So the delay of links is what the table is about."""
    pytest.importorskip("pysyncobj")
    for name, make in SUBJECTS.items():
        if name != "raftbare":
            assert delay.cost(make, 3, delay=5, commands=100).entries > 10, name


@pytest.mark.parametrize(("size", "ms"), list(product(delay.NODES, delay.DELAYS)))
def test_it_sends_each_entry_once_and_no_more_messages_than_pysyncobj(size: int, ms: int) -> None:
    pytest.importorskip("pysyncobj")
    found = {name: delay.cost(make, size, ms, commands=50) for name, make in SUBJECTS.items()}
    ours = found.pop("raftbare")
    assert ours.entries == size - 1
    for theirs in found.values():
        assert ours.entries < theirs.entries
        assert ours.messages <= theirs.messages


def test_so_it_does_with_consensual() -> None:
    pytest.importorskip("consensual")
    from tests.bench.consensual_peer import Consensual

    peer = Consensual(3)
    before = peer.commit_indexes()
    peer.round(16)
    assert peer.commit_indexes() == [before[0] + 16] * 3
    assert peer.applied == 3 * (1 + 16)
    peer.close()


def test_a_term_takes_at_most_24_bytes() -> None:
    assert scaling.bytes_a_term(100_000) <= 24


def test_each_growth_can_be_measured() -> None:
    assert scaling.round_on(scaling.log_of(10, 10), times=10) > 0
    assert scaling.lagging_reply(10, 10, times=10) > 0
    assert min(scaling.in_cluster_of(9, times=2)) > 0


@pytest.mark.parametrize("measured", [scaling.search, scaling.conflicting_call])
def test_the_terms_in_conflict_are_not_walked(measured: Callable[[int], float]) -> None:
    """A walk would take thousands of times longer; the search takes four times as many steps."""
    assert measured(10**5) < 100 * measured(10)


@pytest.mark.parametrize("commands", [1, 16])
def test_a_message_is_small_and_its_coding_can_be_measured(commands: int) -> None:
    measured = coding.measure(coding.call(commands), times=1)
    assert measured.size == 17
    assert measured.json_size > 8 * measured.size
    assert min(measured[2:]) >= 0
