"""What the parts of a server's core share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias

from raftbare import Limits, Node, NodeId
from raftbare.recorder import RecordedNode

from .letters import Answer, PeerLetter


@dataclass(frozen=True, slots=True)
class Settings:
    """Times in seconds, sizes in bytes.

    - `heartbeat`: between a leader's signs of life.
    - `election_timeout`: followers wait once to twice as long for one.  Well above a round trip,
      the time of a write to the disk, and several heartbeats (§5.6).
    - `command`: no command may be larger.
    - `log`: the log is compacted when its commands have grown to this size, and at four times this
      size though a member may still need it.
    - `chunk`, `window`: snapshots are sent in parts of this size, that many at a time.
    - `reads`: no more wait at a time; of commands, `limits.uncommitted`.
    - `limits`: of the library.  A frame carries `limits.entries` commands at the most, so memory
      for `limits.entries * command` bytes is needed for each connection.
    """

    heartbeat: float = 0.1
    election_timeout: float = 1.0
    command: int = 64 * 1024
    log: int = 8 * 1024 * 1024
    chunk: int = 256 * 1024
    window: int = 4
    reads: int = 10_000
    limits: Limits = Limits(entries=256, calls=8, uncommitted=10_000)  # noqa: RUF009

    @property
    def frame(self) -> int:
        """No frame is larger."""
        return self.limits.entries * (self.command + 64) + 4 * self.chunk


AnyNode: TypeAlias = Node | RecordedNode


class Client(Protocol):
    """Who waits for an answer, and may have gone."""

    def send(self, letter: Answer, /) -> None: ...


class Outbox(Protocol):
    """Where letters to other servers go.  What was sent may be lost, and nothing is raised here."""

    def send(self, to: Iterable[NodeId], letter: PeerLetter) -> None:
        """The same letter to each of these."""


@dataclass(slots=True)
class Context:
    """`now`: the time of this turn, on a clock that does not go back; the shell reads it."""

    node: AnyNode
    outbox: Outbox
    settings: Settings
    random: Random
    now: float

    @property
    def leads(self) -> bool:
        return self.node.role.is_leader

    def send(self, to: NodeId, letter: PeerLetter) -> None:
        self.outbox.send((to,), letter)
