"""A command costs no memory, and no cost grows with the number of commands."""

from __future__ import annotations

import sys
import tracemalloc
from array import array

import pytest

from raftbare import (
    AppendLogEntries,
    CommitStatus,
    Limits,
    LogEntries,
    LogEntry,
    LogIndex,
    LogPosition,
)

from .helpers import (
    COMMAND,
    Cluster,
    after,
    append_call,
    append_reply,
    calls,
    config,
    node_with,
    opening,
    owed,
    position,
    vote,
)

MANY = 10**7


def test_a_million_commands_are_one_run() -> None:
    leader = Cluster.of(3).nodes[0]
    at = leader.log.last_position
    runs = len(list(leader.log.entries.runs()))
    leader.propose_command()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(10**5):
        leader.propose_command()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2000
    for _ in range(9 * 10**5):
        leader.propose_command()
    assert len(list(leader.log.entries.runs())) == runs + 1
    write = next(one for one in leader.actions if isinstance(one, AppendLogEntries))
    assert write.entries.prev_position == at
    assert len(write.entries) == 10**6 + 1


def long_log() -> LogEntries:
    return LogEntries.from_runs(
        LogPosition.ZERO,
        [(opening(1), 1), (COMMAND, MANY), (opening(2), 1), (COMMAND, MANY), (opening(3), 1)],
    )


def test_questions_on_long_logs_are_answered_at_once() -> None:
    entries = long_log()
    assert len(entries) == 2 * MANY + 3
    assert sys.getsizeof(entries._terms.at) < 200
    assert entries.last_position == position(3, 2 * MANY + 3)
    assert [entries.get_term(LogIndex(index)) for index in (MANY, MANY + 2, 2 * MANY + 3)] == [
        1,
        2,
        3,
    ]
    assert entries.get_entry(LogIndex(MANY + 2)) == opening(2)
    assert entries.get_entry(LogIndex(MANY)) == COMMAND
    assert entries.contains(position(2, 2 * MANY))
    rest = entries.since(position(1, MANY))
    assert rest is not None
    assert len(rest) == MANY + 3
    rest.truncate(MANY)
    assert len(rest) == MANY
    assert entries.copy() == entries


def test_long_logs_are_replicated_and_compacted_at_once() -> None:
    members = config([0, 1])
    leader = node_with(0, long_log(), term=3, members=members, limits=Limits(entries=2 * MANY))
    follower = node_with(1, long_log(), term=3, members=members)
    follower.handle_message(append_call(0, 4, long_log(), commit=MANY))
    assert follower.commit_index == MANY
    assert follower.get_commit_status(position(1, MANY)) is CommitStatus.COMMITTED
    follower.handle_message(append_call(0, 4, LogEntries(position(2, 2 * MANY), [opening(4)])))
    assert follower.log.last_position == position(4, 2 * MANY + 1)
    owed(follower)
    follower.handle_snapshot_installed(position(1, MANY), members)
    assert len(follower.log.entries) == MANY + 1
    leader.handle_election_timeout()
    leader.handle_message(vote(1, 4))
    owed(leader)
    leader.handle_message(append_reply(1, 4, (1, MANY), 7, accepted=False))
    (call,) = calls(leader)
    assert len(call.entries) == MANY + 4


def test_a_table_of_256_marks_or_more_is_packed() -> None:
    """8 bytes a number; a shorter one is a list, which is faster."""
    entries = after((0, 0), *map(opening, range(1, 256)))
    joined = entries.copy()
    assert isinstance(entries._terms.at, list)
    assert isinstance(entries._terms.values, list)
    entries.push(opening(256))
    assert isinstance(entries._terms.at, array)
    assert isinstance(entries._terms.values, array)
    many = after((0, 0), *map(opening, range(1, 601)))
    joined._splice(joined.last_position, many)  # from 255 to 600 at once
    assert isinstance(joined._terms.at, array)
    assert joined == many


