"""A short scenario of a healthy cluster, for tests to vary."""

from __future__ import annotations

from conformance.network.clock import MILLISECOND as MS
from conformance.network.link import Link
from conformance.network.scenario import Load, Scenario

BRIEF = Scenario(
    "brief",
    "a command each 5 ms, slower than a round trip",
    "made for these tests",
    length=400 * MS,
    link=Link(MS),
    load=Load(5 * MS, 100 * MS, 200 * MS),
    begin=90 * MS,
)
"""No command is under way while another one is proposed."""
