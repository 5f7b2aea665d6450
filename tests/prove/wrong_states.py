"""States that are wrong in one place, to see who notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from conformance.prove.history.variables import Counted, HistoryVariables, Leadership, Sent
from conformance.prove.statements.lemma import NOBODY
from spec import values as v
from spec.cluster import Cluster, Envelope, Member, Snapshot
from spec.pending import Pending

State = tuple[Cluster, HistoryVariables]


def changed_states(cluster: Cluster, variables: HistoryVariables) -> Iterator[State]:
    """The state with one thing in it changed: a server, a message or the history."""
    for at, member in enumerate(cluster.members):
        if member.up:
            for changed in members(member, len(cluster.members)):
                yield cluster._replace(members=put(cluster.members, at, changed)), variables
    for at, envelope in enumerate(cluster.network):
        if isinstance(envelope.content, Snapshot):
            for sent in [one for one in variables.snapshots if one.to == envelope.to]:
                yield from snapshots(cluster, variables, at, sent)
        else:
            for message in messages(envelope.content):
                wrong = Envelope(envelope.to, message)
                yield cluster._replace(network=put(cluster.network, at, wrong)), variables
            elsewhere = Envelope((envelope.to + 1) % variables.size, envelope.content)
            yield cluster._replace(network=put(cluster.network, at, elsewhere)), variables
    for history in histories(variables):
        yield cluster, history


def members(member: Member, size: int) -> Iterator[Member]:
    node, pending, disk = member.node, member.pending, member.disk
    for term in around(node.current_term):
        yield member._replace(node=node._replace(current_term=term))
        yield member._replace(disk=disk._replace(current_term=term))
    for vote in (None, *range(size)):
        yield member._replace(node=node._replace(voted_for=vote))
        yield member._replace(disk=disk._replace(voted_for=vote))
    for commit in (*around(node.commit_index), node.log.last_index + 1):
        yield member._replace(node=node._replace(commit_index=commit))
    for log in logs(node.log):
        yield member._replace(node=node._replace(log=log))
    for log in logs(disk.log):
        yield member._replace(disk=disk._replace(log=log))
    yield member._replace(node=node._replace(role=v.Candidate(frozenset(range(size)))))
    peers = tuple(
        peer._replace(match=node.log.last_index) for peer in leader_of(size, node.id).peers
    )
    yield member._replace(node=node._replace(role=v.Leader(peers, node.log.last_index)))
    if isinstance(node.role, v.Leader):
        for at, peer in enumerate(node.role.peers):
            for seqno in (*around(peer.answered), node.seqno + 1):
                others = put(node.role.peers, at, peer._replace(answered=seqno))
                yield member._replace(node=node._replace(role=replace(node.role, peers=others)))
    yield member._replace(pending=Pending())
    for wrong in owed(pending):
        yield member._replace(pending=wrong)


def leader_of(size: int, node: int) -> v.Leader:
    return v.Leader(tuple(v.Progress(peer) for peer in range(size) if peer != node))


def owed(pending: Pending) -> Iterator[Pending]:
    """With one of the owed replies changed, or another write, or calls that may not be owed."""
    for at, send in enumerate(pending.sends):
        for message in messages(send.message):
            yield pending._replace(sends=put(pending.sends, at, replace(send, message=message)))
    if pending.append is not None:
        prev = pending.append.prev_position
        for index in around(prev.index):
            append = replace(pending.append, prev_position=v.Position(prev.term, index))
            yield pending._replace(append=append)
    yield pending._replace(broadcast=True)
    for to in range(3):
        yield pending._replace(calls=(to,))


def logs(log: v.Log) -> Iterator[v.Log]:
    """Shorter, longer, or with another entry in some place."""
    entries = tuple(log.entries)

    def of(changed: tuple[v.Entry, ...]) -> v.Log:
        return v.new_log(log.snapshot_position, log.snapshot_config, changed)

    if entries:
        yield of(entries[:-1])
        for at, entry in enumerate(entries):
            for term in around(entry.term):
                yield of(put(entries, at, entry._replace(term=term)))
    yield of((*entries, v.Entry(log.last_position.term, v.TERM)))


def messages(message: v.Message) -> Iterator[v.Message]:
    for term in around(message.term):
        yield replace(message, term=term)
    for seqno in (*around(message.seqno), message.seqno + 100):
        yield replace(message, seqno=seqno)
    match message:
        case v.RequestVoteReply(vote_granted=granted):
            yield replace(message, vote_granted=not granted)
        case v.RequestVoteCall(last_position=last) | v.AppendEntriesReply(last_position=last):
            for index in around(last.index):
                yield replace(message, last_position=v.Position(last.term, index))
            for term in (*around(last.term), message.term):
                yield replace(message, last_position=v.Position(term, last.index))
        case v.AppendEntriesCall(prev_position=prev, commit_index=commit, entries=entries):
            for index in around(prev.index):
                yield replace(message, prev_position=v.Position(prev.term, index))
            for index in (commit + 1, prev.index + len(entries)):
                yield replace(message, commit_index=index)
            for at, entry in enumerate(entries):
                for term in around(entry.term):
                    wrong = put(tuple(entries), at, entry._replace(term=term))
                    yield replace(message, entries=wrong)


def snapshots(
    cluster: Cluster, variables: HistoryVariables, at: int, sent: Sent
) -> Iterator[State]:
    """A snapshot of another term, sender or position, and known as such."""
    others: list[Sent] = [sent._replace(term=term) for term in around(sent.term)]
    others += [sent._replace(sender=sender) for sender in range(variables.size)]
    for index in around(sent.position.index):
        others.append(sent._replace(position=v.Position(sent.position.term, index)))
    for one in others:
        content = cluster.network[at].content
        assert isinstance(content, Snapshot)
        wrong = Snapshot(one.sender, one.position, content.config)
        network = put(cluster.network, at, Envelope(one.to, wrong))
        history = variables._replace(snapshots=variables.snapshots | {one})
        yield cluster._replace(network=network), history


def histories(variables: HistoryVariables) -> Iterator[HistoryVariables]:
    for at, leadership in enumerate(variables.leaderships):
        yield variables._replace(leaderships=put(variables.leaderships, at, None))
        if leadership is not None:
            for leader in range(variables.size):
                changed = leadership._replace(leader=leader)
                yield variables._replace(leaderships=put(variables.leaderships, at, changed))
            for log in logs(v.new_log(entries=leadership.log)):
                other = Leadership(leadership.leader, tuple(log.entries))
                yield variables._replace(leaderships=put(variables.leaderships, at, other))
    for at, counted in enumerate(variables.counted):
        yield variables._replace(counted=put(variables.counted, at, None))
        if counted is not None:
            for term in around(counted.term):
                changed_ = Counted(term, counted.up_to)
                yield variables._replace(counted=put(variables.counted, at, changed_))
            yield variables._replace(
                counted=put(variables.counted, at, counted._replace(up_to=at - 1))
            )
    taken = variables.taken
    if taken is not None:
        for seqno in around(taken.seqno):
            yield variables._replace(taken=taken._replace(seqno=seqno))
        yield variables._replace(taken=taken._replace(stale=not taken.stale))
        for n in range(variables.size):
            yield variables._replace(taken=taken._replace(left=taken.left ^ {n}))
    for n in range(variables.size):
        for term, told in enumerate(variables.told[n]):
            for vote in {NOBODY, *range(variables.size)} - {told}:
                yield variables._replace(
                    told=put(variables.told, n, put(variables.told[n], term, vote))
                )
        for term, ack in enumerate(variables.ack[n]):
            for index in around(ack):
                yield variables._replace(
                    ack=put(variables.ack, n, put(variables.ack[n], term, index))
                )


def around(number: int) -> tuple[int, ...]:
    return (number - 1, number + 1) if number else (1,)


def put(values: tuple[Any, ...], at: int, value: Any) -> tuple[Any, ...]:
    return (*values[:at], value, *values[at + 1 :])
