"""Lines are written as text; the codec's plain values say what that text has to be."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb
from raftbare import codec
from raftbare.recorder.line import State
from raftbare.recorder.records import Records
from raftbare.recorder.texts import Texts
from tests.codec.values import ACTIONS, MESSAGES

NODE = rb.Node.start(rb.NodeId(3))


@given(st.lists(MESSAGES, max_size=4), ACTIONS)
def test_a_record_is_as_the_codec_has_it(
    messages: list[rb.Message], executed: codec.Executed
) -> None:
    """Whatever came before, of which some text is kept."""
    lines: list[bytes] = []
    records = Records(NODE, lines.append, 1, lambda: 0.5)
    for message in messages:
        records.before("message")
        records.took_message(message, "null")
        for _ in range(2):
            records.executing(executed.action)
        records.drained()
    action = codec.ACTION.to_plain(codec.Executed.by(NODE, executed.action))
    for message, line in zip(messages, lines, strict=True):
        record, plain = json.loads(line), codec.MESSAGE.to_plain(message)
        assert record["event"] == {"kind": "message", "message": plain}
        assert list(record["event"]["message"]) == list(plain)
        assert record["actions"] == [action, action]
        assert record["time"] == 0.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3) | st.just(2**60)), max_size=12))
def test_a_position_is_as_the_codec_has_it(positions: list[tuple[int, int]]) -> None:
    texts = Texts()
    for term, index in positions:
        position = rb.LogPosition(rb.Term(term), rb.LogIndex(index))
        assert json.loads(texts.position(position)) == codec.POSITION.to_plain(position)


def test_what_no_trace_can_say_is_refused() -> None:
    header = rb.MessageHeader(rb.NodeId(0), rb.Term(1), rb.MessageSeqNo(1))
    beyond = rb.LogPosition(rb.Term(1), rb.LogIndex(2**64))
    with pytest.raises(codec.CodecError):
        Texts().message(rb.AppendEntriesReply(header, beyond, True))
    term = rb.Term(2**64)
    log = rb.Log(rb.ClusterConfig(), rb.LogEntries(rb.LogPosition.ZERO))
    node = rb.Node.restart(rb.NodeId(0), current_term=term, voted_for=None, log=log)
    with pytest.raises(codec.CodecError, match="current_term"):
        State(node, None, 0).text(Texts(), None)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_what_a_leader_confirms_is_told_whenever_it_is_another(size: int) -> None:
    """It is not asked for where nothing can have changed it."""
    random, told = Random(size), 0
    nodes = [rb.Node.start(rb.NodeId(name)) for name in range(size)]
    leader = nodes[0]
    leader.create_cluster([node.id for node in nodes])
    shown = State(leader, None, 0)
    waiting: list[tuple[rb.NodeId, rb.Message]] = []
    for _ in range(400):
        answered = 0
        if waiting and random.random() < 0.75:
            to, message = waiting.pop(random.randrange(len(waiting)))
            nodes[to].handle_message(message)
            answered = message.seqno if to == leader.id else 0
        elif leader.role.is_leader:
            random.choice((leader.heartbeat, leader.propose_command))()
            if random.random() < 0.01:
                leader.step_down()
        else:
            leader.handle_election_timeout()
        for node in nodes if random.random() < 0.7 else nodes[1:]:
            for action in node.actions:
                match action:
                    case rb.SendMessage(peer, sent):
                        waiting.append((peer, sent))
                    case rb.BroadcastMessage(sent):
                        waiting += [(peer, sent) for peer in node.peers]
        before, shown = shown, State(leader, shown, answered)
        assert shown.confirmed == (leader.confirmed if leader.role.is_leader else -1)
        told += shown.confirmed != before.confirmed
    assert told > 10 or size == 1
