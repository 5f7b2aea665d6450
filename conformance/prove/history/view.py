"""A concrete cluster and its history as the lemmas see them: a `View` on plain values.

A server that is down is seen as what it would come back as.  A log says nothing of what lies beyond
it: an entry that is read there equals no other, itself included, so a lemma that relied on it would
not hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from conformance.prove.history.variables import HistoryVariables, Leadership, Prefix
from conformance.prove.statements import claims
from conformance.prove.statements.lemma import NOBODY
from conformance.prove.statements.lemmas import may_be_chosen
from conformance.prove.statements.messages import Reads, claim_of, owed
from spec import values as v
from spec.cluster import Cluster, Member, Snapshot, come_back

Cell: TypeAlias = tuple[Any, ...]
"""The name of one part of a view: what it is of, and of whom or when."""


class Missing:
    """What is read where a log has no entry."""

    term: Final = -1

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


MISSING: Final = Missing()
GRAIN: Final = 2


class Whole:
    """A log from index 1 on, the same value as another of the same entries."""

    __slots__ = ("_hash", "entries")

    def __init__(self, entries: tuple[v.Entry, ...]) -> None:
        self.entries = entries
        self._hash = hash(entries)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Whole) and self.entries == other.entries

    def __call__(self, index: v.Index) -> v.Entry | Missing:
        return self.entries[index - 1] if 1 <= index <= len(self.entries) else MISSING


@dataclass(frozen=True, slots=True)
class Held:
    """The entries of a call: the one at an index."""

    prev_index: v.Index
    entries: tuple[v.Entry, ...]

    def __call__(self, index: v.Index) -> v.Entry | Missing:
        at = index - self.prev_index - 1
        return self.entries[at] if 0 <= at < len(self.entries) else MISSING


Choosable: TypeAlias = Callable[["Concrete", v.Term], frozenset[v.Index]]


def choosable(view: Concrete, term: v.Term) -> frozenset[v.Index]:
    """The indices at which an entry of this term may be chosen."""
    return frozenset(i for i in range(1, view.tlast(term) + 1) if may_be_chosen(view, term, i))


class Concrete:
    """`reads`: the cells that were read, in order, with what was in them.

    `terms`: the highest term anywhere.  `indices`: an index a little above all logs; it does not
    change with every entry, so that not all has to be asked again.
    """

    def __init__(
        self, cluster: Cluster, variables: HistoryVariables, choosable: Choosable = choosable
    ) -> None:
        self.size = len(cluster.members)
        self.reads: dict[Cell, Any] = {}
        self._choosable = choosable
        self.cells = Cells(self, variables)
        self.servers = [ConcreteServer(self, n) for n in range(self.size)]
        longest = highest = 0
        servers = []
        for member, memory, disk in zip(
            cluster.members, variables.memory, variables.disk, strict=True
        ):
            cells = cells_of(member, memory, disk, self.size)
            servers.append(tuple(cells.values()))
            self.cells.update(cells)
            at = member.node.id
            longest = max(longest, cells["last", at], cells["disk_last", at])
            highest = max(highest, cells["term", at], cells["disk_term", at])
        for leadership in variables.leaderships:
            if leadership is not None:
                longest = max(longest, len(leadership.log))
        self.cells["founding",] = v.Entry(0, v.Config(frozenset(range(self.size))))
        self.cells["counted",] = variables.counted
        self.cells["taken",] = variables.taken
        longest = max(longest, len(variables.counted) - 1)
        self.cells["indices",] = longest // GRAIN * GRAIN + GRAIN
        self.cells["terms",] = max(
            highest,
            len(variables.leaderships) - 1,
            *(len(known) - 1 for known in (*variables.told, *variables.ack)),
        )

        self.known: tuple[Any, ...] = (
            tuple(servers),
            variables.leaderships,
            variables.counted,
            variables.told,
            variables.ack,
            variables.taken,
        )
        """All that the cells follow from."""

    def read(self, *cell: Any) -> Any:
        value = self.reads[cell] = self.cells[cell]
        return value

    def may_be_chosen(self, term: v.Term) -> frozenset[v.Index]:
        """A cell of its own: what is read for it is not read by who reads the cell."""
        reads, self.reads = self.reads, {}
        found = self._choosable(self, term)
        self.reads = reads
        return found

    @property
    def terms(self) -> v.Term:
        highest: v.Term = self.read("terms")
        return highest

    @property
    def indices(self) -> v.Index:
        longest: v.Index = self.read("indices")
        return longest

    # Servers

    def term_of(self, entry: v.Entry | Missing) -> v.Term:
        return entry.term

    def server(self, n: int) -> Any:
        return self.servers[n]

    # History

    @property
    def founding(self) -> v.Entry:
        entry: v.Entry = self.read("founding")
        return entry

    def lead(self, term: v.Term) -> Any:
        leadership = self.read("leadership", term)
        return NOBODY if leadership is None else leadership[0]

    def tlast(self, term: v.Term) -> Any:
        leadership = self.read("leadership", term)
        return 0 if leadership is None else len(leadership[1].entries)

    def tlog(self, term: v.Term, i: v.Index) -> Any:
        leadership = self.read("leadership", term)
        return MISSING if leadership is None else leadership[1](i)

    def told(self, n: int, term: v.Term) -> Any:
        return self.read("told", n, term)

    def ack(self, n: int, term: v.Term) -> Any:
        return self.read("ack", n, term)

    def commit_term(self, j: v.Index) -> Any:
        counted = self.read("counted")
        known = counted[j] if 0 <= j < len(counted) else None
        return 0 if known is None else known.term

    def committed_up_to(self, j: v.Index) -> Any:
        counted = self.read("counted")
        known = counted[j] if 0 <= j < len(counted) else None
        return 0 if known is None else known.up_to

    def choosable(self, term: v.Term, i: v.Index) -> Any:
        return i in self.read("choosable", term)

    def read_term(self) -> Any:
        taken = self.read("taken")
        return 0 if taken is None else taken.term

    def read_seqno(self) -> Any:
        taken = self.read("taken")
        return 0 if taken is None else taken.seqno

    def read_stale(self) -> Any:
        taken = self.read("taken")
        return taken is not None and taken.stale

    def left(self, n: int) -> Any:
        taken = self.read("taken")
        return taken is not None and n in taken.left


class ConcreteServer:
    """One server of a view: what is asked of it is a cell."""

    __slots__ = ("_n", "_view")

    def __init__(self, view: Concrete, n: int) -> None:
        self._view, self._n = view, n

    def __getattr__(self, name: str) -> Any:
        view, cell = self._view, (name, self._n)
        value = view.reads[cell] = view.cells[cell]
        return value


class Cells(dict[Cell, Any]):
    """All cells of a view, by name; those of the history once they are asked for."""

    def __init__(self, view: Concrete, variables: HistoryVariables) -> None:
        self.view, self.variables = view, variables

    def __missing__(self, cell: Cell) -> Any:
        match cell:
            case "told", n, term:
                told = self.variables.told[n]
                value: Any = told[term] if 0 <= term < len(told) else NOBODY
            case "ack", n, term:
                ack = self.variables.ack[n]
                value = ack[term] if 0 <= term < len(ack) else 0
            case "leadership", term:
                leadership = self.variables.leadership(term)
                value = None if leadership is None else leadership_of(leadership)
            case "choosable", term:
                value = self.view.may_be_chosen(term)
            case _:
                raise KeyError(cell)
        self[cell] = value
        return value


@lru_cache(maxsize=1 << 16)
def cells_of(member: Member, memory: Prefix, disk: Prefix, size: int) -> dict[Cell, Any]:
    """What a view says of one server."""
    if not member.up:
        member, memory = come_back(member).after, disk
    node, pending = member.node, member.pending
    role, append, nodes = node.role, pending.append, range(size)
    peers = role.peers if isinstance(role, v.Leader) else ()
    matches = {peer.node: peer.match for peer in peers}
    answered = {peer.node: peer.answered for peer in peers}
    cells = {
        "term": node.current_term,
        "vote": name(node.voted_for),
        "commit": node.commit_index,
        "snap": node.log.snapshot_position.index,
        "last": node.log.last_index,
        "log": Whole((*memory, *node.log.entries)),
        "leads": isinstance(role, v.Leader),
        "campaigns": isinstance(role, v.Candidate),
        "granted": tuple([isinstance(role, v.Candidate) and m in role.granted for m in nodes]),
        "match": tuple([matches.get(m, 0) for m in nodes]),
        "durable": role.durable if isinstance(role, v.Leader) else 0,
        "seqno": node.seqno,
        "answered": tuple([answered.get(m, 0) for m in nodes]),
        "disk_term": member.disk.current_term,
        "disk_vote": name(member.disk.voted_for),
        "disk_last": member.disk.log.last_index,
        "disk_log": Whole((*disk, *member.disk.log.entries)),
        "owes_term": pending.save_current_term,
        "owes_vote": pending.save_voted_for,
        "owes_write": append is not None,
        "synced": node.log.last_index if append is None else append.prev_position.index,
    }
    return {(what, node.id): value for what, value in cells.items()}


@lru_cache(maxsize=1 << 16)
def leadership_of(leadership: Leadership) -> tuple[v.NodeId, Whole]:
    return leadership.leader, Whole(leadership.log)


def name(node: v.NodeId | None) -> int:
    return NOBODY if node is None else node


# Messages


def entries_of(call: v.AppendEntriesCall) -> tuple[Held, tuple[v.Index, ...]]:
    return Held(call.prev_position.index, tuple(call.entries)), ()


READS: Final = Reads(lambda number: number, entries_of)
"""As they are."""


def claims_of(cluster: Cluster, variables: HistoryVariables) -> list[tuple[claims.Message, bool]]:
    """The messages under way, and those that are owed, each once; with whether they are owed."""
    found: dict[tuple[claims.Message, bool], None] = {}
    for to, content in cluster.network:
        if isinstance(content, Snapshot):
            sender, position = content.sender, content.position
            for term in terms_of(variables, content, to):
                found[claims.Install(sender, to, term, *position), False] = None
        else:
            found[claim_of(READS, content, to), False] = None
    for member in cluster.members:
        for message in owed(READS, member.node, member.pending):
            found[message, True] = None
    return list(found)


def terms_of(variables: HistoryVariables, snapshot: Snapshot, to: v.NodeId) -> list[v.Term]:
    """In which terms its sender sent such a snapshot: it does not say which of them it is of."""
    sender, position = snapshot.sender, snapshot.position
    terms = sorted(
        one.term
        for one in variables.snapshots
        if (one.sender, one.to, one.position) == (sender, to, position)
    )
    if not terms:
        raise ValueError(f"no leader is known to have sent {snapshot}")
    return terms
