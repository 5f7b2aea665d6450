"""The last resort: a cluster of one server, from what a survivor of a lost quorum has on its disk.

Raft has no such rule, and cannot have one: without a quorum nobody knows what was committed.  What
this does is to declare it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from raftbare.arguments import fit, names, natural
from raftbare.config import ClusterConfig
from raftbare.entries import ConfigEntry, TermEntry
from raftbare.error import RecoveryError
from raftbare.log import Log
from raftbare.types import NodeId, Term


class Disk(NamedTuple):
    """What is durable: what `Node.restart` is given.  The log is the user's, and is not copied."""

    current_term: Term
    voted_for: NodeId | None
    log: Log


def force_new_cluster(
    node_id: NodeId, *, current_term: Term, log: Log, survivors: Iterable[NodeId]
) -> Disk:
    """Make the disk of one survivor that of the only voter of a new cluster.  **Dangerous.**

    - `node_id`, `current_term`, `log`: the survivor's name, and what its disk holds.  Take the one
      whose log is ahead of the others': the largest `log.last_position`.
    - `survivors`: all members whose disks are left, this one among them.

    The price, which nothing can lower:

    - Entries that this log lacks are lost, though they were committed and clients were told so.
    - Entries that it has count as committed, though they may never have been.
    - No other server of the old cluster may ever run again with its disk.  One that does goes on in
      the old configuration: there are two clusters then, and whatever both commit differs.  Erase
      those disks first; then bring the servers in under new names (`Node.propose_config`).

    The log gets two entries: one begins a term that this disk has not seen, one names `node_id` as
    the only voter.  Make term, vote and log durable, all or nothing; then `Node.restart` with them,
    and the next election timeout makes it leader.

    Raises `RecoveryError` where it can be seen that this need not or cannot be: the survivors are
    a quorum (start them instead), the node is the only member already, is no member or no
    survivor, or its log is empty.  O(log runs + members).
    """
    fit((current_term, int), (log, Log))
    natural("node_id", node_id)
    config, alive = log.latest_config, frozenset(survivors)
    names("survivors", alive)
    if not config.unique_nodes():
        raise RecoveryError(f"the log of node {node_id} names no cluster: there is nothing to save")
    if not config.contains(node_id):
        raise RecoveryError(
            f"node {node_id} has left the cluster, {config!r}: the log of a member was expected"
        )
    if node_id not in alive:
        raise RecoveryError(f"node {node_id} is none of the survivors, {sorted(alive)}")
    if config.unique_nodes() == (node_id,):
        raise RecoveryError(f"node {node_id} is the only member already: restart it as it is")
    if config.has_quorum(alive):
        raise RecoveryError(
            f"{sorted(alive)} are a quorum of {config!r}: restart them as they are, and they elect "
            "a leader that has all that was committed"
        )
    recovered, term = log.copy(), Term(current_term + 1)
    recovered.entries.push(TermEntry(term))
    recovered.entries.push(ConfigEntry(ClusterConfig([node_id])))
    return Disk(term, node_id, recovered)
