"""That what `make bench` measures works, and what does not depend on the machine."""

from __future__ import annotations

import pytest

from tests.bench import scaling
from tests.bench.exchange import Exchange, Floor, Raftbare


@pytest.mark.parametrize("make", [Raftbare, Floor])
@pytest.mark.parametrize("size", [3, 5])
def test_a_round_commits_the_batch_on_all_nodes(make: type[Exchange], size: int) -> None:
    exchange = make(size)  # type: ignore[call-arg]
    before = exchange.commit_indexes()
    for batch in (1, 16, 256):
        exchange.round(batch)
    assert exchange.commit_indexes() == [before[0] + 273] * size


def test_so_it_does_with_the_peer() -> None:
    pytest.importorskip("pysyncobj")
    from tests.bench.peers import PySyncObj

    peer = PySyncObj(3)
    before = peer.leader.count
    peer.round(16)
    assert [member.count for member in peer.members] == [before + 16] * 3
    assert len(set(peer.commit_indexes())) == 1


def test_a_term_takes_at_most_24_bytes() -> None:
    assert scaling.bytes_a_term(100_000) <= 24


def test_each_growth_can_be_measured() -> None:
    assert scaling.round_on(scaling.log_of(10, 10), times=10) > 0
    assert scaling.lagging_reply(10, 10, times=10) > 0
    assert min(scaling.in_cluster_of(9, times=2)) > 0
