"""What an operation costs as something grows: the log, its history of terms, the cluster."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from statistics import median

from raftbare import (
    AppendEntriesReply,
    BroadcastMessage,
    CommandEntry,
    LogEntries,
    LogEntry,
    LogIndex,
    LogPosition,
    MessageHeader,
    MessageSeqNo,
    NodeId,
    SendMessage,
    Term,
    TermEntry,
)
from tests.bench.rounds import Raftbare

LENGTHS = (10**3, 10**4, 10**5, 10**6, 10**7)
HISTORIES = (1, 10, 100, 1_000, 10_000, 100_000)
LAGS = (1, 10**4, 10**6)
SERIES = 9
SIZES = (3, 5, 9, 17, 33, 65, 101)


def log_of(terms: int, commands: int) -> LogEntries:
    """So many terms, with as many commands each."""
    runs: list[tuple[LogEntry, int]] = []
    for term in range(1, terms + 1):
        runs.append((TermEntry(Term(term)), 1))
        if commands:
            runs.append((CommandEntry(), commands))
    return LogEntries.from_runs(LogPosition.ZERO, runs)


def seconds(operation: Callable[[], object], times: int) -> float:
    """Of one operation, in time of this process's own: others share the machine.

    The median of some series, for the same reason.
    """
    found = []
    for _ in range(SERIES):
        started = time.process_time()
        for _ in range(times):
            operation()
        found.append((time.process_time() - started) / times)
    return median(found)


def round_on(log: LogEntries, times: int = 60) -> float:
    """A round of one command on three nodes that begin with that log."""
    cluster = Raftbare(3, log)
    seconds(lambda: cluster.round(1), times // 5)
    return seconds(lambda: cluster.round(1), times)


def lagging_reply(terms: int, commands: int, behind: int = 50, times: int = 60) -> float:
    """A leader is told that a follower's log ends some commands before its own, and calls it."""
    cluster = Raftbare(3, log_of(terms, commands))
    for _ in range(behind):
        cluster.round(1)
    leader = cluster.leader
    last = leader.log.last_position
    theirs = LogPosition(last.term, LogIndex(last.index - behind))
    seqno = 10**6
    header = MessageHeader(NodeId(1), leader.current_term, MessageSeqNo(seqno))
    reply = AppendEntriesReply(header, theirs)

    def tell() -> None:
        reply.seqno = MessageSeqNo(reply.seqno + 1)
        leader.handle_message(reply)
        sent = [action for action in leader.actions if isinstance(action, SendMessage)]
        assert len(sent) == 1

    return seconds(tell, times)


def in_cluster_of(size: int, times: int = 40) -> tuple[float, float]:
    """Of a leader: to propose and broadcast, for each peer; and to take a reply."""
    cluster = Raftbare(size)
    leader, nodes = cluster.leader, cluster.nodes
    broadcast = replies = 0.0
    for _ in range(times):
        started = time.process_time()
        leader.propose_command()
        queue = []
        for action in leader.actions:
            if isinstance(action, BroadcastMessage):
                queue += [(peer, action.message) for peer in leader.peers]
        broadcast += time.process_time() - started
        answers = []
        for peer, message in queue:
            nodes[peer].handle_message(message)
            answers += [a.message for a in nodes[peer].actions if isinstance(a, SendMessage)]
        started = time.process_time()
        for answer in answers:
            leader.handle_message(answer)
            for _action in leader.actions:
                raise AssertionError("a reply that is up to date owes nothing")
        replies += time.process_time() - started
    assert leader.commit_index == leader.log.last_position.index
    messages = times * (size - 1)
    return broadcast / messages, replies / messages


def bytes_a_term(terms: int) -> float:
    tracemalloc.start()
    log = LogEntries(LogPosition.ZERO)
    for term in range(1, terms + 1):
        log.push(TermEntry(Term(term)))
        log.push(CommandEntry())
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(log) == 2 * terms
    return taken / terms
