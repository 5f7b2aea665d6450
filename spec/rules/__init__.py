"""The rules of one node: an event and a state give an effect.  Imports `spec` values alone."""

from __future__ import annotations

from spec.rules.effect import Effect
from spec.rules.leaders import drained, quorum_index
from spec.rules.membership import has_quorum
from spec.rules.queries import commit_status, could_be_disruptive
from spec.rules.servers import step
from spec.rules.start import start

__all__ = [
    "Effect",
    "commit_status",
    "could_be_disruptive",
    "drained",
    "has_quorum",
    "quorum_index",
    "start",
    "step",
]
