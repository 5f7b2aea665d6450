"""What a follower keeps between its lives: how far it is, and the state of each node.

A file of JSON, with a checksum: what was damaged is told, and never gone on from.  A node's state
is a checkpoint in the words of the trace format, and is judged as one when it is read again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from conformance.audit.exact import ExactAudit, NodeState
from conformance.audit.follow import Followed, Follower, Totals
from conformance.observe.finding import Problem
from conformance.observe.observed import Checkpoint, observed
from conformance.observe.recorded import Recorded
from conformance.observe.write import write_whole
from conformance.trace.errors import BadTrace
from conformance.trace.model import Record
from conformance.trace.plain import record_line
from conformance.trace.records import recorded
from spec import values as v
from spec.pending import Pending, owed_in

FORMAT: Final = "raftbare-audit-progress"
VERSION: Final = 2


def save(follower: Follower, path: Path) -> None:
    """Put all of it in the place of what was saved before, or leave that as it is.

    Raises `OSError` where it cannot be written, and `ValueError` where a node's log has more
    entries than a trace can tell (2**24).
    """
    saved: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "folder": str(follower.folder),
        "cluster": follower.cluster,
        "totals": asdict(follower.totals),
        "checked": follower.exact.checked,
        "files": [
            asdict(file) | {"path": str(file.path.relative_to(follower.folder))}
            for file in follower.files.values()
        ],
        "nodes": [
            _plain(node, follower.exact.nodes[node], seq)
            | {"reading": str(follower.reading[node].relative_to(follower.folder))}
            for node, seq in follower.seqs.items()
        ],
    }
    write_whole(path, [json.dumps(saved | {"sum": _sum(saved)})])


def load(folder: Path, path: Path) -> Follower:
    """Go on from what was saved.  Raises `BadTrace` for anything else."""
    expected = "what --follow has saved for this folder"
    try:
        saved = json.loads(path.read_bytes())
        if saved["format"] != FORMAT or saved["version"] != VERSION:
            problem = f"format {saved['format']!r}, version {saved['version']!r}"
            raise BadTrace(path, None, problem, f"{FORMAT}, version {VERSION}")
        if saved.pop("sum") != _sum(saved):
            raise BadTrace(path, None, "its checksum is not that of what it says", expected)
        if saved["folder"] != str(folder):
            raise BadTrace(path, None, f"of the folder {saved['folder']}", str(folder))
        follower = Follower(folder, cluster=saved["cluster"], totals=Totals(**saved["totals"]))
        for plain in saved["files"]:
            begins = plain["begins"]
            file = Followed(**plain | {"path": folder / plain["path"]})
            file.begins = None if begins is None else (begins[0], begins[1])
            follower.files[file.path] = file
        for plain in saved["nodes"]:
            _restore(follower, plain)
            follower.reading[plain["node"]] = folder / plain["reading"]
        follower.exact.checked = dict(saved["checked"])
    except OSError as error:
        raise BadTrace(path, None, f"cannot be read: {error.strerror}", expected) from None
    except (ValueError, LookupError, TypeError, AttributeError, ValidationError) as error:
        raise BadTrace(path, None, f"{type(error).__name__} in it", expected) from None
    return follower


def _sum(saved: dict[str, Any]) -> str:
    """Of all that is saved besides, in hexadecimal."""
    return hashlib.sha256(json.dumps(saved).encode()).hexdigest()


def _plain(node: v.NodeId, state: NodeState, seq: int) -> dict[str, Any]:
    cut = None if state.unless_crashed is None else asdict(state.unless_crashed)
    member, record = state.member, None
    if member is not None:
        disk = v.Restart(member.disk.current_term, member.disk.voted_for, member.disk.log)
        checkpoint = Checkpoint(member.node, _owed(member.pending), disk)
        line = record_line(node, seq, checkpoint, None, None, observed(member.node))
        record = json.loads(line)
    return {"node": node, "seq": seq, "cut": cut, "record": record}


def _owed(pending: Pending) -> tuple[v.Action, ...]:
    """As actions that merge to the same: of calls only to whom they go is owed."""
    actions: list[v.Action] = []
    for owed in owed_in(pending):
        match owed:
            case v.CallOne(to):
                actions.append(v.InstallSnapshot(to))
            case v.CallAll():
                actions.append(v.BroadcastMessage(v.RequestVoteReply(0, 0, 0, False), ()))
            case _:
                actions.append(owed)
    return tuple(actions)


def _restore(follower: Follower, plain: dict[str, Any]) -> None:
    node, seq, record = plain["node"], plain["seq"], plain["record"]
    follower.seqs[node] = seq
    exact: ExactAudit = follower.exact
    if record is None:
        exact.nodes[node] = NodeState(None, seq)
        return
    checkpoint: Recorded = recorded(Record.model_validate_json(json.dumps(record)), follower.states)
    exact.add(checkpoint)
    if exact.problems or exact.nodes[node].seq != seq:
        raise ValueError(f"node {node}")
    if plain["cut"] is not None:
        exact.nodes[node].unless_crashed = Problem(**plain["cut"])