def test_a_log_of_many_terms_says_what_a_short_one_would() -> None:
    """Long tables are packed into arrays: reading, copying, cutting and going on make no
    difference."""
    entries = after((0, 0))
    for term in range(1, 1001):
        entries.push(opening(term))
        entries.push(COMMAND)
        entries._check()
        if term % 250 == 0:
            assert [entries.get_term(LogIndex(2 * n)) for n in range(1, term + 1)] == list(
                range(1, term + 1)
            )
    copy = entries.copy()
    assert copy == entries
    for length in (1999, 1400, 512, 511, 3, 0):
        copy.truncate(length)
        copy._check()
        rest = entries.since(copy.last_position)
        assert rest is not None
        assert len(rest) == 2000 - length
        whole = copy.copy()
        for entry in rest:
            whole.push(entry)
        assert whole == entries
        spliced = copy.copy()
        spliced._splice(copy.last_position, entries)
        spliced._check()
        assert spliced == entries


@pytest.mark.parametrize("small", [0, 10, 300])
def test_terms_beyond_an_arrays_reach_are_kept_all_the_same(small: int) -> None:
    """Whether the first of them comes before, with or after the packing of the tables."""
    terms = [*range(1, small + 1), *range(2**70, 2**70 + 300)]
    entries, at_once = after((0, 0)), after((0, 0), *map(opening, terms[:small]))
    for term in terms:
        entries.push(opening(term))
    entries._check()
    assert [entries.get_term(LogIndex(n + 1)) for n in range(len(terms))] == terms
    at_once._splice(at_once.last_position, entries)
    at_once._check()
    assert at_once == entries


def test_indices_beyond_an_arrays_reach_are_kept_all_the_same() -> None:
    many = after((0, 0), *[opening(term) for term in range(1, 300)])
    far = LogEntries.from_runs(
        many.last_position, [(COMMAND, 2**64), (opening(300), 1), (opening(301), 1)]
    )
    many._splice(far.prev_position, far)
    many._check()
    assert many.last_position == position(301, 299 + 2**64 + 2)
    assert many.get_term(LogIndex(299 + 2**64)) == 299
    assert many.get_term(LogIndex(299 + 2**64 + 1)) == 300
    many.push(opening(302))
    many.truncate(300)
    many._check()
    assert many.last_position == position(299, 300)


@pytest.mark.parametrize(("k", "m"), [(1, 1), (1, 7), (7, 1), (5, 8), (40, 40)])
@pytest.mark.parametrize(
    "order", ["alternating", "the leader's are later", "the leader's are earlier"]
)
def test_a_long_conflict_is_repaired_in_as_many_round_trips_as_it_has_terms(
    k: int, m: int, order: str
) -> None:
    """D6: 100,000 entries of k terms that the leader has others of m terms for."""
    numbers = list(range(2, k + m + 2))
    if order == "alternating":
        theirs = sorted(numbers, key=lambda n: (n % 2, n))[:k]
    else:
        theirs = numbers[:k] if order == "the leader's are later" else numbers[m:]
    mine = sorted(set(numbers) - set(theirs))
    cluster = Cluster(2)
    for node, terms in enumerate([mine, sorted(theirs)]):
        runs: list[tuple[LogEntry, int]] = [(opening(1), 1)]
        for term in terms:
            runs += [(opening(term), 1), (COMMAND, 100_000 // len(terms) - 1)]
        entries = LogEntries.from_runs(LogPosition.ZERO, runs)
        cluster.nodes[node] = node_with(
            node, entries, term=k + m + 1, members=config([0, 1]), limits=Limits(entries=200_000)
        )
        cluster.disks[node].log = cluster.nodes[node].log.copy()
    leader = cluster.nodes[0]
    leader.handle_election_timeout()
    leader.handle_message(vote(1, k + m + 2))
    cluster.settle()
    assert cluster.nodes[1].log == leader.log == cluster.disks[1].log
    assert cluster.delivered // 2 <= k + m + 2
    assert leader.commit_index == leader.log.last_position.index
