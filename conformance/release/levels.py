"""How far the checks go at each level: quick, which `conformance verify` runs too, and full."""

from __future__ import annotations

from typing import Final

from conformance.observe.verdicts import Level

EVENTS: Final[dict[Level, int]] = {"quick": 200_000, "full": 2_000_000}
"""Inputs to nodes in lockstep."""
EXPLORED: Final[dict[Level, str]] = {"quick": "quick", "full": "standard"}
"""The preset of bounds."""
