"""A node's log, as the lengths that it shows and the calls that it takes tell of it.

Nothing follows from what a call carries alone: a follower may ignore it (etcd ignores one that
begins before its commit index).  Its own length afterwards, or its acknowledgement, says that it
did not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.audit.safety.partial.log import PartialLog, Run
from conformance.audit.safety.partial.mail import Mail
from conformance.trace.moments import Moment, SeenMessage
from spec.values import Index, Term


@dataclass(slots=True)
class _Call:
    """A call with entries that the node has received, and may have taken up to its end."""

    message: SeenMessage
    after: Index
    entries: list[Run]

    def fits(self, was: Index, last: Index) -> bool:
        """Whether a log may have come from one length to another by it."""
        return self.after <= was and self.after < last <= self.end

    @property
    def end(self) -> Index:
        return self.after + sum(run.length for run in self.entries)


class FollowedLog:
    def __init__(
        self, mail: Mail, show_committed: Callable[[Index, Term, Term | None], None]
    ) -> None:
        """`show_committed` is told of a committed entry's index, the term that the node shows for
        it, and the term that it was known to have.
        """
        self.log = PartialLog()
        self.committed: Index = 0
        """The largest commit index shown since the node came up."""
        self.given: Index = 0
        """The last index that the node came up with, whose entries may be of a later term."""
        self.jumped = False
        """Whether what is committed may be so by a snapshot: one is shown, or the log has grown by
        what is not noted, or its length is not shown.
        """
        self._mail = mail
        self._show_committed = show_committed
        self._call: _Call | None = None
        self._is_shown = False
        """Whether a length has been shown since the node came up."""

    def come_up(self, last: Index, commit: Index) -> None:
        self.log.reset(last)
        self.committed, self.given = commit, last
        self._call, self._is_shown = None, False

    def show(self, moment: Moment, term: Term | None, led: bool, commit: Index) -> None:
        """The length that a moment shows: grown by a leader's own entries, or by a call's.

        `term`: the node's; `led`: it leads it, and did at the moment before.
        """
        log, last, position = self.log, moment.last_index, moment.snapshot_position
        self.jumped = last is None or (position is not None and position.index >= commit)
        if last is not None:
            if last != log.last and self._is_shown:
                self._change(last, term, led)
            elif last != log.last:
                log.reset(last)
                self.given = last
            self._is_shown = True
            if moment.last_term is not None:
                self.learn(last, moment.last_term, commit)
        if position is not None and position.term and position.index <= log.last:
            self.learn(position.index, position.term, commit)

    def _change(self, last: Index, term: Term | None, led: bool) -> None:
        log, call, was = self.log, self._call, self.log.last
        log.cut(last)
        if led:
            log.extend([Run(last - log.last, term)])
        elif call and call.message.term == term and call.fits(was, last):
            self._take(call, last)
        else:
            # Something that is not noted: all that is not committed may be new.
            self.jumped = self.jumped or last > was
            log.cut(min(self.committed, last))
            log.extend([Run(last - log.last, None)])

    def _take(self, call: _Call, last: Index) -> None:
        """The log now has the call's entries up to an index.  What is committed stays as it was."""
        log, message = self.log, call.message
        start = min(max(call.after, self.committed), log.last, last)
        if call.after <= log.last and message.log_term is not None:
            self.learn(call.after, message.log_term)
        log.put(start, self._said(call).between(start, last))

    def learn(self, index: Index, term: Term, commit: Index = 0) -> None:
        """The node itself shows the term of an entry, and perhaps that so much is committed now."""
        known = self.log.term(index)
        if known not in (None, term):
            self.forget(self.committed)  # and others, perhaps, that it has replaced
        if 0 < index <= self.log.last:
            self.log.learn(index, term)
            if index <= self.committed:
                self._show_committed(index, term, known)
            elif index <= commit:
                self._show_committed(index, term, None)  # it may have replaced another one

    def forget(self, start: Index) -> None:
        """What follows an index may be something else from now on."""
        if start < self.log.last:
            self.log.put(start, [Run(self.log.last - start, None)])

    # Calls

    def receive(self, message: SeenMessage, term: Term | None) -> None:
        """A leader's call: a log of the same length as before may have other entries after it.

        `term`: the node's, which takes nothing of an earlier one.
        """
        self._call = None
        if message.type == "install_snapshot_call":
            self.forget(self.committed)
        if message.type != "append_entries_call" or message.index is None:
            return
        if term is not None and message.term < term:
            return
        log, index = self.log, message.index
        call = self._call = _Call(message, index, self._mail.entries(message))
        start = min(max(index, self.committed), log.last)
        if start < log.last:
            same = call.end >= log.last
            if not same or log.between(start, log.last) != self._said(call).between(
                start, log.last
            ):
                self.forget(start)

    def acknowledge(self, reply: SeenMessage) -> None:
        """Who acknowledges the end of a call says that its log has the call's entries."""
        call = self._call
        if call is None or (reply.to, reply.term) != (call.message.from_, call.message.term):
            return
        end, last = call.end, self.log.last
        upto = last if reply.index is None else reply.index
        if self.committed < end <= min(upto, last):
            self._take(call, end)
            self._call = None

    def _said(self, call: _Call) -> PartialLog:
        """A log that ends with the call's entries, and of which nothing else is known."""
        said = PartialLog()
        said.reset(call.after)
        said.extend(call.entries)
        return said
