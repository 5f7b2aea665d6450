"""The rules about quorums, run on configurations of every size (`regions`).

    quorums/majority/..   `has_quorum` is a majority of the voters, and of the new ones if joint
    quorums/more/..       what has a quorum and more is one
    quorums/overlap/..    two quorums of a configuration have a node in common, and one of C_old,new
                          has one in common with any of C_old, and with any of C_new
    quorums/apart         those of C_old and C_new alone need not, which is why there is a C_old,new
    quorums/index/..      `quorum_index` is the largest index that a quorum holds
    quorums/answers/..    `confirmed` is the largest number that a quorum has answered
    quorums/library/..    `raftbare` says the same of each

Every path is run again on plain sets of the sizes that z3 gave for it, and has to come to the same.
A configuration has at least one voter, and a joint one at least one new voter.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from types import ModuleType, SimpleNamespace
from typing import Any, Final, Protocol, TypeAlias

from conformance.observe.failed import PROGRAM_FAILED
from conformance.prove.quorums.regions import Group, Holds, Some, Venn, cells, on_regions, subsets
from conformance.prove.runner.obligation import Level, Obligation, Result, Subjects
from conformance.subjects.patched import modules_of
from conformance.symbolic.paths import BudgetError, Model, Paths, RepeatError
from spec import values as v
from spec.cluster import rules_of

PATHS: Final = 2_000
QUESTIONS: Final = 200_000
PLAIN: Final = ("old",)
JOINT: Final = ("old", "new")
KINDS: Final[Mapping[str, tuple[str, ...]]] = {"voters": PLAIN, "joint": JOINT}


class Nodes(Protocol):
    """Nodes and named sets of them: regions of any size, or plain ones."""

    def of(self, name: str) -> Any:
        """The set of this name."""

    def those(self, is_one: Callable[[frozenset[str]], bool]) -> Any:
        """The set of the nodes of which this holds, by the names of the sets that they are in."""

    def each(self) -> list[tuple[Any, frozenset[str]]]:
        """The nodes, with the names of the sets that they are in."""

    def single(self, name: str) -> tuple[Any, frozenset[str]]:
        """One that was named by itself."""

    def held(self, node: Any, reached: bool) -> Any:
        """What a node holds: 1 for at least c, or 0."""

    def size(self, of: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Regions:
    venn: Venn

    def of(self, name: str) -> Group:
        return self.venn.of(name)

    def those(self, is_one: Callable[[frozenset[str]], bool]) -> Group:
        return Group(frozenset([one for one in self.venn.regions if is_one(one.sets)]))

    def each(self) -> list[tuple[Some, frozenset[str]]]:
        return [(one, one.sets) for one in self.venn.regions]

    def single(self, name: str) -> tuple[Some, frozenset[str]]:
        return next((one, one.sets) for one in self.venn.regions if one.name == name)

    def held(self, node: Some, reached: bool) -> Holds:
        return Holds(reached, node.count)

    def size(self, of: Group) -> Any:
        return of.size


@dataclass(frozen=True, slots=True)
class Plain:
    named: Mapping[Some, frozenset[int]]

    def of(self, name: str) -> frozenset[int]:
        return self.those(lambda sets: name in sets)

    def those(self, is_one: Callable[[frozenset[str]], bool]) -> frozenset[int]:
        return frozenset([node for node, sets in self.each() if is_one(sets)])

    def each(self) -> list[tuple[int, frozenset[str]]]:
        return [(node, one.sets) for one, nodes in self.named.items() for node in sorted(nodes)]

    def single(self, name: str) -> tuple[int, frozenset[str]]:
        return next((min(ns), one.sets) for one, ns in self.named.items() if one.name == name)

    def held(self, node: int, reached: bool) -> int:
        return int(reached)

    def size(self, of: frozenset[int]) -> int:
        return len(of)


@dataclass(slots=True)
class Said:
    """What is wrong, and whether what is asked about was there at all."""

    wrong: str = ""
    met: bool = False


Question: TypeAlias = Callable[[Subjects, Nodes], Said]


def config(at: Nodes, sets: tuple[str, ...]) -> v.Config:
    return v.Config(*[at.of(name) for name in sets])


def has_quorum(subjects: Subjects, at: Nodes, sets: tuple[str, ...], nodes: Any) -> bool:
    found: bool = rules_of(subjects.rule).has_quorum(config(at, sets), nodes)
    return found


# Of `spec`


def is_majority(sets: tuple[str, ...]) -> Question:
    def ask(subjects: Subjects, at: Nodes) -> Said:
        some = at.of("some")
        majority = True
        for name in sets:
            votes = at.size(some & at.of(name))
            majority = majority and bool(votes + votes > at.size(at.of(name)))
        said = has_quorum(subjects, at, sets, some)
        return Said("" if said is majority else f"it says {said}", majority)

    return ask


def more_is_one(sets: tuple[str, ...]) -> Question:
    def ask(subjects: Subjects, at: Nodes) -> Said:
        some, more = at.of("some"), at.of("some") | at.of("more")
        met = has_quorum(subjects, at, sets, some)
        still = not met or has_quorum(subjects, at, sets, more)
        return Said("" if still else "with more nodes it is none", met)

    return ask


def overlap(one: tuple[str, ...], other: tuple[str, ...]) -> Question:
    def ask(subjects: Subjects, at: Nodes) -> Said:
        a, b = at.of("some"), at.of("others")
        if not (has_quorum(subjects, at, one, a) and has_quorum(subjects, at, other, b)):
            return Said()
        return Said("" if a & b else "two quorums have no node in common", True)

    return ask


def counted(sets: tuple[str, ...], answers: bool = False) -> Question:
    """`quorum_index`, or `confirmed`, of a leader that may be a voter or not."""

    def ask(subjects: Subjects, at: Nodes) -> Said:
        rules = rules_of(subjects.rule)
        leader, of_leader = at.single("leader")
        held = [(one, at.held(one, "held" in of)) for one, of in at.each() if one != leader]
        own, log = at.held(leader, "held" in of_leader), v.new_log(snapshot_config=config(at, sets))
        if answers:
            role = v.Leader(tuple([v.Progress(one, answered=number) for one, number in held]))
            node = v.Node(leader, role, log=log, seqno=Before(own))  # type: ignore[arg-type]
            index = rules.confirmed(node)
        else:
            role = v.Leader(tuple([v.Progress(one, number) for one, number in held]), own)
            index = rules.quorum_index(v.Node(leader, role, log=log))
        is_one = has_quorum(subjects, at, sets, at.of("held"))
        return Said("" if bool(index) is is_one else f"a quorum is there: {is_one}", is_one)

    return ask


class Before:
    """The number before another one: that is all that is asked of the latest call's number."""

    def __init__(self, number: Any) -> None:
        self._number = number

    def __add__(self, one: object) -> Any:
        if one != 1:
            raise AssertionError(f"{one} was added to the latest call's number")
        return self._number


