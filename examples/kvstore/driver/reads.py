"""Linearizable reads without an entry in the log (§8; dissertation, §6.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from raftbare import LogIndex, MessageSeqNo, NotLeaderError, ReadIndex

from .context import Client, Context
from .letters import Done, Query, Refused


class Reads:
    """A leader's reads that wait.  `query` asks the state machine."""

    def __init__(self, context: Context, query: Callable[[bytes], bytes]) -> None:
        self._context = context
        self._query = query
        self._early: list[tuple[Client, Query]] = []  # before the leader knows what is committed
        self._taken: deque[tuple[Client, Query, ReadIndex]] = deque()
        self._round = MessageSeqNo(0)  # the latest call to all

    def __len__(self) -> int:
        return len(self._early) + len(self._taken)

    def take(self, client: Client, query: Query) -> None:
        """Of a leader."""
        read = self._context.node.read_index()
        if read is None:
            self._early.append((client, query))
        else:
            self._taken.append((client, query, read))

    def called_all(self, number: MessageSeqNo) -> None:
        """A leader has sent this call to all others."""
        self._round = number

    def serve(self, applied: LogIndex) -> None:
        """Answer those that are confirmed and applied, and have the others confirmed."""
        if not len(self):
            return
        if not self._context.leads:
            self._fail()
            return
        try:
            while self._taken:
                client, query, read = self._taken[0]
                if not self._context.node.is_confirmed(read) or read.index > applied:
                    break
                self._taken.popleft()
                client.send(Done(query.tag, self._query(query.question)))
        except NotLeaderError:  # it leads again, in a later term
            self._fail()
        early, self._early = self._early, []
        for client, query in early:
            self.take(client, query)
        self._call()

    def _call(self) -> None:
        """One round of calls at a time, for all reads that came during the one before it."""
        node = self._context.node
        if self._taken and self._taken[-1][2].seqno > self._round <= node.confirmed:
            node.heartbeat()

    def _fail(self) -> None:
        lost = [*self._early, *[(client, query) for client, query, _ in self._taken]]
        self._early, self._taken = [], deque()
        for client, query in lost:
            refused = Refused(query.tag, "this server leads no more", True)
            client.send(refused)
