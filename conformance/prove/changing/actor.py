"""The acting server of a cluster whose membership changes.

Of a configuration nothing is known but whether it is a joint one, and what the acting server is in
it.  Who else votes, z3 is left to choose.  So two rules of the specification are not run here but
taken at their word, `has_quorum` and `quorum_index`; that they keep it is proved for configurations
of every size (`conformance.prove.quorums`).

Who is a peer is no matter of safety: all nodes are, so a leader has to do with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from conformance.prove.changing.statements.lemmas import quorum
from conformance.prove.changing.statements.views import IS_CONFIG, JOINT, NEW, OLD, Before
from conformance.prove.induction import actor as fixed
from conformance.prove.induction.actor import Window
from conformance.prove.induction.answers import answering
from conformance.prove.induction.unread import LastOnly, Token, UnreadError
from conformance.prove.statements.lemma import EntryTerm, within
from conformance.prove.statements.logic import Formula, either, negation
from conformance.prove.statements.views import ACTOR, FOUNDING
from conformance.symbolic.held import Held
from conformance.symbolic.number import Number
from conformance.symbolic.paths import Paths
from spec import values as v
from spec.cluster import Rule

BEFORE: Final = -1
"""The place of a configuration that the log has before the entries that the code reads."""


class Part(NamedTuple):
    """What is known of a configuration: is it joint, has it the acting server as an old or a new
    voter.  None: the code does not ask.
    """

    joint: bool | None = None
    old: bool | None = None
    new: bool | None = None

    def __str__(self) -> str:
        if self.joint is None:
            return "any configuration"
        votes = [name for name, is_so in (("old", self.old), ("new", self.new)) if is_so]
        kind = "joint" if self.joint else "not joint"
        return f"{kind}, {' and '.join(votes) or 'no'} voter"


PARTS: Final = [
    *[Part(False, old, False) for old in (True, False)],
    *[Part(True, old, new) for old in (True, False) for new in (True, False)],
]


class Voters(frozenset[int]):
    """Some of the nodes, of which it is only known whether the acting server is one."""

    known: bool | None
    size: int

    @classmethod
    def of(cls, size: int, known: bool | None) -> Voters:
        made = cls({ACTOR})
        made.size, made.known = size, known
        return made

    def __contains__(self, node: object) -> bool:
        if node != ACTOR or self.known is None:
            raise UnreadError(f"whether {node} is a voter was read")
        return self.known

    def __or__(self, other: Any) -> Any:
        known = [one.known for one in (self, other) if isinstance(one, Voters)]
        return Voters.of(self.size, None if None in known else any(known))

    def __ror__(self, other: Any) -> Any:
        return self | other

    def __and__(self, other: Any) -> Any:
        """Of voters and non-voters: nobody is both, or the leader refuses."""
        return frozenset()

    def __sub__(self, other: Any) -> Any:
        return frozenset(range(self.size)) - other

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


class Shown(v.Config):
    """A configuration in the log; `entry` is what has it, to z3."""

    entry: EntryTerm
    part: Part

    @property
    def is_joint(self) -> bool:
        if self.part.joint is None:
            raise UnreadError("whether a configuration is joint was read")
        return self.part.joint


class Proposed(v.Config):
    """One that a user proposes: the voters are those in force, or the leader refuses."""


def shown(part: Part, entry: EntryTerm, size: int) -> Shown:
    made = Shown(Voters.of(size, part.old), Voters.of(size, part.new), Voters.of(size, False))
    object.__setattr__(made, "entry", entry)
    object.__setattr__(made, "part", part)
    return made


def is_part(entry: EntryTerm, part: Part) -> list[Formula]:
    facts: list[Formula] = [IS_CONFIG(entry)]
    if part.joint is not None:
        facts.append(JOINT(entry) == part.joint)
    if part.old is not None:
        facts.append(OLD[ACTOR](entry) == part.old)
    if part.joint and part.new is not None:
        facts.append(NEW[ACTOR](entry) == part.new)
    return facts


class AnyLog(LastOnly):
    """Who could campaign before the latest configuration is no matter of safety: the server may."""

    def latest_config(self, index: Any) -> tuple[v.Config, Any]:
        return v.Config(frozenset({ACTOR})), index


class Actor(fixed.Actor):
    before: Before

    def __init__(self, paths: Paths, before: Before) -> None:
        super().__init__(paths, before)
        self.config = shown(Part(), FOUNDING, before.size)
        self.part: Part | None = None
        self.place = BEFORE
        self.in_force: EntryTerm = None
        self.told: list[Formula] = []
        """What the rules that are taken at their word have answered in the run that goes on."""
        self.required: list[Formula] = []
        """What that run went on with, and has to follow on its path: see `quorum_index`."""
        self._given: dict[str, Any] = {}

    def configure(self, part: Part, place: int = BEFORE) -> None:
        """What is known of the configuration in force, and which of the entries that are read it
        is.  Without this the code does not read configurations.
        """
        self.part, self.place = part, place

    def known(self, entry: EntryTerm) -> v.Config:
        """It is the one in force."""
        assert self.part is not None
        self.links += is_part(entry, self.part)
        self.in_force = entry
        return shown(self.part, entry, self.before.size)

    def entries(self, name: str, count: int, least: Any, most: Any) -> v.Entries:
        made = list(super().entries(name, count, least, most))
        if name == "entry" and self.part is not None:
            for k, entry in enumerate(made):
                payload: Any = entry.payload
                if k == self.place:
                    made[k] = v.Entry(entry.term, self.known(payload.entry))
                elif k > self.place:
                    self.links.append(negation(IS_CONFIG(payload.entry)))
        return Held(made)

    def window(self, name: str, window: Window, most: int | Number) -> v.Log:
        start, count = window
        here = name == "entry" and self.part is not None and self.place == BEFORE
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
        if log is None and self.part is not None:
            last = self.paths.term(made.log.last_index)
            self.case(last >= 1)
            config = self.known(self._config_at(last))
            known: Any = AnyLog(made.log.last_position, config, self.number("config_index"))
            made = made._replace(log=known)
        return made

    def _role(self, role: Any, log: Any) -> Any:
        made = super()._role(role, log)
        if isinstance(made, v.Leader):
            at = self.paths.term(self.given_by_rule("quorum index"))
            self.paths.assume(at >= 0, at <= self.paths.term(log.last_index))
        return made

    def equals(self, *numbers: int | Number) -> None:
        """Servers differ by what they are in a configuration."""

    def entry(self, entry: v.Entry) -> EntryTerm:
        payload: Any = entry.payload
        if isinstance(payload, (Token, Shown)):
            return payload.entry
        return self.created

    # The rules that are taken at their word

    @contextmanager
    def taken_at_their_word(self, rule: Rule) -> Iterator[None]:
        """For one run: another one is told nothing of what they answered in this."""
        self.told, self.required = [], []
        with answering(rule, has_quorum=self.has_quorum, quorum_index=self.quorum_index):
            yield

    def has_quorum(self, config: v.Config, nodes: frozenset[int]) -> bool:
        assert isinstance(config, Shown)
        if nodes == {ACTOR}:
            # No configuration has an only voter: its leader would not wait for its disk.
            return False
        name = "quorum of " + "".join(map(str, sorted(nodes)))
        is_one = self.given_by_rule(name)
        at = self.paths.term(is_one)
        of = [m in nodes for m in range(self.before.size)]
        self.told.append((at == 1) == quorum(self.before, config.entry, of))
        return bool(is_one == 1)

    def quorum_index(self, node: v.Node) -> Any:
        """A number that a quorum holds, and one server holds no more than it.

        Paths are sought where it lies within the log, as all that is held does: there the code
        finds an entry.  No formula says so, so that it is a goal of each path.
        """
        config, role, at = node.log.config, node.role, self.paths.term
        assert isinstance(config, Shown)
        assert isinstance(role, v.Leader)
        if self.required:
            raise UnreadError("a second quorum index was read, and the run knows of one")
        held = {peer.node: at(peer.match) for peer in role.peers} | {ACTOR: at(role.durable)}
        index = self.given_by_rule("quorum index")
        c = at(index)
        members = range(self.before.size)
        self.told.append(quorum(self.before, config.entry, [held[m] >= c for m in members]))
        self.told.append(either(*[held[m] == c for m in members]))
        self.required.append(within(0, c, at(node.log.last_index)))
        return index

    def given_by_rule(self, name: str) -> Any:
        """A number that a rule gives, the same each time that the code is run."""
        if name not in self._given:
            self._given[name] = self.paths.number(name)
        return self._given[name]
