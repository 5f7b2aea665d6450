"""A cluster made anew from one survivor's disk: the last resort, and where it is refused."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import raftbare as rb
from conformance.subjects.library import LibrarySubject
from spec import rules
from spec import values as v

SUBJECT = LibrarySubject()
ZERO = rb.LogPosition.ZERO


def nodes(*names: int) -> list[rb.NodeId]:
    return [rb.NodeId(name) for name in names]


def a_log(*entries: rb.LogEntry) -> rb.Log:
    return rb.Log(rb.ClusterConfig(), rb.LogEntries(ZERO, entries))


TRIO = rb.ConfigEntry(rb.ClusterConfig(nodes(0, 1, 2)))
OPENED = rb.TermEntry(rb.Term(3))
LOG = a_log(TRIO, OPENED, rb.CommandEntry())


def recovered(log: rb.Log = LOG, survivors: Iterable[int] = (1,), node: int = 1) -> rb.Disk:
    return rb.force_new_cluster(
        rb.NodeId(node), current_term=rb.Term(4), log=log, survivors=nodes(*survivors)
    )


def test_the_survivor_leads_alone_and_commits_all_that_it_has() -> None:
    made = recovered()
    node = rb.Node.restart(
        rb.NodeId(1), current_term=made.current_term, voted_for=made.voted_for, log=made.log
    )
    assert not node.role.is_leader
    node.handle_election_timeout()
    for _ in node.actions:
        pass
    assert node.role.is_leader
    assert node.current_term == 6
    assert node.commit_index == node.log.last_position.index == 6
    assert node.config == rb.ClusterConfig(nodes(1))
    assert node.log.entries.get_term(rb.LogIndex(3)) == 3


def test_the_log_that_is_handed_over_stays_as_it_was() -> None:
    made = recovered()
    assert made.log.entries.prev_position == ZERO
    assert a_log(TRIO, OPENED, rb.CommandEntry()) == LOG


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: recovered(survivors=(0, 1)), "are a quorum of"),
        (lambda: recovered(survivors=(0, 2)), "none of the survivors"),
        (lambda: recovered(node=7, survivors=(7,)), "has left the cluster"),
        (lambda: recovered(a_log()), "names no cluster"),
        (lambda: recovered(a_log(rb.ConfigEntry(rb.ClusterConfig(nodes(1))))), "the only member"),
    ],
)
def test_it_is_refused_where_it_can_be_seen_that_it_need_not_be(made: object, says: str) -> None:
    with pytest.raises(rb.RecoveryError, match=says):
        made()  # type: ignore[operator]


def test_a_joint_configuration_needs_both_majorities_to_be_left() -> None:
    joint = rb.ConfigEntry(rb.ClusterConfig(nodes(0, 1, 2), nodes(2, 3, 4)))
    log = a_log(TRIO, OPENED, joint)
    assert recovered(log, (0, 1)).log.latest_config == rb.ClusterConfig(nodes(1))
    with pytest.raises(rb.RecoveryError, match="are a quorum of"):
        recovered(log, (0, 1, 2, 3))


NAMES = st.frozensets(st.integers(0, 4))
CONFIGS = st.builds(v.Config, NAMES, NAMES, NAMES)


@given(configs=st.lists(CONFIGS, max_size=3), term=st.integers(0, 5), survivors=NAMES)
def test_library_and_specification_agree(
    configs: list[v.Config], term: int, survivors: frozenset[int]
) -> None:
    entries = tuple([v.Entry(0, one) for one in configs])
    disk = v.Restart(term, None, v.new_log(entries=entries))
    specified = rules.force_new_cluster(1, disk, survivors)
    log = SUBJECT.log_from_spec(disk.log)
    try:
        made = rb.force_new_cluster(
            rb.NodeId(1), current_term=rb.Term(term), log=log, survivors=nodes(*survivors)
        )
    except rb.RecoveryError:
        assert isinstance(specified, v.Refused)
        return
    found = v.Restart(made.current_term, made.voted_for, SUBJECT.log_to_spec(made.log))
    assert found == specified
