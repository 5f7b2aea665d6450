"""Moments and messages out of records that are in order."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.observe.observed import Checkpoint, Observed
from conformance.observe.recorded import Recorded
from conformance.show.keys import Key, may_be, received_by, sent_by
from conformance.show.model import Moment, Order, Picture, Sending
from spec import values as v
from spec.cluster import Disk, Snapshot, disk_after, persist
from spec.sequence import Sequence


def put_together(records: Iterable[Recorded], order: Order = "recorded") -> Picture:
    """Of equal messages the first that is sent is taken to be the first that is received; one more
    receipt than there were sendings is a repetition.
    """
    return _Builder(records, order).picture


class _Builder:
    def __init__(self, records: Iterable[Recorded], order: Order) -> None:
        self.picture = Picture(order=order)
        self._latest: dict[v.NodeId, Moment] = {}
        self._under_way: dict[Key, list[Sending]] = {}
        """What was sent and not yet received, in order."""
        self._arrived: dict[Key, Sending] = {}
        """What was received last."""
        self._newest: dict[tuple[v.NodeId, v.NodeId], int] = {}
        """The number of the latest message that was received, by sender and receiver."""
        for record in records:
            self._add(record)
        self.picture.nodes = sorted(self._latest)
        for sending in self.picture.sendings:
            if sending.fate == "lost" and sending.to not in self._latest:
                sending.fate = "unrecorded"

    def _add(self, record: Recorded) -> None:
        latest = self._latest.get(record.node)
        before = latest.record.state if latest else None
        disk = _disk_after(latest.disk if latest else _new_disk(), record)
        place = len(self.picture.moments) + 1
        moment = Moment(place, record, before, disk, None, [], latest.place if latest else None)
        self.picture.moments.append(moment)
        moment.received = self._receive(moment, before)
        for to, message, key in sent_by(record):
            content = message or Snapshot(
                record.node, record.state.snapshot_position, disk.log.snapshot_config
            )
            sending = self._sending(content, record.node, to, place)
            moment.sent.append(sending.number)
            self._under_way.setdefault(key, []).append(sending)
        self._latest[record.node] = moment

    def _sending(
        self, content: v.Message | Snapshot, sender: v.NodeId, to: v.NodeId, sent: int | None
    ) -> Sending:
        sending = Sending(len(self.picture.sendings), content, sender, to, sent)
        self.picture.sendings.append(sending)
        return sending

    def _receive(self, moment: Moment, before: Observed | None) -> int | None:
        """The number of the message that arrives, after noting that it does."""
        event = moment.record.event
        key = received_by(moment.record, before)
        if key is None:
            return None
        sending = self._match(event, key)
        if sending is None:
            if not isinstance(event, v.Receive):
                return None  # a snapshot of its own, or by a way that is not recorded
            sending = self._sending(event.message, event.message.sender, moment.node, None)
            sending.fate = "unsent"
        else:
            between = sending.sender, sending.to
            newest = self._newest.get(between, -1)
            late = sending.number < newest
            sending.fate = "repeated" if sending.received else "late" if late else "received"
            self._newest[between] = max(newest, sending.number)
        sending.received.append(moment.place)
        return sending.number

    def _match(self, event: v.Event | Checkpoint, key: Key) -> Sending | None:
        """The first that may be this one and was not received yet, or else the last that was."""

        def fits(sending: Sending) -> bool:
            if isinstance(event, v.Receive) and not isinstance(sending.content, Snapshot):
                return may_be(event.message, sending.content)
            return True

        waiting = self._under_way.get(key, [])
        for at, sending in enumerate(waiting):
            if fits(sending):
                del waiting[at]
                self._arrived[key] = sending
                return sending
        arrived = self._arrived.get(key)
        return arrived if arrived is not None and fits(arrived) else None


def _new_disk() -> Disk:
    return Disk(log=v.new_log(entries=Sequence()))


def _disk_after(disk: Disk, record: Recorded) -> Disk:
    """What a node has written down by the end of a record."""
    match record.event:
        case v.Start():
            disk = _new_disk()
        case v.Restart(term, vote, log) | Checkpoint(disk=v.Restart(term, vote, log)):
            disk = Disk(term, vote, log._replace(entries=Sequence(log.entries)))
        case v.SnapshotInstalled() if record.outcome is True:
            disk = disk_after(disk, record.event, True)
    for action in record.actions or ():
        if isinstance(action, v.AppendLogEntries):
            disk = disk._replace(log=_written(disk.log, action))
        else:
            disk = persist(disk, action)
    return disk


def _written(log: v.Log, write: v.AppendLogEntries) -> v.Log:
    """The log after a write.  One that does not join the log is all that is known from there on."""
    if log.snapshot_position.index <= write.prev_position.index <= log.last_index:
        return log.truncated(write.prev_position.index).appended(write.entries)
    return v.new_log(write.prev_position, log.config, Sequence(write.entries))
