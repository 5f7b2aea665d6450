"""Linearizable reads without an entry in the log (§8; dissertation, §6.4).

All reads that wait are confirmed by one round of calls, and answered together; those that come
meanwhile wait for the next round.
"""

from __future__ import annotations

from collections.abc import Callable

from raftbare import LogIndex, NotLeaderError, ReadIndex

from .context import Client, Context
from .letters import Done, Query, Refused


class Reads:
    """A leader's reads that wait.  `query` asks the state machine."""

    def __init__(self, context: Context, query: Callable[[bytes], bytes]) -> None:
        self._context = context
        self._query = query
        self._waiting: list[tuple[Client, Query]] = []  # for a round
        self._asked: list[tuple[Client, Query]] = []  # for the end of the one that is under way
        self._read: ReadIndex | None = None  # what that one confirms

    def __len__(self) -> int:
        return len(self._waiting) + len(self._asked)

    def take(self, client: Client, query: Query) -> None:
        """Of a leader."""
        self._waiting.append((client, query))

    def call(self) -> None:
        """Begin the next round, unless one is under way.  The next drain makes the calls."""
        if self._waiting and self._read is None and self._context.leads:
            self._read = self._context.node.read_index()
            if self._read is not None:  # else it does not know yet what is committed
                self._context.node.heartbeat()
                self._asked, self._waiting = self._waiting, []

    def serve(self, applied: LogIndex) -> None:
        """End the round, if it is confirmed and as much is applied, and begin the next one."""
        if not self._context.leads:
            self._fail()
            return
        try:
            read = self._read
            if read and self._context.node.is_confirmed(read) and read.index <= applied:
                for client, query in self._asked:
                    client.send(Done(query.tag, self._query(query.question)))
                self._asked, self._read = [], None
        except NotLeaderError:  # it leads again, in a later term
            self._fail()
        self.call()

    def _fail(self) -> None:
        lost = self._asked + self._waiting
        self._asked, self._waiting, self._read = [], [], None
        for client, query in lost:
            client.send(Refused(query.tag, "this server leads no more", True))
