"""The acting server of a cluster of any number of voters.

The code is run on three names: its own, the sender's, and one that stands for any other peer.  What
a leader knows of that one is not to be read, so no path depends on it; and what has become of it is
what has become of it for each of them.  A candidate's votes can be added to, and no more.

Two rules are taken at their word, `has_quorum` and `quorum_index`; that they keep it is proved for
configurations of every size (`conformance.prove.quorums`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import z3

from conformance.prove.any_size.representatives import Peers, standing_for_all
from conformance.prove.any_size.statements import (
    LEMMAS,
    Node,
    acked,
    told,
    within,
)
from conformance.prove.any_size.views import ME, Before, Each
from conformance.prove.induction import actor as fixed
from conformance.prove.induction.answers import answering
from conformance.prove.induction.events import OTHER
from conformance.prove.induction.unread import Unread, UnreadError
from conformance.prove.statements.lemma import within as between
from conformance.prove.statements.logic import Formula, both, choose, either
from conformance.prove.statements.statements import seen
from conformance.prove.statements.views import ACTOR, SENDER
from conformance.symbolic.number import Number
from spec import values as v
from spec.cluster import Rule

BY_NAME: Final = {lemma.name: lemma.holds for lemma in LEMMAS}


def voter(name: str) -> Any:
    """A name for a server that is in some sets; another one wherever there are other sets."""
    return z3.Int(f"voter_{name}")


class Votes:
    """The votes that a candidate counts: any, and some more."""

    def __init__(self, more: frozenset[int] = frozenset()) -> None:
        self.more = more

    def __or__(self, other: frozenset[int]) -> Votes:
        return Votes(self.more | other)

    def __str__(self) -> str:
        return "any votes"


class Actor(fixed.Actor):
    before: Any

    def __init__(self, paths: Any, before: Before) -> None:
        super().__init__(paths, before)  # type: ignore[arg-type]
        self.told: list[Formula] = []
        """What the rules that are taken at their word have answered in the run that goes on."""
        self.required: list[Formula] = []
        """What that run went on with, and has to follow on its path."""
        self._given: dict[str, Any] = {}
        untouched: Any = [Unread(f"what another peer {what}") for what in ("holds", "answered")]
        self._untouched = untouched
        self.config = v.Config(frozenset((ACTOR, SENDER, OTHER)))

    def _role(self, role: Any, log: Any) -> Any:
        if isinstance(role, v.Candidate):
            self.given(leads=False, campaigns=True)
            return role
        if role != "leader":
            return super()._role(role, log)
        self.given(leads=True, campaigns=False)
        at, was = self.paths.term, self.was
        match, durable = self.number("match_1", 0), self.number("durable", 0)
        answered = self.number("answered_1", 0)
        for index in (match, durable):
            self.ascending(index, log.last_index)
        self.links += [was.match[SENDER] == at(match), was.answered[SENDER] == at(answered)]
        self.given(durable=at(durable))
        counted = at(self._number("quorum index"))
        self.paths.assume(counted >= 0, counted <= at(log.last_index))
        unread: Any = Unread("what a peer was sent")
        sender = v.Progress(SENDER, match, unread, unread, unread, unread, answered)
        return v.Leader(Peers([sender, *self.others()]), durable)

    def others(self) -> list[v.Progress]:
        """The peers that stand for all but the sender."""
        return [self.other(OTHER)]

    def other(self, name: v.NodeId) -> v.Progress:
        """One of which nothing is read."""
        unread: Any = Unread("what a peer was sent")
        match, answered = self._untouched
        return v.Progress(name, match, unread, unread, unread, unread, answered)

    def sent_before(self, node: v.Node, peers: dict[v.NodeId, bool]) -> v.Node:
        made = super().sent_before(node, peers)
        assert isinstance(made.role, v.Leader)
        return made._replace(role=v.Leader(Peers(made.role.peers), made.role.durable))

    def equals(self, *numbers: int | Number) -> None:
        """Other peers are not told apart."""

    def _number(self, name: str) -> Any:
        """A number that a rule gives, the same each time that the code is run."""
        if name not in self._given:
            self._given[name] = self.paths.number(name)
        return self._given[name]

    # What the step has made of it

    def role_of(self, node: v.Node) -> dict[str, Any]:
        role, term = node.role, self.paths.term
        new: dict[str, Any] = {
            "leads": isinstance(role, v.Leader),
            "campaigns": isinstance(role, v.Candidate),
        }
        if isinstance(role, v.Candidate) and not isinstance(role.granted, Unread):
            new["granted"] = Each(self.has_voted(role.granted))
        if isinstance(role, v.Leader):
            new["match"] = self._of_each(role, "match", 0)
            new["answered"] = self._of_each(role, "answered", 1)
            new["durable"] = term(role.durable)
        return new

    def has_voted(self, granted: Any) -> Any:
        was, more = self.was, granted.more if isinstance(granted, Votes) else granted
        old = isinstance(granted, Votes)
        return lambda m: either(
            old and was.granted[m], *[m == one for one in sorted(more, key=int)]
        )

    def _of_each(self, role: v.Leader, name: str, at: int) -> Each:
        """What a leader knows of the sender, and of any other."""
        values = {peer.node: getattr(peer, name) for peer in role.peers}
        of_sender, of_other = values[SENDER], values[OTHER]
        was, old = getattr(self.was, name), None
        if isinstance(of_other, Unread):
            if of_other is not self._untouched[at]:
                raise UnreadError("what is known of one peer was taken for another")
            old = was
        number = self.paths.term

        def now(m: Node) -> Any:
            other = number(of_other) if old is None else old[m]
            return choose(m == SENDER, number(of_sender), other)

        return Each(now)

    def _is_known(self, name: str, value: Any) -> bool:
        if isinstance(value, Each):
            return False
        return super()._is_known(name, value)

    # The rules that are taken at their word

    @contextmanager
    def taken_at_their_word(self, rule: Rule) -> Iterator[None]:
        """For one run: another one is told nothing of what they answered in this."""
        self.told, self.required = [], []
        with (
            answering(rule, has_quorum=self.has_quorum, quorum_index=self.quorum_index),
            standing_for_all(rule, self.has_peers),
        ):
            yield

    def has_peers(self) -> bool:
        """Whether there is another server at all."""
        return bool(self._number("has peers") == 1)

    def majorities(self, config: v.Config) -> list[tuple[Formula, tuple[Any, ...]]]:
        """Of whom a quorum of a configuration has majorities: whether of these, and the arguments
        by which the families name them.
        """
        if config is not self.config:
            raise UnreadError("a quorum of another configuration was asked for")
        return [(True, ())]

    def has_quorum(self, config: v.Config, nodes: Any) -> bool:
        """If it says yes, a majority is in this set; so these told that they vote for the server,
        if all of the set did.
        """
        more = nodes.more if isinstance(nodes, Votes) else nodes
        is_one = self._number("quorum of " + "".join(map(str, sorted(more, key=int))))
        at, here, w = self.paths.term, self.before, voter(f"votes {len(self.told)}")
        term, votes, yes = at(self.member.node.current_term), self.has_voted(nodes), at(is_one) == 1
        for asked, of in self.majorities(config):
            elects = here.told_by_majority(*of, term, ME)
            self.told.append(within(both(yes, asked), votes, elects, told(here, term, ME), w))
        self.told.append(BY_NAME["CandidateVotes"](here, ACTOR, w))
        return bool(is_one == 1)

    def quorum_index(self, node: v.Node) -> Any:
        """A number that a majority holds, and one server holds no more than it.

        Paths are sought where it lies within the log, as all that is held does: there the code
        finds an entry.  No formula says so, so that it is a goal of each path.
        """
        role, at, here = node.role, self.paths.term, self.before
        assert isinstance(role, v.Leader)
        if self.required:
            raise UnreadError("a second quorum index was read, and the run knows of one")
        index = self._number("quorum index")
        c, term = at(index), at(node.current_term)
        match, durable = self._of_each(role, "match", 0), at(role.durable)

        def held(m: Node) -> Any:
            return choose(m == ACTOR, durable, match[m])

        w, last = voter("holds"), voter("holds no more")
        for asked, of in self.majorities(node.config):
            acks = here.acked_by_majority(*of, term, c)
            self.told.append(within(asked, lambda m: held(m) >= c, acks, acked(here, term, c), w))
        self.told += [
            held(last) == c,
            *[BY_NAME["LeaderProgress"](here, ACTOR, m) for m in (w, last)],
            seen(self.was.log(self.was.match[w])),
            seen(self.was.log(self.was.durable)),
            seen(self.was.log(c)),
        ]
        self.required.append(between(0, c, at(node.log.last_index)))
        return index
