"""What an operation costs as something grows: the log, its history of terms, the cluster."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from statistics import median

from raftbare import (
    AppendEntriesCall,
    AppendEntriesReply,
    BroadcastMessage,
    ClusterConfig,
    CommandEntry,
    Log,
    LogEntries,
    LogEntry,
    LogIndex,
    LogPosition,
    MessageHeader,
    MessageSeqNo,
    Node,
    NodeId,
    RequestVoteReply,
    SendMessage,
    Term,
    TermEntry,
)
from raftbare.log import last_below
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
    log = log_of(terms, max(commands, behind))
    names, term = [NodeId(0), NodeId(1)], log.last_position.term
    leader = Node.restart(
        NodeId(0), current_term=term, voted_for=None, log=Log(ClusterConfig(names), log)
    )
    leader.handle_election_timeout()
    vote = MessageHeader(NodeId(1), leader.current_term, MessageSeqNo(1))
    leader.handle_message(RequestVoteReply(vote, True))
    for _action in leader.actions:
        pass
    theirs = LogPosition(term, LogIndex(log.last_position.index - behind + 1))
    header = MessageHeader(NodeId(1), leader.current_term, MessageSeqNo(10**6))
    reply = AppendEntriesReply(header, theirs, False)

    def tell() -> None:
        reply.seqno = MessageSeqNo(reply.seqno + 1)
        leader.handle_message(reply)
        sent = [action for action in leader.actions if isinstance(action, SendMessage)]
        assert len(sent) == 1

    return seconds(tell, times)


def conflicting(terms: int, commands: int = 10) -> tuple[LogEntries, LogPosition]:
    """A log of so many terms after its first, and where one ends whose first term is as long.

    What the two have in common ends with that first term, before all of the others.
    """
    log = log_of(1 + terms, commands)
    return log, LogPosition(Term(1), log.last_position.index)


def search(terms: int, times: int = 200) -> float:
    """Find the last entry that a log may have in common with one in conflict with it."""
    log, theirs = conflicting(terms)
    shared = LogPosition(Term(1), LogIndex(11))
    assert last_below(log, theirs) == (shared, False)
    return seconds(lambda: last_below(log, theirs), times)


def conflicting_call(terms: int) -> float:
    """A follower is called from a position that its log is in conflict with, and drops all that
    is not the leader's.  It does so once: each time is another follower's."""
    log, theirs = conflicting(terms)
    names, term = [NodeId(0), NodeId(1)], Term(log.last_position.term + 1)
    header = MessageHeader(NodeId(0), term, MessageSeqNo(1))
    call = AppendEntriesCall(header, LogIndex(0), LogEntries(theirs))
    found = []
    for _ in range(SERIES):
        own = Log(ClusterConfig(names), log)
        node = Node.restart(NodeId(1), current_term=term, voted_for=None, log=own)
        for _action in node.actions:
            pass
        started = time.process_time()
        node.handle_message(call)
        answers = [action for action in node.actions if isinstance(action, SendMessage)]
        found.append(time.process_time() - started)
        assert len(answers) == 1
        assert node.log.last_position == LogPosition(Term(1), LogIndex(11))
    return median(found)


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
