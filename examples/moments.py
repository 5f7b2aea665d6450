"""Record any Raft implementation as a trace that `conformance audit` judges at the safety level.

To be copied: nothing of this project is needed.  `note` belongs where a message arrives, where one
is sent, and where the state has changed; what each field means is in traces/FORMAT.md.
"""

from __future__ import annotations

import json
from typing import Any, TextIO


class Moments:
    """Writes a header, and then a line for everything that is noted of the nodes of a process."""

    def __init__(
        self, out: TextIO, implementation: str, nodes: int, capabilities: dict[str, Any]
    ) -> None:
        self._out = out
        self._seqs: dict[int, int] = {}
        self._line(
            {
                "format": "raftbare-trace",
                "version": 1,
                "implementation": implementation,
                "nodes": nodes,
                "capabilities": capabilities,
            }
        )

    def note(self, node: int, **told: Any) -> None:
        """`told`: the fields of a moment that are known, such as current_term=3."""
        self._seqs[node] = seq = self._seqs.get(node, 0) + 1
        self._line({"node": node, "seq": seq, **told})

    def _line(self, value: dict[str, Any]) -> None:
        self._out.write(json.dumps(value) + "\n")
        self._out.flush()
