"""What a user looks up in a log, a configuration, a status or an error.

As the questions of `asking.questions`, but of values: each is of many functions at
one argument.  `LOOKUPS` says by its names which ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby, product
from typing import Any, Final

from conformance.observe.observed import Observed, observed
from conformance.subjects.asking.questions import (
    ABOUT,
    POSITIONS,
    LibraryNode,
    Question,
    Translate,
    library_position,
    position_about,
)
from spec import rules
from spec import values as v

# Entries


def _shown(entry: v.Entry) -> object:
    """As the library has it: a command and a configuration know nothing of their term."""
    return entry if entry.payload == v.TERM else entry.payload


def _library_shown(to: Translate, entry: Any) -> object:
    if isinstance(entry, to.library.TermEntry):
        return v.Entry(entry.term, v.TERM)
    if isinstance(entry, to.library.ConfigEntry):
        return to.config_to_spec(entry.config)
    return v.COMMAND if isinstance(entry, to.library.CommandEntry) else entry


def _is_within(log: v.Log, index: v.Index) -> bool:
    return log.snapshot_position.index <= index <= log.last_index


def _entry_at(node: v.Node, at: v.Position) -> object:
    log, index = node.log, at.index
    within = _is_within(log, index)
    term = log.term(index) if within else None
    compacted = index <= log.snapshot_position.index
    entry = _shown(log.entry(index)) if within and not compacted else None
    return log.contains(at), within, term, entry


def _library_entry_at(to: Translate, node: LibraryNode, at: v.Position) -> object:
    entries = node.log.entries
    entry = entries.get_entry(at.index)
    return (
        entries.contains(library_position(to, at)),
        entries.contains_index(at.index),
        entries.get_term(at.index),
        None if entry is None else _library_shown(to, entry),
    )


def _since(node: v.Node, at: v.Position) -> object:
    return tuple(node.log.after(at.index)) if node.log.contains(at) else None


def _library_since(to: Translate, node: LibraryNode, at: v.Position) -> object:
    """The answer is the user's own, who may change it."""
    found = node.log.entries.since(library_position(to, at))
    if found is None:
        return None
    translated = to.entries_to_spec(found)
    found.truncate(0)
    return translated


def _all_entries(node: v.Node, _: None) -> object:
    log = node.log
    first = log.snapshot_position.index + 1
    each = ((v.Position(e.term, at), _shown(e)) for at, e in enumerate(log.entries, first))
    return len(log.entries), not log.entries, _runs(each), _counted(map(_shown, log.entries))


def _library_all_entries(to: Translate, node: LibraryNode, _: None) -> object:
    entries = node.log.entries
    each = (
        (v.Position(at.term, at.index), _library_shown(to, entry))
        for at, entry in entries.iter_with_positions()
    )
    shown = (_library_shown(to, entry) for entry in entries)
    return len(entries), entries.is_empty, _runs(each), _counted(shown)


def _runs(each: Iterable[tuple[v.Position, object]]) -> list[tuple[v.Position, object, int]]:
    """All of it, in the memory of its runs: the same entry in the same term, index by index.

    The first position of each, the entry, and how many there are.
    """
    runs: list[tuple[v.Position, object, int]] = []
    for position, entry in each:
        if runs:
            first, same, count = runs[-1]
            follows = position == (first.term, first.index + count)
            if follows and entry == same:
                runs[-1] = first, same, count + 1
                continue
        runs.append((position, entry, 1))
    return runs


def _counted(entries: Iterable[object]) -> list[tuple[object, int]]:
    """Each entry that differs from the one before it, and how many are the same."""
    return [(entry, sum(1 for _ in same)) for entry, same in groupby(entries)]


LENGTHS: Final = tuple(product((0, 1, 2), ABOUT))


