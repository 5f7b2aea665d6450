"""What the records of a cluster tell, put together: moments in one order, messages between them.

Every view is made of this, and of nothing else.  Nothing here judges: what is wrong is what an
audit found (`conformance.show.read`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from conformance.observe.observed import Observed
from conformance.observe.recorded import Recorded
from spec.cluster import Disk, Snapshot
from spec.values import Message, NodeId

Fate: TypeAlias = Literal["received", "late", "repeated", "lost", "unrecorded", "unsent"]
"""What became of a message, as far as the recording tells.

received    once
late        once, after another message that was sent later between the same two
repeated    more than once
lost        never: it was lost, or was still under way at the end
unrecorded  its receiver is not in the recording
unsent      it was received, and nothing recorded has sent it
"""


@dataclass(slots=True)
class Sending:
    """A message, or a snapshot, on its way from one node to another.

    `sent` and `received` are places of moments; `sent` is None for a message that nothing recorded
    has sent.
    """

    number: int
    content: Message | Snapshot
    sender: NodeId
    to: NodeId
    sent: int | None
    received: list[int] = field(default_factory=list)
    fate: Fate = "lost"


@dataclass(slots=True)
class Moment:
    """A record at its place in the order, counted from 1.

    before     what the node showed before; None at its first record
    disk       what it has written down by the end of the record.  A recording that begins in the
               midst of things, and not by a checkpoint, leaves gaps in it
    received   the number of the message that arrived, if one did
    sent       the numbers of what was sent, in the order in which it was
    previous   the place of the node's moment before; None for the first
    """

    place: int
    record: Recorded
    before: Observed | None
    disk: Disk
    received: int | None
    sent: list[int]
    previous: int | None

    @property
    def node(self) -> NodeId:
        return self.record.node


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that an audit found.  `place` is None where no single record shows it.

    `departure`: it says no more than that the specification would have done otherwise.  `note`: how
    the records are to be read, if they are not those of who is wrong.
    """

    name: str
    detail: str
    node: NodeId | None
    place: int | None
    departure: bool = False
    note: str = ""


Order: TypeAlias = Literal["recorded", "causal"]
"""Where the order of the moments is from.

recorded  one file: as its lines come
causal    several files without a common clock: each file's own order, and what was sent comes
          before it was received.  What these leave open is drawn in some order, and happened in any
"""

ORDERS: dict[Order, str] = {
    "recorded": "the order of the events is that of the file",
    "causal": "the files have no common clock: known are each file's own order, and that a message "
    "is sent before it is received; what this leaves open may have happened in any order",
}


@dataclass(slots=True)
class Picture:
    """A run, as its recordings tell it."""

    moments: list[Moment] = field(default_factory=list)
    sendings: list[Sending] = field(default_factory=list)
    nodes: list[NodeId] = field(default_factory=list)
    """Those that are recorded, in ascending order."""
    order: Order = "recorded"
    against_order: list[int] = field(default_factory=list)
    """Places of what was received before it can have been sent: the files contradict each other."""
    wrong: list[Wrong] = field(default_factory=list)
    """What the audit found: what a moment shows first, in the order of the moments."""
    verdict: str = "inconclusive"
    """The audit's."""
    sources: list[str] = field(default_factory=list)
    """The files, and what they say was recorded."""
    specified: bool = False
    """Whether the specification has a counterpart to each event, so that it can be asked."""
    unread: list[str] = field(default_factory=list)
    """Why files could not be read to their end."""

    def moment(self, place: int) -> Moment:
        return self.moments[place - 1]

    @property
    def first_wrong(self) -> Wrong | None:
        """The first thing that was wrong: a broken property, or else a departure."""
        for departure in (False, True):
            for one in self.wrong:
                if one.departure is departure and one.place is not None:
                    return one
        return self.wrong[0] if self.wrong else None

    def first_departure(self) -> Wrong | None:
        """Where a node first did otherwise than specified."""
        return next((one for one in self.wrong if one.departure), None)

    def causes(self, place: int) -> set[int]:
        """The places of all that a moment can depend on, itself among them (Lamport's happened
        before).  Costs what it returns.
        """
        seen, left = set(), [place]
        while left:
            at = left.pop()
            if at in seen:
                continue
            seen.add(at)
            moment = self.moment(at)
            sent = None if moment.received is None else self.sendings[moment.received].sent
            left += [before for before in (moment.previous, sent) if before is not None]
        return seen
