"""Messages, logs and all else of the protocol as plain values and as bytes, and back.

For each kind of value there is a `Codec`, for example `MESSAGE`:

    data = codec.MESSAGE.encode(message)        # to the network
    message = codec.MESSAGE.decode(data)
    plain = codec.MESSAGE.to_plain(message)     # to a recording, or a log
    message = codec.MESSAGE.from_plain(json.loads(text))

**Plain values** are those of the trace format, which `traces/FORMAT.md` of the repository that this
package comes from describes: `json.dumps` makes of them what a line of a recording has.

**Commands have no content here**, as in all of this library, and take no space: a run of them is a
number.  A driver sends contents beside the bytes.  A frame that does: the length of the codec's
bytes, these bytes, and for each command of the call's entries, in their order, the length of its
content and the content.  The receiver reads all of it, calls `decode`, checks that there are as
many contents as commands, and keeps them under the entries' positions
(`LogEntries.iter_with_positions`) before the next drain, which may write them.

What is read may come from anybody
----------------------------------

Whatever is not exactly as described raises `CodecError`, and never another error.  It says where,
what is there, and what was expected.  Unknown versions, kinds and fields are refused, as are
missing fields, bytes too few or too many, booleans for integers, negative numbers, names that do
not ascend, terms that fall, and what is beyond these limits:

- integers are below 2**64: `MAX_INTEGER`;
- a list of entries stands for 2**24 entries at most: `MAX_ENTRIES`;
- any other list has 10,000 items at most: `MAX_ITEMS`.

Time and memory are in proportion to what is read, whatever it claims to contain: at the most some
200 bytes for one of the input, so it is for the driver to limit the length of a frame.  A value
beyond the limits is not written either.  That a value can be read does not make it true: a codec
knows no node, and nothing of who sent the bytes.

The bytes, version 1
--------------------

The first byte is 16 times the version, plus the kind: 1 message, 2 position, 3 configuration, 4
entries, 5 log, 6 limits, 7 action, 8 disk, 9 checkpoint.  The fields follow without their names: a
`type` or `role` first, the others in the order in which the trace format lists them, those that
have their default too.

- an integer: seven bits a byte, the lowest first, each but the last with 128 added; in as few bytes
  as it takes;
- true or false: 1 or 0; null or an integer: 0, or 1 and the integer;
- a `type` or `role`: its place in the format's description, counted from 0;
- a list of names: how many, and the names;
- an object: its fields;
- a list of entries: for each item 1, 2 or 3 (commands, term, configuration) and its field; then 0;
- any other list: for each item 1 and its fields; then 0.

One value has one encoding.  The version changes with any change of this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar, final

from raftbare.arguments import wrong_of
from raftbare.codec.binary import BytesSink, BytesSource
from raftbare.codec.checkpoint import Checkpoint as Checkpoint
from raftbare.codec.checkpoint import Executed as Executed
from raftbare.codec.checkpoint import Peer as Peer
from raftbare.codec.forms import MAX_ENTRIES as MAX_ENTRIES
from raftbare.codec.forms import MAX_INTEGER as MAX_INTEGER
from raftbare.codec.forms import MAX_ITEMS as MAX_ITEMS
from raftbare.codec.forms import CodecError as CodecError
from raftbare.codec.forms import Plain as Plain
from raftbare.codec.forms import Sink, Source
from raftbare.codec.plain import PlainSink, PlainSource
from raftbare.codec.vocabulary import (
    read_action,
    read_checkpoint,
    read_config,
    read_disk,
    read_entries,
    read_limits,
    read_log,
    read_message,
    read_position,
    write_action,
    write_checkpoint,
    write_config,
    write_disk,
    write_entries,
    write_limits,
    write_log,
    write_message,
    write_position,
    write_state,
)
from raftbare.config import ClusterConfig
from raftbare.entries import LogEntries
from raftbare.limits import Limits
from raftbare.log import Log
from raftbare.message import Message
from raftbare.node import Node
from raftbare.recovery import Disk as Disk
from raftbare.types import LogPosition

T = TypeVar("T")

VERSION: Final = 1
"""Of the bytes."""

NAMES: Final = (
    "message",
    "position",
    "config",
    "entries",
    "log",
    "limits",
    "action",
    "disk",
    "checkpoint",
)
"""The kinds of values, by their numbers from 1 on."""


@final
class Codec(Generic[T]):
    """Writes and reads one kind of values, in two forms.

    All four methods take time and memory in proportion to what is read or written; a value takes
    O(1) for each of its fields, node names and runs of a log.
    """

    __slots__ = ("_kind", "_read", "_write")

    def __init__(
        self, kind: int, write: Callable[[Sink, T], None], read: Callable[[Source], T]
    ) -> None:
        """For this module alone."""
        self._kind = kind
        self._write = write
        self._read = read

    def to_plain(self, value: T) -> Plain:
        """What JSON can hold; it shares nothing with the value.

        Raises `CodecError` for a value beyond the limits.
        """
        sink = PlainSink()
        self._write(sink, value)
        return sink.made

    def from_plain(self, plain: object) -> T:
        """The value that was written so, as JSON gives it: lists may be tuples, too.

        Fields that the trace format calls optional may be missing.  Raises `CodecError` for
        anything else.
        """
        source = PlainSource(NAMES[self._kind - 1], plain)
        value = self._read(source)
        source.end()
        return value

    def encode(self, value: T) -> bytes:
        """The value in few bytes.  Raises `CodecError` for a value beyond the limits."""
        sink = BytesSink(VERSION << 4 | self._kind)
        self._write(sink, value)
        return bytes(sink.made)

    def decode(self, data: bytes) -> T:
        """The value that was encoded so.  Raises `CodecError` for any other bytes.

        `data` is all of it: bytes do not say where they end, so a stream needs frames.
        Raises `TypeError` for what is no `bytes`.
        """
        if not isinstance(data, bytes):
            raise wrong_of((bytes,), data)
        if not data or data[0] != VERSION << 4 | self._kind:
            raise self._wrong_header(data)
        source = BytesSource(data)
        value = self._read(source)
        source.finish()
        return value

    def _wrong_header(self, data: bytes) -> CodecError:
        expected = f"{NAMES[self._kind - 1]} in version {VERSION}"
        if not data:
            return CodecError("byte 0", "no bytes", expected)
        version, kind = data[0] >> 4, data[0] & 15
        name = NAMES[kind - 1] if 1 <= kind <= len(NAMES) else f"kind {kind}"
        return CodecError("byte 0", f"{name} in version {version}", expected)


MESSAGE: Final[Codec[Message]] = Codec(1, write_message, read_message)
"""Each of the four messages."""

POSITION: Final[Codec[LogPosition]] = Codec(2, write_position, read_position)

CONFIG: Final[Codec[ClusterConfig]] = Codec(3, write_config, read_config)

ENTRIES: Final[Codec[LogEntries]] = Codec(4, write_entries, read_entries)
"""Entries, with the position before them."""

LOG: Final[Codec[Log]] = Codec(5, write_log, read_log)

LIMITS: Final[Codec[Limits]] = Codec(6, write_limits, read_limits)

ACTION: Final[Codec[Executed]] = Codec(7, write_action, read_action)
"""An action with what it speaks of: `Executed.by(node, action)` knows that."""

DISK: Final[Codec[Disk]] = Codec(8, write_disk, read_disk)
"""What is durable; plain, it has the fields of a recording's event `restart`."""

CHECKPOINT: Final[Codec[Checkpoint]] = Codec(9, write_checkpoint, read_checkpoint)
"""All of a node's state: `Checkpoint.of(node, disk)`.  A recording may begin with one, and be
audited from there."""


def plain_state(node: Node) -> Plain:
    """What a node shows of itself, as a line of a recording ends with it.  O(members).

    Raises `CodecError` for a number beyond the limits.
    """
    sink = PlainSink()
    write_state(sink, node)
    return sink.made
