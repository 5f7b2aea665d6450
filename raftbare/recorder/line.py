"""The lines of a recording: its header, and what a record shows of its node.

`traces/FORMAT.md` of the repository that this package comes from describes them.
"""

from __future__ import annotations

import json
from typing import Final, final

from raftbare.codec.vocabulary import write_config
from raftbare.compiling import mypyc_attr
from raftbare.node import Node
from raftbare.recorder.sink import integer_text, object_text, optional_text
from raftbare.recorder.texts import Texts
from raftbare.types import Role

NO_NUMBER: Final = -1
"""`State.confirmed` where there is none."""


def header(implementation: str, nodes: int = 1, cluster: str | None = None) -> bytes:
    """The first line of every file.

    `implementation`: what is recorded, and its version.  `nodes`: how many nodes' records the file
    is for.  `cluster`: a name by which files of other clusters are told from these.
    """
    fields: dict[str, object] = {
        "format": "raftbare-trace",
        "version": 1,
        "implementation": implementation,
        "nodes": nodes,
    }
    if cluster is not None:
        fields["cluster"] = cluster
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


@final
@mypyc_attr(acyclic=True, free_list_len=1)
class State:
    """What a record shows of its node."""

    __slots__ = (
        "commit_index",
        "config",
        "confirmed",
        "last_position",
        "leader",
        "own_confirms",
        "role",
        "snapshot_position",
        "term",
        "voted_for",
    )

    def __init__(self, node: Node, before: State | None, answered: int) -> None:
        """`before`: what its record before showed.  `answered`: the number of the message that
        the node was given since then, 0 for none.

        O(1), but of a leader that a quorum may have answered since O(voters log voters).
        """
        log, role = node.log, node.role
        self.role, self.term, self.voted_for = role, node.current_term, node.voted_for
        self.leader, self.commit_index = node.leader, node.commit_index
        self.last_position, self.snapshot_position = log.last_position, log.snapshot_position
        self.config = log.latest_config
        self.confirmed, self.own_confirms = NO_NUMBER, False
        if role is not Role.LEADER:
            return
        if (
            before is None
            or answered > before.confirmed
            or before.own_confirms
            or before.confirmed == NO_NUMBER
            or before.term != self.term
            or before.config is not self.config
        ):
            self.confirmed = node.confirmed
            self.own_confirms = self.confirmed > node._seqno
        else:
            self.confirmed = before.confirmed

    def text(self, texts: Texts, before: State | None) -> str:
        """The fields: all of them, or those that are not as before.

        `confirmed` is a leader's alone; where it has gone, null says so.  O(1), but O(members)
        where the configuration is another.
        """
        fields: list[str] = []
        if before is None or self.role is not before.role:
            fields.append(f'"role":"{self.role.value}"')
        if before is None or self.term != before.term:
            fields.append(f'"current_term":{integer_text("current_term", self.term)}')
        if before is None or _differ(self.voted_for, before.voted_for):
            fields.append(f'"voted_for":{optional_text("voted_for", self.voted_for)}')
        if before is None or self.commit_index != before.commit_index:
            fields.append(f'"commit_index":{integer_text("commit_index", self.commit_index)}')
        # Not `!=`, of which mypyc makes a search for a method by its name.
        if before is None or not self.last_position == before.last_position:  # noqa: SIM201
            fields.append(f'"last_position":{texts.position(self.last_position)}')
        if before is None or not self.snapshot_position == before.snapshot_position:  # noqa: SIM201
            fields.append(f'"snapshot_position":{texts.position(self.snapshot_position)}')
        config = self.config
        if before is None or (config is not before.config and config != before.config):
            fields.append(f'"config":{object_text(write_config, config)}')
        if before is None or _differ(self.leader, before.leader):
            fields.append(f'"leader":{optional_text("leader", self.leader)}')
        if self.confirmed != (NO_NUMBER if before is None else before.confirmed):
            leads = self.confirmed != NO_NUMBER
            told = integer_text("confirmed", self.confirmed) if leads else "null"
            fields.append(f'"confirmed":{told}')
        return ",".join(fields)


def _differ(one: int | None, other: int | None) -> bool:
    return one is not other and one != other
