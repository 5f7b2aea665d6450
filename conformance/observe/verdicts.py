"""The verdicts of all checks, the exit code of each, and the levels that checks are run at."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

Level: TypeAlias = Literal["quick", "full"]
"""How far a check goes: minutes, or hours."""
AuditLevel: TypeAlias = Literal["exact", "safety"]
"""Judged as the specification says, event by event; or by what Raft rules out."""
AskedLevel: TypeAlias = Literal["exact", "safety", "both"]
"""Judged at one of them; or at each, to hold the verdicts together."""
Format: TypeAlias = Literal["auto", "raftbare", "etcd", "ccf", "hashicorp", "rafttest"]
"""What wrote a recording; auto: what its first line says."""
Verdict: TypeAlias = Literal["conforms", "violation", "bad_input", "inconclusive"]

EXIT_CODES: Final[dict[str, int]] = {
    "conforms": 0,
    "violation": 1,
    "bad_input": 2,
    "inconclusive": 3,
}
