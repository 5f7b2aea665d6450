"""Bytes: what is encoded is decoded, one value has one encoding, and it never changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb
from raftbare import codec
from tests.codec.golden import GOLDEN, LEADER
from tests.codec.values import KINDS, Kind
from tests.library.helpers import COMMAND, append_call, append_reply, opening, position

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
@given(st.data())
def test_a_value_comes_back(kind: Kind, data: st.DataObject) -> None:
    value = data.draw(kind.values)
    encoded = kind.codec.encode(value)
    assert kind.codec.decode(encoded) == value
    assert encoded[0] == 16 * codec.VERSION + 1 + [*KINDS].index(codec_name(kind))


def codec_name(kind: Kind) -> str:
    return next(name for name, other in KINDS.items() if other is kind)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_bytes_of_a_version_never_change(name: str) -> None:
    its, value, golden = GOLDEN[name]
    assert its.encode(value).hex(" ") == golden
    assert its.decode(bytes.fromhex(golden)) == value


def test_every_kind_of_value_message_action_and_role_has_golden_bytes() -> None:
    firsts = {tuple(bytes.fromhex(golden)[:2]) for _, _, golden in GOLDEN.values()}
    assert {kind for kind, _ in firsts} == {0x10 + number for number in range(1, 10)}
    for kind, choices in ((0x11, 4), (0x17, 7), (0x19, 3)):
        assert {choice for its, choice in firsts if its == kind} == {*range(choices)}


@pytest.mark.parametrize("name", GOLDEN)
def test_another_version_or_kind_is_refused(name: str) -> None:
    its, _, golden = GOLDEN[name]
    encoded, names = bytes.fromhex(golden), dict(enumerate(KINDS, start=1))
    for first in set(range(256)) - {encoded[0]}:
        with pytest.raises(codec.CodecError) as raised:
            its.decode(bytes([first]) + encoded[1:])
        version, kind = divmod(first, 16)
        assert raised.value.where == "byte 0"
        assert raised.value.problem == f"{names.get(kind, f'kind {kind}')} in version {version}"
        assert raised.value.expected == f"{names[encoded[0] % 16]} in version 1"


def test_messages_are_small_and_a_run_of_commands_is_a_number() -> None:
    """Of a cluster whose log has a million entries."""
    last = (40, 1_000_000)
    prev, commands = position(*last), [(COMMAND, codec.MAX_ENTRIES)]
    beat = append_call(1, 40, rb.LogEntries.from_runs(prev, []), 1_000_000, 100_000)
    full = append_call(1, 40, rb.LogEntries.from_runs(prev, commands), 1_000_000, 100_000)
    assert len(codec.MESSAGE.encode(beat)) == 15
    assert len(codec.MESSAGE.encode(full)) == 20
    assert len(codec.MESSAGE.encode(append_reply(2, 40, last, 100_000))) == 12
    assert codec.MESSAGE.decode(codec.MESSAGE.encode(full)) == full


@pytest.mark.parametrize("width", range(1, 11))
def test_integers_take_a_byte_for_seven_bits(width: int) -> None:
    smallest, largest = 128 ** (width - 1) if width > 1 else 0, min(128**width, 2**64) - 1
    for number in (smallest, largest):
        at = position(number, 0)
        encoded = codec.POSITION.encode(at)
        assert len(encoded) == 1 + width + 1
        assert codec.POSITION.decode(encoded) == at


def test_what_is_decoded_shares_nothing_with_what_was_encoded() -> None:
    entries = rb.LogEntries.from_runs(position(1, 1), [(opening(2), 1), (COMMAND, 3)])
    call = append_call(1, 2, entries)
    encoded = codec.MESSAGE.encode(call)
    read: Any = codec.MESSAGE.decode(encoded)
    read.entries.truncate(1)
    assert (len(entries), codec.MESSAGE.encode(call)) == (4, encoded)
    plain = codec.CHECKPOINT.to_plain(LEADER)
    plain["peers"].clear()
    assert len(codec.CHECKPOINT.to_plain(LEADER)["peers"]) == 2
