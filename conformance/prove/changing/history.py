"""History along a run of the specified cluster, and the view that the lemmas have of it."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, Final, NamedTuple

from conformance.prove.any_size import statements as families
from conformance.prove.any_size.statements import Among
from conformance.prove.changing.statements.lemmas import LEMMAS, Voters, in_stayed, may_be_chosen
from conformance.prove.history import holding
from conformance.prove.history.holding import Broken
from conformance.prove.history.variables import HistoryVariables, initial, put
from conformance.prove.history.view import Choosable, Concrete
from spec.cluster import Cluster, Turn
from spec.values import Config, Entry, Index, Leader, Term


class History(NamedTuple):
    """`el`, `kc` by term, `since` by index: see the lemmas."""

    variables: HistoryVariables
    elected: tuple[Index, ...] = ()
    known: tuple[Index, ...] = ()
    since: tuple[Index, ...] = ()

    @classmethod
    def of(cls, size: int) -> History:
        return cls(initial(size))

    def after(self, turn: Turn) -> History:
        before, node = turn.before.node, turn.after.node
        variables, (_, elected, known, since) = self.variables.after(turn), self
        term = node.current_term
        led = isinstance(before.role, Leader) and before.current_term == term
        if not (turn.before.up and turn.after.up):
            return History(variables, elected, known, since)
        if isinstance(node.role, Leader) and not led:
            elected = put(elected, term, len(variables.whole(node)) - 1, 0)
            known = put(known, term, node.commit_index, 0)
        if led and node.commit_index != before.commit_index:
            # It may have stepped down by it.
            variables = variables.counting(term, node.commit_index)
            known = put(known, term, node.commit_index, 0)
        for j, (old, new) in enumerate(zip_longest(self.variables.counted, variables.counted)):
            if new is not None and new != old:
                since = put(since, j, before.commit_index, 0)
        return History(variables, elected, known, since)


def chosen_by(view: Concrete, term: Term) -> frozenset[Index]:
    assert isinstance(view, Seen)
    return frozenset(i for i in range(1, view.tlast(term) + 1) if may_be_chosen(view, term, i))


class Seen(Concrete):
    """A concrete cluster and its history, with configurations."""

    def __init__(
        self, cluster: Cluster, history: History, choosable: Choosable = chosen_by
    ) -> None:
        super().__init__(cluster, history.variables, choosable)
        variables, *marks = history
        founding = [one.log[0] for one in variables.leaderships if one is not None]
        if not founding:
            founding = [e for member in cluster.members[::-1] for e in member.node.log.entries[:1]]
        for entry in founding[:1]:
            self.cells["founding",] = entry
        self.cells["elected",], self.cells["known",], self.cells["since",] = marks
        self.known = (*self.known, *founding[:1], *marks)

    def is_config(self, entry: Any) -> bool:
        return isinstance(entry, Entry) and isinstance(entry.payload, Config)

    def joint(self, entry: Any) -> bool:
        return self.is_config(entry) and entry.payload.is_joint

    def old(self, entry: Any) -> Voters:
        return entry.payload.voters if self.is_config(entry) else NO_VOTERS

    def new(self, entry: Any) -> Voters:
        return entry.payload.new_voters if self.is_config(entry) else NO_VOTERS

    def told_by_majority(self, voters: Voters, term: Term, n: int) -> bool:
        return majority(voters, families.told(self.view, term, n))

    def acked_by_majority(self, voters: Voters, term: Term, i: Index) -> bool:
        return majority(voters, families.acked(self.view, term, i))

    def may_ack_by_majority(self, voters: Voters, term: Term, i: Index) -> bool:
        return majority(voters, families.may_ack(self.view, term, i))

    def stayed_by_majority(self, voters: Voters, term: Term, i: Index) -> bool:
        return majority(voters, in_stayed(self.view, term, i))

    @property
    def view(self) -> Any:
        return self

    def lc(self, term: Term, i: Index) -> Index:
        return self._last(term, i, self.is_config)

    def lj(self, term: Term, i: Index) -> Index:
        return self._last(term, i, self.joint)

    def _last(self, term: Term, i: Index, of: Any) -> Index:
        return max((k for k in range(1, i + 1) if of(self.tlog(term, k))), default=0)

    def el(self, term: Term) -> Index:
        return _at(self.read("elected"), term)

    def kc(self, term: Term) -> Index:
        return _at(self.read("known"), term)

    def since(self, j: Index) -> Index:
        return _at(self.read("since"), j)


NO_VOTERS: Final = frozenset[int]()


def majority(voters: Voters, among: Among) -> bool:
    """Whether more than half of these voters are in a set."""
    return sum(bool(among(m)) for m in voters) > len(voters) // 2


def _at(values: tuple[Index, ...], at: int) -> Index:
    return values[at] if 0 <= at < len(values) else 0


class Checker:
    """Asks of states whether the lemmas and claims hold; answers are kept for the next one."""

    def __init__(self) -> None:
        self.checker = holding.Checker(LEMMAS, families.CLAIMS, chosen_by)

    def broken(self, cluster: Cluster, history: History) -> list[Broken]:
        view = Seen(cluster, history, self.checker.choosable)
        return self.checker.broken_of(view, cluster, history.variables)
