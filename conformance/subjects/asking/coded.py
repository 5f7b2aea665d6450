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
from spec import values as v

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
WHOLE: Final = "Node"
"""A checkpoint of the node that is asked."""


def _argument(node: v.Node, kind: str) -> tuple[str, Varied | None]:
    return kind, None if kind == WHOLE else KINDS[kind][0](node)


def _misread(to: Translate, node: LibraryNode, asked: tuple[str, Varied | None]) -> object:
    codec = to.library.codec
    kind, varied = asked
    if varied is None:
        return tuple(_differences(codec.CHECKPOINT, _checkpoints(codec, node)))
    value, others = varied
    made = [KINDS[kind][1](to, one, False) for one in (value, *others)]
    return tuple(_differences(getattr(codec, CODECS[kind]), made))


def _checkpoints(codec: Any, node: LibraryNode) -> list[Any]:
    """None of a node that owes something."""
    disk = codec.Disk(node.current_term, node.voted_for, node.log.copy())
    try:
        return [codec.Checkpoint.of(node, disk)]
    except codec.CodecError:
        return []


def _differences(codec: Any, values: list[Any]) -> Iterator[str]:
    for value in values:
        for read in (
            codec.decode(codec.encode(value)),
            codec.from_plain(json.loads(json.dumps(codec.to_plain(value)))),
        ):
            if read != value:
                yield f"{value!r} is read as {read!r}"


CODED: Final = Question("codec", (*CODECS, WHOLE), _argument, lambda node, _: (), _misread)
