"""The clock, and what a link does to what is sent over it."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from conformance.network.clock import MILLISECOND as MS
from conformance.network.clock import Clock
from conformance.network.link import Link, Wire


def sent(
    link: Link, count: int, every: int = 0, size: int = 100, seed: int = 0
) -> list[tuple[int, int]]:
    """When which of `count` messages arrived, each sent `every` microseconds after the last."""
    clock, arrived = Clock(), list[tuple[int, int]]()
    wire: Wire[int] = Wire(link, clock, Random(seed), lambda it: arrived.append((clock.now, it)))
    for number in range(count):
        clock.at(number * every, partial(wire.send, number, 100))
    clock.run(10**9)
    return arrived


def test_what_is_due_together_happens_in_the_order_in_which_it_was_planned() -> None:
    clock, happened = Clock(), list[str]()
    clock.at(2, lambda: happened.append("late"))
    clock.at(1, lambda: happened.append("first"))
    clock.at(1, lambda: clock.at(0, lambda: happened.append("now, for what has passed")))
    clock.at(1, lambda: happened.append("second"))
    clock.run(1)
    assert happened == ["first", "second", "now, for what has passed"]
    assert clock.now == 1
    clock.run(5)
    assert happened[-1] == "late"


def test_a_message_travels_as_long_as_the_link_says() -> None:
    assert sent(Link(delay=7), 3, every=2) == [(7, 0), (9, 1), (11, 2)]


def test_bandwidth_makes_messages_wait_for_one_another() -> None:
    """100 bytes take a millisecond at 100 bytes a millisecond."""
    link = Link(delay=10 * MS, bandwidth=100)
    assert sent(link, 3) == [(11 * MS, 0), (12 * MS, 1), (13 * MS, 2)]
    assert sent(link, 2, every=5 * MS) == [(11 * MS, 0), (16 * MS, 1)]


def test_jitter_stays_within_its_bounds_and_reorders() -> None:
    times = [at - number for at, number in sent(Link(delay=100, jitter=50), 500, every=1)]
    assert min(times) >= 100
    assert max(times) <= 150
    order = [number for _, number in sent(Link(delay=100, jitter=50), 500, every=1)]
    assert order != sorted(order)


def test_a_heavy_tail_doubles_and_doubles() -> None:
    times = [at for at, _ in sent(Link(delay=10, heavy_tail=True), 4000)]
    assert set(times) == {10 << k for k in range(8)}
    assert 1800 < times.count(10) < 2200
    assert 800 < times.count(20) < 1200


@pytest.mark.parametrize(
    ("loss", "least", "most"), [(0, 1000, 1000), (100, 850, 950), (1000, 0, 0)]
)
def test_losses(loss: int, least: int, most: int) -> None:
    assert least <= len(sent(Link(loss=loss), 1000)) <= most


def test_a_lost_message_took_its_time_on_the_wire() -> None:
    clock, arrived = Clock(), list[int]()
    wire: Wire[int] = Wire(
        Link(delay=0, bandwidth=100, loss=1000), clock, Random(0), arrived.append
    )
    assert not wire.send(1, 100)
    wire.link = Link(delay=0, bandwidth=100)
    assert wire.send(2, 100)
    clock.run(2 * MS - 1)
    assert arrived == []
    clock.run(2 * MS)
    assert arrived == [2]


def test_a_doubled_message_arrives_twice() -> None:
    assert sent(Link(delay=5, doubled=1000), 1) == [(5, 0), (10, 0)]


def test_an_overtaken_message_arrives_just_after_the_next_one() -> None:
    """And one that nothing follows arrives at last."""
    arrived = sent(Link(delay=5, overtaken=1000), 2, every=1)
    assert [number for _, number in arrived] == [1, 0]
    assert sent(Link(delay=5, overtaken=1000), 1) == [(50, 0)]


def test_equal_seeds_give_equal_runs() -> None:
    link = Link(delay=100, jitter=90, loss=100, doubled=100, overtaken=100)
    assert sent(link, 300, 10, seed=1) == sent(link, 300, 10, seed=1)
    assert sent(link, 300, 10, seed=1) != sent(link, 300, 10, seed=2)
