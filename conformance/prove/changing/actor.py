"""The acting server of a cluster whose membership changes, of any number of servers.

Of a configuration nothing is known but whether it is a joint one, and what the acting server is in
it.  Who else votes, z3 is left to choose.  The code is run on the names of a fixed membership, and
where it may come to another configuration on two more: one of the peers that then go, and one of
those that come.

A server may be the only voter, and without a peer: whether there are others is left open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import z3

from conformance.prove.any_size import actor as fixed
from conformance.prove.any_size.views import Each
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT, NEW, OLD, Before
from conformance.prove.induction.actor import Window
from conformance.prove.induction.events import OTHER
from conformance.prove.induction.unread import LastOnly, Token, UnreadError
from conformance.prove.statements.lemma import EntryTerm
from conformance.prove.statements.logic import Formula, both, choose, negation
from conformance.prove.statements.names import Name
from conformance.prove.statements.views import ACTOR, FOUNDING, SENDER
from conformance.symbolic.held import Held
from conformance.symbolic.number import Number
from conformance.symbolic.paths import Paths
from spec import values as v

BEFORE: Final = -1
"""The place of a configuration that the log has before the entries that the code reads."""
IS_JOINT: Final = "is joint"
LEFT_BY_SENDER: Final = "is followed by one without the sender"
SAME_VOTERS: Final = "is followed by one of the same voters"
LEAVES: Final = Name(3)
"""Stands for any other peer that is none of the next configuration."""
COMES: Final = Name(4)
"""Stands for any peer of the next configuration that is none yet."""
CHANGES: Final = z3.Function("changes", z3.IntSort(), z3.BoolSort())
"""Of each server but the sender whether it goes or comes, where another configuration follows."""


class Members(frozenset[int]):
    """Some servers, by the names that stand for them.  `acts` says whether the acting server is
    one of them.
    """

    acts: Callable[[], bool]

    @classmethod
    def of(cls, acts: Callable[[], bool], *names: int) -> Members:
        made = cls(names)
        made.acts = acts
        return made

    def __contains__(self, node: object) -> bool:
        if node != ACTOR:
            raise UnreadError(f"whether {node} is a voter was read")
        return self.acts()

    def __or__(self, other: Any) -> Any:
        known = [one for one in (self, other) if isinstance(one, Members)]
        return Members.of(lambda: any(one.acts() for one in known), *self, *other)

    def __ror__(self, other: Any) -> Any:
        return self | other

    def __and__(self, other: Any) -> Any:
        """Of voters and non-voters: nobody is both, or the leader refuses."""
        return frozenset()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Shown(v.Config):
    """A configuration in the log; `entry` is what has it, to z3.

    What the code asks of it, it `decides` then: is it a joint one, has it the acting server as a
    voter, or as a new one.  Whatever its members are, they have three names.
    """

    entry: EntryTerm
    decides: Callable[[str], bool]

    def __init__(self, entry: EntryTerm, decides: Callable[[str], bool]) -> None:
        known = {
            "voters": Members.of(lambda: decides("votes")),
            "non_voters": Members(),
            "entry": entry,
            "decides": decides,
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def is_joint(self) -> bool:
        return self.decides(IS_JOINT)

    @property
    def new_voters(self) -> Members:
        names = (OTHER,) if self.decides(LEFT_BY_SENDER) else (SENDER, OTHER)
        return Members.of(lambda: self.decides("votes as a new voter"), *names)

    @property
    def members(self) -> frozenset[int]:
        return frozenset((SENDER, OTHER, LEAVES))

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Proposed(v.Config):
    """One that a user proposes."""


class ProposedVoters(Members):
    """Those of the configuration in force, or others."""

    are_same: Callable[[], bool]

    def __ne__(self, other: object) -> bool:
        return not self.are_same()

    __hash__ = Members.__hash__


def proposed(actor: Actor, joint: bool) -> Proposed:
    """A configuration that may be without some members, and with others."""
    voters, others = ProposedVoters(), Members.of(nobody, SENDER, OTHER, COMES)
    voters.are_same = lambda: actor.decides(SAME_VOTERS)
    return Proposed(voters, others if joint else frozenset(), others)


def nobody() -> bool:
    return False


class AnyLog(LastOnly):
    """Who could campaign before the latest configuration is no matter of safety: the server may."""

    def latest_config(self, index: Any) -> tuple[v.Config, Any]:
        return v.Config(frozenset({ACTOR})), index


class Actor(fixed.Actor):
    before: Before

    def __init__(self, paths: Paths, before: Before) -> None:
        super().__init__(paths, before)
        self.config: v.Config = Shown(FOUNDING, self.refuses)
        self.place: int | None = None
        self.sender_leaves = False
        self.in_force: EntryTerm = None

    def configure(self, place: int = BEFORE, sender_leaves: bool = False) -> None:
        """Which of the entries that are read is the configuration in force; and whether the sender
        may be none of the one that follows it.  Without this the code reads no configuration.
        """
        self.place, self.sender_leaves = place, sender_leaves

    def known(self, entry: EntryTerm) -> v.Config:
        """It is the one in force."""
        self.links += [IS_CONFIG(entry), JOINT(entry) == self.is_so(IS_JOINT)]
        self.in_force = entry
        return Shown(entry, self.decides)

    def decides(self, what: str) -> bool:
        """Of the configuration in force."""
        if what == LEFT_BY_SENDER and not self.sender_leaves:
            return False
        return bool(self._number(what) == 1)

    def is_so(self, what: str) -> Formula:
        """What was decided."""
        return self.paths.term(self._number(what)) == 1

    def refuses(self, what: str) -> bool:
        raise UnreadError(f"of a configuration that is not in force was read if it {what}")

    def entries(self, name: str, count: int, least: Any, most: Any) -> v.Entries:
        made = list(super().entries(name, count, least, most))
        if name == "entry" and self.place is not None:
            for k, entry in enumerate(made):
                payload: Any = entry.payload
                if k == self.place:
                    made[k] = v.Entry(entry.term, self.known(payload.entry))
                elif k > self.place:
                    self.links.append(negation(IS_CONFIG(payload.entry)))
        return Held(made)

    def window(self, name: str, window: Window, most: int | Number) -> v.Log:
        start, count = window
        here = name == "entry" and self.place == BEFORE
        if start == "empty":
            return v.Log()
        if start == "founded":
            founding = v.Entry(0, self.known(FOUNDING) if here else self.config)
            rest = self.entries(name, count, 0, most)
            return v.new_log(v.ZERO, v.NO_CONFIG, Held((founding, *rest)))
        log = super().window(name, window, most)
        if here:
            config = self.known(self._config_at(self.paths.term(log.snapshot_position.index)))
            log = v.new_log(log.snapshot_position, config, log.entries)
        return log

    def _config_at(self, index: Any) -> EntryTerm:
        """The entry of the configuration in force at an index of the acting server's log."""
        entry = self.was.log(self.before.last_config(self.was.log, index))
        self.hints += [entry, self.was.log(index)]
        return entry

    def node(self, role: Any, log: Window | None, vote: Any) -> Any:
        made = super().node(role, log, vote)
        if log is None and self.place is not None:
            last = self.paths.term(made.log.last_index)
            self.case(last >= 1)
            config = self.known(self._config_at(last))
            known: Any = AnyLog(made.log.last_position, config, self.number("config_index"))
            made = made._replace(log=known)
        return made

    def others(self) -> list[v.Progress]:
        return [self.other(OTHER), *([] if self.place is None else [self.other(LEAVES)])]

    def entry(self, entry: v.Entry) -> EntryTerm:
        payload: Any = entry.payload
        if isinstance(payload, (Token, Shown)):
            return payload.entry
        return self.created

    # What the step has made of it

    def _of_each(self, role: v.Leader, name: str, at: int) -> Each:
        """Of who was no peer before, or is none now, nothing is known: 0."""
        peers = [peer for peer in role.peers if peer.node != COMES]
        names = {peer.node for peer in peers}
        if self.place is None or LEAVES in names:
            return super()._of_each(role, name, at)
        if SENDER not in names:
            peers.append(v.Progress(SENDER))
        known = super()._of_each(v.Leader(tuple(peers)), name, at)
        return Each(lambda m: choose(both(m != SENDER, CHANGES(m)), 0, known[m]))

    def majorities(self, config: v.Config) -> list[tuple[Formula, tuple[Any, ...]]]:
        assert isinstance(config, Shown)
        entry = config.entry
        return [(True, (OLD(entry),)), (JOINT(entry), (NEW(entry),))]
