"""Who belongs to a cluster (§6)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import ClassVar, final

from raftbare.arguments import checked, names
from raftbare.error import InvalidConfigError
from raftbare.types import NodeId


@final
class ClusterConfig:
    """A cluster's membership; with `new_voters` a joint one, C_old,new (§6).  Immutable.

    - `voters`: whose majority elects and commits.
    - `new_voters`: empty but in a joint configuration, where every decision needs a majority of
      `voters` and one of `new_voters`.
    - `non_voters`: receive the log and have no say.  While joint, old voters may be among them:
      they have a say until the change is complete.

    Compared and hashed by value, O(members).
    """

    __slots__ = ("_new_voters", "_non_voters", "_unique_nodes", "_voters")
    __match_args__: ClassVar = ("voters", "new_voters", "non_voters")

    def __init__(
        self,
        voters: Iterable[NodeId] = (),
        new_voters: Iterable[NodeId] = (),
        non_voters: Iterable[NodeId] = (),
    ) -> None:
        """Any iterables of names; a name twice is a name once.  O(members log members).

        Raises `TypeError` for what is no integer, and `ValueError` for one below 0.  Whether a
        configuration may be in force is for `Node.propose_config`.
        """
        self._voters = frozenset(voters)
        self._new_voters = frozenset(new_voters)
        self._non_voters = frozenset(non_voters)
        names("voters", self._voters)
        names("new_voters", self._new_voters)
        names("non_voters", self._non_voters)
        self._unique_nodes = tuple(sorted(self._voters | self._new_voters | self._non_voters))

    @property
    def voters(self) -> frozenset[NodeId]:
        """The voters; while a change is in progress, the old ones.  O(1)."""
        return self._voters

    @property
    def new_voters(self) -> frozenset[NodeId]:
        """The voters after the change that is in progress; empty where none is.  O(1)."""
        return self._new_voters

    @property
    def non_voters(self) -> frozenset[NodeId]:
        """Members that have no vote.  O(1)."""
        return self._non_voters

    @property
    def is_joint_consensus(self) -> bool:
        """Whether a change of voters is in progress.  O(1)."""
        return bool(self._new_voters)

    def contains(self, node_id: NodeId) -> bool:
        """Whether the node belongs to the cluster, as a voter or not.  O(1)."""
        return self.is_voter(node_id) or node_id in self._non_voters

    def is_voter(self, node_id: NodeId) -> bool:
        """Whether the node is a voter of the old or of the new membership.  O(1)."""
        return node_id in self._voters or node_id in self._new_voters

    def unique_nodes(self) -> tuple[NodeId, ...]:
        """All that belong to the cluster, each once, in ascending order.  O(1)."""
        return self._unique_nodes

    def has_quorum(self, nodes: AbstractSet[NodeId]) -> bool:
        """Whether these are a majority of the voters, and of the new voters too if joint (§6).

        To count the answers to a question of the user's own, such as pre-vote's.  O(voters).
        """
        return _is_majority(self._voters, nodes) and (
            not self._new_voters or _is_majority(self._new_voters, nodes)
        )

    def to_joint_consensus(
        self,
        adding: Iterable[NodeId] = (),
        removing: Iterable[NodeId] = (),
        demoting: Iterable[NodeId] = (),
    ) -> ClusterConfig:
        """The joint configuration that leads to these voters with some added and some removed.

        Who is in `demoting` becomes a non-voter once the change is complete.  What is in `adding`
        and `removing` is removed.  A non-voter that is added is one no longer.

        Raises `InvalidConfigError` where no voter would be left.  O(members log members).
        """
        demoted = frozenset(demoting)
        new_voters = (self._voters | frozenset(adding)) - frozenset(removing) - demoted
        if not new_voters:
            raise InvalidConfigError(
                f"no voter would be left of {sorted(self._voters)}: at least one is needed"
            )
        return ClusterConfig(self._voters, new_voters, (self._non_voters | demoted) - new_voters)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ClusterConfig):
            return NotImplemented
        return (
            self._voters == other._voters
            and self._new_voters == other._new_voters
            and self._non_voters == other._non_voters
        )

    def __hash__(self) -> int:
        return hash((self._voters, self._new_voters, self._non_voters))

    def __reduce__(self) -> tuple[type[ClusterConfig], tuple[frozenset[NodeId], ...]]:
        return ClusterConfig, (self._voters, self._new_voters, self._non_voters)

    def __repr__(self) -> str:
        return (
            f"ClusterConfig(voters={sorted(self._voters)}, "
            f"new_voters={sorted(self._new_voters)}, non_voters={sorted(self._non_voters)})"
        )


checked(ClusterConfig, "contains", "is_voter")


def _is_majority(voters: frozenset[NodeId], nodes: AbstractSet[NodeId]) -> bool:
    return len(voters & nodes) > len(voters) // 2
