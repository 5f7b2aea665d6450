"""Everything at level quick is proved, of something; and each obligation has a name."""

from __future__ import annotations

from typing import get_args

import pytest

from conformance.prove import catalogue
from conformance.prove.runner.obligation import Level, Obligation, Subjects

QUICK = catalogue.obligations("quick")
LIVE = ("equivalence/", "invariant/", "membership/")
"""Of which every path is taken by numbers of which all that is assumed is true."""


@pytest.mark.parametrize("obligation", QUICK, ids=[one.name for one in QUICK])
def test_it_is_proved(obligation: Obligation) -> None:
    result = obligation.prove(Subjects())
    if obligation.name == "quorums/apart":
        assert result.result == "witnessed"
    else:
        assert (result.result, result.detail) == ("proved", "")
    assert result.paths > 0
    if obligation.name.startswith(LIVE):
        assert result.live == result.paths
    if obligation.name.startswith("equivalence/"):
        assert result.queries >= result.paths


@pytest.mark.parametrize("level", get_args(Level))
def test_each_has_a_name_of_its_own_in_a_fixed_order(level: Level) -> None:
    every = catalogue.obligations(level)
    names = [one.name for one in every]
    assert len(set(names)) == len(names) > 0
    assert names == [one.name for one in catalogue.obligations(level)]
    assert all("/" in name for name in names)
    assert all(isinstance(bound, (int, str)) for one in every for bound in one.bounds.values())