# Of `raftbare`


def module(subjects: Subjects, name: str) -> ModuleType:
    return sys.modules[f"{subjects.library.__name__}.{name}"]


def library_config(subjects: Subjects, at: Nodes, sets: tuple[str, ...]) -> Any:
    """As it is made: names are checked to be integers then, and put into an order."""
    cls = module(subjects, "config").ClusterConfig
    made = cls.__new__(cls)
    old, new = at.of("old"), at.of("new") if "new" in sets else frozenset()
    made._voters, made._new_voters, made._non_voters = old, new, frozenset()
    return made


def same_quorum(sets: tuple[str, ...]) -> Question:
    def ask(subjects: Subjects, at: Nodes) -> Said:
        some = at.of("some")
        is_one = has_quorum(subjects, at, sets, some)
        said = library_config(subjects, at, sets).has_quorum(some)
        return Said("" if said is is_one else f"the library says {said}", is_one)

    return ask


def same_index(sets: tuple[str, ...]) -> Question:
    """What `Quorum` counts once what one member holds has changed; and it is then as if it had been
    made of what they hold now, so that this goes for any number of changes.
    """

    def ask(subjects: Subjects, at: Nodes) -> Said:
        library = module(subjects, "quorum")
        of, (one, _) = library_config(subjects, at, sets), at.single("one")

        def progress(when: str) -> dict[Any, Any]:
            made = {}
            for node, names in at.each():
                made[node] = library.Progress()
                made[node].match_index = at.held(node, when in names or "held" in names)
            return made

        before, now = progress("before"), progress("now")
        quorum = library.Quorum(of, before)
        index = quorum.update_match(one, before[one].match_index, now[one].match_index)
        hold = at.those(lambda names: "held" in names or "now" in names)
        is_one = has_quorum(subjects, at, sets, hold)
        if bool(index) is not is_one:
            return Said(f"the library counts otherwise: a quorum is there: {is_one}", is_one)
        again = library.Quorum(of, now)
        kept = all(same(getattr(quorum, slot), getattr(again, slot)) for slot in HELD)
        return Said("" if kept else "what it keeps is not what its members hold", is_one)

    return ask


HELD: Final = ("_held", "_new_held")


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return bool(one == other)
    return bool(one.low == other.low and one.high == other.high)


def same_answers(sets: tuple[str, ...]) -> Question:
    def ask(subjects: Subjects, at: Nodes) -> Said:
        leader, of_leader = at.single("leader")
        followers = {}
        for node, names in at.each():
            if node != leader:
                followers[node] = module(subjects, "quorum").Progress()
                followers[node].answered = at.held(node, "held" in names)
        role = object.__new__(module(subjects, "role").Leader)
        role.followers = followers
        own, of = at.held(leader, "held" in of_leader), library_config(subjects, at, sets)
        node = SimpleNamespace(_role=role, _seqno=Before(own), config=of)
        number = module(subjects, "questions").Questions.confirmed.fget(node)
        is_one = has_quorum(subjects, at, sets, at.of("held"))
        return Said("" if bool(number) is is_one else "the library counts otherwise", is_one)

    return ask


