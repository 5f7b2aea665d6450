"""Lines are written as text; the codec's plain values say what that text has to be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

import raftbare as rb
from raftbare import codec
from raftbare.recorder.line import Line, Shown
from raftbare.recorder.usual import message_text
from tests.codec.values import ACTIONS, MESSAGES

NODE = rb.Node.start(rb.NodeId(3))


@given(MESSAGES)
def test_a_message_is_as_the_codec_has_it(message: rb.Message) -> None:
    line = Line(NODE.id, 1, None, "message")
    line.message(message)
    line.outcome("null")
    record = json.loads(line.ended(NODE, Shown()))
    assert record["event"]["message"] == codec.MESSAGE.to_plain(message)
    assert list(record["event"]["message"]) == list(codec.MESSAGE.to_plain(message))


@given(ACTIONS)
def test_an_action_is_as_the_codec_has_it(executed: codec.Executed) -> None:
    line = Line(NODE.id, 1, 0.5, "election_timeout")
    line.outcome("null")
    line.drain()
    for _ in range(2):
        line.action(NODE, executed.action)
    record = json.loads(line.ended(NODE, Shown()))
    plain = codec.ACTION.to_plain(codec.Executed.by(NODE, executed.action))
    assert record["actions"] == [plain, plain]


def test_the_usual_is_written_at_once_and_all_else_field_by_field() -> None:
    large = rb.LogPosition(rb.Term(1), rb.LogIndex(2**64 - 1))
    header = rb.MessageHeader(rb.NodeId(0), rb.Term(1), rb.MessageSeqNo(1))
    usual = rb.AppendEntriesReply(header, rb.LogPosition(rb.Term(1), rb.LogIndex(7)), True)
    assert message_text(usual)
    assert not message_text(rb.AppendEntriesReply(header, large, True))
    assert not message_text(rb.RequestVoteReply(header, True))
    beyond = rb.LogPosition(rb.Term(1), rb.LogIndex(2**64))
    with pytest.raises(codec.CodecError):
        Line(NODE.id, 1, None, "message").message(rb.AppendEntriesReply(header, beyond, True))
