"""That bytes and plain values of `raftbare.codec` are read as what was written.

What they look like is for the tests of the codec; here they are made of all that a run comes by.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import raftbare.codec  # noqa: F401 (the package leaves it to its user)
from conformance.subjects.asking.laws import KINDS, Varied
from conformance.subjects.asking.questions import LibraryNode, Question, Translate

CODECS: Final = {
    "ClusterConfig": "CONFIG",
    "LogPosition": "POSITION",
    "Limits": "LIMITS",
    "Log": "LOG",
    "RequestVoteCall": "MESSAGE",
    "RequestVoteReply": "MESSAGE",
    "AppendEntriesCall": "MESSAGE",
    "AppendEntriesReply": "MESSAGE",
}


def _misread(to: Translate, node: LibraryNode, asked: tuple[str, Varied]) -> object:
    kind, (value, others) = asked
    made = [KINDS[kind][1](to, one, False) for one in (value, *others)]
    return tuple(_differences(getattr(to.library.codec, CODECS[kind]), made))


def _misread_checkpoint(to: Translate, node: LibraryNode, _: None) -> object:
    """Nothing can be said of a node that owes something."""
    codec = to.library.codec
    disk = codec.Disk(node.current_term, node.voted_for, node.log.copy())
    try:
        checkpoint = codec.Checkpoint.of(node, disk)
    except codec.CodecError:
        return ()
    return tuple(_differences(codec.CHECKPOINT, [checkpoint]))


def _differences(codec: Any, values: list[Any]) -> Iterator[str]:
    for value in values:
        for read in (
            codec.decode(codec.encode(value)),
            codec.from_plain(json.loads(json.dumps(codec.to_plain(value)))),
        ):
            if read != value:
                yield f"{value!r} is read as {read!r}"


CODED: Final = (
    Question(
        "codec",
        tuple(CODECS),
        lambda node, kind: (kind, KINDS[kind][0](node)),
        lambda node, _: (),
        _misread,
    ),
    Question(
        "codec.Checkpoint", (None,), lambda node, _: None, lambda node, _: (), _misread_checkpoint
    ),
)