# Obligations


@dataclass(frozen=True, slots=True)
class AnySize:
    """A question about configurations of these sets, and about other sets of any nodes.

    `single`: a node of its own, with the names of the sets that only it may be in.  `apart`: the
    answer has to be that something is wrong, for some sizes.
    """

    ask: Question
    sets: tuple[str, ...]
    others: tuple[str, ...]
    single: str = ""
    only: tuple[str, ...] = ()
    apart: bool = False

    def prove(self, subjects: Subjects) -> Result:
        result = Result()
        places = subsets((*self.sets, *self.others, *self.only)) if self.single else [None]
        for odd, place in product(product((False, True), repeat=len(cells(self.sets))), places):
            paths = Paths(limit=PATHS, questions=QUESTIONS)
            singles = {} if place is None else {self.single: place}
            venn = Venn(paths, self.sets, self.others, odd, singles)
            for name in self.sets:
                paths.at_most(1, venn.of(name).size)
            self.judge(subjects, paths, venn, result)
            if result.result not in ("proved", "witnessed"):
                break
        if self.apart and result.result == "proved":
            result.result, result.detail = "unknown", "no sizes were found"
        return result

    def judge(self, subjects: Subjects, paths: Paths, venn: Venn, result: Result) -> None:
        answers: list[tuple[Said, Model]] = []
        try:
            with on_regions(modules(subjects)):
                for path in paths.run(lambda: self.ask(subjects, Regions(venn))):
                    said = path.result or Said(f"it raises {path.raised!r}")
                    answers.append((said, path.model))
        except (BudgetError, RepeatError) as error:
            result.result, result.detail = "unknown", str(error)
        result.paths += len(answers)
        result.live += sum(said.met for said, _ in answers)
        result.queries += paths.queries
        for said, model in answers:
            plain = Plain(venn.plain(model))
            self.conclude(said, self.plainly(subjects, plain), sizes(plain), result)

    def plainly(self, subjects: Subjects, plain: Plain) -> Said:
        try:
            return self.ask(subjects, plain)
        except PROGRAM_FAILED:
            raise
        except Exception as error:
            return Said(f"it raises {error!r}")

    def conclude(self, said: Said, again: Said, shown: str, result: Result) -> None:
        if bool(said.wrong) is not bool(again.wrong):
            result.result = "unknown"
            result.detail = f"{shown}: {said.wrong or 'right'} of regions, of nodes it is not"
        elif said.wrong and self.apart:
            result.result, result.detail = "witnessed", f"{shown}: {said.wrong}"
        elif said.wrong:
            result.result, result.detail = "refuted", f"{shown}: {said.wrong}"


def sizes(plain: Plain) -> str:
    """How many nodes each region has."""
    found = [(one.name, len(nodes)) for one, nodes in plain.named.items() if nodes]
    return ", ".join(f"{count} {name}" for name, count in found) or "nobody"


def modules(subjects: Subjects) -> list[ModuleType]:
    return [*modules_of(subjects.rule), *[module(subjects, one) for one in ("quorum", "config")]]


def obligations(level: Level) -> list[Obligation]:
    """All of them at every level: there is no size that bounds them."""
    return list(_obligations())


def _obligations() -> Iterator[Obligation]:
    def of(name: str, proof: AnySize) -> Obligation:
        return Obligation(f"quorums/{name}", {"voters": "any"}, proof.prove)

    two = ("some", "others")
    for kind, sets in KINDS.items():
        yield of(f"majority/{kind}", AnySize(is_majority(sets), sets, ("some",)))
        yield of(f"more/{kind}", AnySize(more_is_one(sets), sets, ("some", "more")))
        yield of(f"overlap/{kind}", AnySize(overlap(sets, sets), sets, two))
    for name in JOINT:
        yield of(f"overlap/joint and {name}", AnySize(overlap(JOINT, (name,)), JOINT, two))
    yield of("apart", AnySize(overlap(("old",), ("new",)), JOINT, two, apart=True))
    for kind, sets in KINDS.items():
        held = ("held",)
        yield of(f"index/{kind}", AnySize(counted(sets), sets, held, "leader"))
        yield of(f"answers/{kind}", AnySize(counted(sets, True), sets, held, "leader"))
        yield of(f"library/majority/{kind}", AnySize(same_quorum(sets), sets, ("some",)))
        index = AnySize(same_index(sets), sets, held, "one", ("before", "now"))
        yield of(f"library/index/{kind}", index)
        yield of(f"library/answers/{kind}", AnySize(same_answers(sets), sets, held, "leader"))