def _length(node: v.Node, case: tuple[int, int]) -> int:
    """About none, half, or all of the entries."""
    part, more = case
    return max(0, len(node.log.entries) * part // 2 + more)


def _written(node: v.Node, length: int) -> object:
    log = node.log.truncated(node.log.snapshot_position.index + length)
    term = log.last_position.term
    begins = v.Entry(term + 1, v.TERM)
    more = (v.Entry(term, v.COMMAND), begins, v.Entry(term + 1, node.config), begins)
    return tuple(log.appended(more).entries), True, True


def _library_written(to: Translate, node: LibraryNode, length: int) -> object:
    """A copy that is cut and grows; and the same, made one by one.  One term is opened twice."""
    library, entries = to.library, node.log.entries
    written = entries.copy()
    written.truncate(length)
    term = written.last_position.term
    begins, config = library.TermEntry(term + 1), library.ConfigEntry(node.config)
    for entry in (library.CommandEntry(), begins, config, begins):
        written.push(entry)
    one_by_one = library.LogEntries(entries.prev_position, iter(written))
    copied = entries.copy() == entries
    return to.entries_to_spec(written), one_by_one == written, copied


# Logs and positions


def _log_at(node: v.Node, at: v.Position) -> object:
    log = node.log
    found = (log.position(at.index), log.config_at(at.index)) if _is_within(log, at.index) else None
    return found, log.last_position, log.snapshot_position, log.config, log.config_index, True


def _library_log_at(to: Translate, node: LibraryNode, at: v.Position) -> object:
    log = node.log
    found = log.get_position_and_config(at.index)
    if found is not None:
        found = _position(found[0]), to.config_to_spec(found[1])
    return (
        found,
        _position(log.last_position),
        _position(log.snapshot_position),
        to.config_to_spec(log.latest_config),
        log.latest_config_index,
        log.copy() == log,
    )


def _position(position: Any) -> v.Position:
    return v.Position(position.term, position.index)


def _order(node: v.Node, at: v.Position) -> object:
    last = node.log.last_position
    return at < last, at <= last, at > last, at >= last, at == last, at == last


def _library_order(to: Translate, node: LibraryNode, at: v.Position) -> object:
    position, last = library_position(to, at), node.log.last_position
    same_hash = hash(position) == hash(last)
    return (
        position < last,
        position <= last,
        position > last,
        position >= last,
        position == last,
        same_hash and position == last,
    )


STATUSES: Final = ("in_progress", "committed", "rejected", "unknown")


def _commit_status(node: v.Node, at: v.Position) -> object:
    status = rules.commit_status(node, at)
    return [status == one for one in STATUSES]


def _library_commit_status(to: Translate, node: LibraryNode, at: v.Position) -> object:
    status = node.get_commit_status(library_position(to, at))
    return [status.is_in_progress, status.is_committed, status.is_rejected, status.is_unknown]


# Members

SOMEBODY: Final[dict[str, Callable[[v.Node], v.NodeId]]] = {
    "itself": lambda node: node.id,
    "another": lambda node: node.id + 1,
    "first voter": lambda node: min(node.config.voters, default=node.id),
    "last new voter": lambda node: max(node.config.new_voters, default=node.id),
    "last non-voter": lambda node: max(node.config.non_voters, default=node.id),
    "nobody": lambda node: max(node.config.members, default=node.id) + 1,
}


def _somebody(node: v.Node, case: str) -> v.NodeId:
    return SOMEBODY[case](node)


def _membership(node: v.Node, one: v.NodeId) -> object:
    config = node.config
    members = tuple(sorted(config.members))
    return config.is_joint, one in config.members, one in config.electors, members, node.peers


def _library_membership(to: Translate, node: LibraryNode, one: v.NodeId) -> object:
    config = node.config
    return (
        config.is_joint_consensus,
        config.contains(one),
        config.is_voter(one),
        config.unique_nodes(),
        node.peers,
    )


# A node as a whole


def _status(node: v.Node, _: None) -> object:
    seen, role = observed(node), node.role
    seen = seen._replace(confirmed=seen.confirmed or 0)
    if not isinstance(role, v.Leader):
        return node.id, seen, None, {}, node.limits
    return node.id, seen, role.transfer, {one.node: one.match for one in role.peers}, node.limits


def _library_status(to: Translate, node: LibraryNode, _: None) -> object:
    status, limits = node.status(), node.limits
    shown = _shown_status(to, status)
    counters = str(status.counters)
    to.keep(status, lambda kept: (_shown_status(to, kept), str(kept.counters)), (shown, counters))
    numbers = v.Limits(limits.entries, limits.calls, limits.ask_again, limits.uncommitted)
    return *shown, numbers


def _shown_status(to: Translate, status: Any) -> tuple[object, ...]:
    seen = Observed(
        status.role.value,
        status.current_term,
        status.voted_for,
        status.commit_index,
        _position(status.last_position),
        _position(status.snapshot_position),
        to.config_to_spec(status.config),
        status.leader,
        confirmed=status.confirmed,
    )
    matches = {peer: one.match_index for peer, one in status.progress.items()}
    return status.id, seen, status.transfer_target, matches


def _role(node: v.Node, _: None) -> object:
    return [isinstance(node.role, role) for role in (v.Follower, v.Candidate, v.Leader)]


def _library_role(to: Translate, node: LibraryNode, _: None) -> object:
    return [node.role.is_follower, node.role.is_candidate, node.role.is_leader]


# Refusals, and whom they name

CALLS: Final[dict[str, Callable[[LibraryNode], object]]] = {
    "propose_command": lambda node: node.propose_command(),
    "propose_config": lambda node: node.propose_config(node.config),
    "heartbeat": lambda node: node.heartbeat(),
    "step_down": lambda node: node.step_down(),
    "transfer_leadership": lambda node: node.transfer_leadership(node.id + 1),
    "cancel_transfer": lambda node: node.cancel_transfer(),
    "read_index": lambda node: node.read_index(),
}
PROPOSALS: Final = ("propose_command", "propose_config")


def _call(node: v.Node, case: str) -> str:
    return case


def _hint(node: v.Node, call: str) -> object:
    if not isinstance(node.role, v.Leader):
        return "NotLeaderError", node.leader
    if node.role.transfer is not None and call in PROPOSALS:
        return "TransferringError", node.role.transfer
    return None


def _library_hint(to: Translate, node: LibraryNode, call: str) -> object:
    """A leader is asked only for what it has to refuse."""
    library = to.library
    if node.role.is_leader and (node.transfer_target is None or call not in PROPOSALS):
        return None
    try:
        CALLS[call](node)
    except library.NotLeaderError as error:
        return type(error).__name__, error.leader
    except library.TransferringError as error:
        return type(error).__name__, error.to
    return "not refused"


# A quorum that is lost


def _survivors(node: v.Node, case: tuple[int, bool]) -> frozenset[v.NodeId]:
    more, itself = case
    electors = sorted(node.config.electors - {node.id})
    named = frozenset(electors[: len(electors) // 2 + more])
    return named | {node.id} if itself else named


def _recovered(node: v.Node, survivors: frozenset[v.NodeId]) -> object:
    disk = v.Restart(node.current_term, node.voted_for, node.log)
    return rules.force_new_cluster(node.id, disk, survivors)


def _library_recovered(to: Translate, node: LibraryNode, survivors: frozenset[v.NodeId]) -> object:
    library = to.library
    try:
        term, voted_for, log = library.force_new_cluster(
            node.id,
            current_term=node.current_term,
            log=node.log,
            survivors=to.names(sorted(survivors)),
        )
    except library.RecoveryError:
        return v.Refused("unneeded_recovery")
    return v.Restart(term, voted_for, to.log_to_spec(log))


def _nothing(node: v.Node, _: None) -> None:
    return None


LOOKUPS: Final = (
    Question("LogEntries.get_entry", POSITIONS, position_about, _entry_at, _library_entry_at),
    Question("LogEntries.since", POSITIONS, position_about, _since, _library_since),
    Question("LogEntries.runs", (None,), _nothing, _all_entries, _library_all_entries),
    Question("LogEntries.push", LENGTHS, _length, _written, _library_written),
    Question("Log.get_position_and_config", POSITIONS, position_about, _log_at, _library_log_at),
    Question("LogPosition", POSITIONS, position_about, _order, _library_order),
    Question("CommitStatus", POSITIONS, position_about, _commit_status, _library_commit_status),
    Question(
        "ClusterConfig.contains", tuple(SOMEBODY), _somebody, _membership, _library_membership
    ),
    Question("Node.status", (None,), _nothing, _status, _library_status),
    Question("Role", (None,), _nothing, _role, _library_role),
    Question("NotLeaderError", tuple(CALLS), _call, _hint, _library_hint),
    Question(
        "force_new_cluster",
        tuple(product((0, 1), (False, True))),
        _survivors,
        _recovered,
        _library_recovered,
    ),
)
