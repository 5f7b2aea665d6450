"""What all servers hold alike: the state machine, the clients' sessions, the members.

It changes by committed entries alone, in the order of the log, and so it is the same everywhere.
All of it is in the snapshot: a session that was forgotten there would let a retry apply twice.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Final, Protocol

from msgspec.msgpack import Decoder

from raftbare import LogIndex, NodeId

from .letters import CONTENTS, Enrolled, Executed, Member, Opened
from .packing import NUMBER, Natural, Packed, decoder, pack

SESSIONS: Final = 10_000
"""So many are kept; a new one then takes the place of the one that was used longest ago.  The same
on all servers, or they would differ."""


class StateMachine(Protocol):
    """What the cluster replicates.  It is deterministic: no clock, no chance, no order of sets."""

    def apply(self, command: bytes) -> bytes:
        """Carry out a committed command.  A bad one is answered so, and raises nothing."""

    def query(self, question: bytes) -> bytes:
        """Answer without changing anything."""

    def snapshot(self) -> bytes:
        """All of the state."""

    def restore(self, data: bytes) -> None:
        """Be in the state that `snapshot` made these bytes of."""


class SessionLostError(Exception):
    """The command's session is unknown, or has gone on: nothing was applied."""


class _Session(Packed, frozen=True):
    """`number`: of its latest command, which `result` is of."""

    id: Natural
    number: Natural
    result: bytes


class _State(Packed, frozen=True):
    """A snapshot."""

    digest: bytes
    members: tuple[Member, ...]
    sessions: tuple[_Session, ...]  # the one that was used longest ago first
    machine: bytes


_STATES: Final[Decoder[_State]] = decoder(_State)


class Replica:
    """Applies committed entries; `founders` are the members with which the cluster begins."""

    def __init__(self, machine: StateMachine, founders: tuple[Member, ...]) -> None:
        self.machine = machine
        self.members: dict[NodeId, Member] = {member.id: member for member in founders}
        """All that ever were: a name is given once."""
        self.digest = b""
        """Of all that was applied: equal on servers that have applied as much."""
        self._sessions: OrderedDict[int, _Session] = OrderedDict()

    def apply(self, index: LogIndex, content: bytes) -> bytes:
        """Apply the command at `index`, and return what its client is told.

        Raises `SessionLostError`.  The cost is the state machine's.
        """
        self.digest = sha256(self.digest + NUMBER.pack(index) + content).digest()
        match CONTENTS.decode(content):
            case Opened():
                self._sessions[index] = _Session(index, 0, b"")
                if len(self._sessions) > SESSIONS:
                    self._sessions.popitem(last=False)
                return NUMBER.pack(index)
            case Enrolled(member):
                self.members.setdefault(member.id, member)
                return b""
            case Executed(session, number, command):
                return self._execute(session, number, command)

    def _execute(self, session: int, number: int, command: bytes) -> bytes:
        """Once for each number (dissertation, §6.3)."""
        found = self._sessions.get(session)
        if found is None:
            raise SessionLostError(f"session {session} is unknown, or was not used for too long")
        self._sessions.move_to_end(session)
        if number < found.number:
            raise SessionLostError(f"session {session} is at command {found.number} already")
        if number > found.number:
            found = _Session(session, number, self.machine.apply(command))
            self._sessions[session] = found
        return found.result

    def snapshot(self) -> bytes:
        """All of it.  O(size)."""
        members = tuple(self.members[node_id] for node_id in sorted(self.members))
        sessions = tuple(self._sessions.values())
        return pack(_State(self.digest, members, sessions, self.machine.snapshot()))

    def restore(self, data: bytes) -> None:
        """Be what `snapshot` was made of.  O(size).  Raises `UnreadableError`."""
        state = _STATES.decode(data)
        self.digest = state.digest
        self.members = {member.id: member for member in state.members}
        self._sessions = OrderedDict((session.id, session) for session in state.sessions)
        self.machine.restore(state.machine)
