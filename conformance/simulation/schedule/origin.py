"""What an episode begins with: how its nodes are named, and what is on their disks already.

Names far apart cost nothing.  A log of hundreds of terms would take as many elections; so some
clusters begin with one: consistent parts of one history, as crashes of all servers leave them.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from spec import cluster as c
from spec import rules
from spec import values as v

NAMES: Final = (0, 1, 8, 63, 64, 65, 127, 129, 255, 256, 1000, 65_537, 2**31, 2**32 + 1, 2**40)
NAMES_AT_END: Final = tuple(2**63 + further for further in (-3, -1, 0, 1, 2))
"""From near which the numbers of 64 bits are negative, for who takes them so."""

JUMPS: Final = (1, 1, 1, 7, 2**31, 2**32, 2**62)
LARGEST_TERM: Final = 2**63


@dataclass(frozen=True, slots=True)
class Origin:
    """`names`: of the nodes' places, in ascending order; empty: as the places are numbered.

    `disks`: of the servers, all of which are down then; empty: nobody has run before.
    `committed`: the entries that are committed, and on all disks but those of the last few servers,
    which are no majority of any configuration.  `limits`: what those keep to that have a disk.
    """

    names: tuple[v.NodeId, ...] = ()
    disks: tuple[c.Disk, ...] = ()
    committed: v.Entries = ()
    limits: v.Limits = v.LIMITS

    def cluster(self, size: int) -> c.Cluster:
        """A cluster of the first so many of the servers."""
        if not self.disks:
            return c.new_cluster(size)
        members = tuple(
            c.Member(rules.start(node, self.limits).node, disk=disk, up=False)
            for node, disk in enumerate(self.disks[:size])
        )
        entries = tuple(self.committed)
        term = entries[-1].term
        history = c.History(committed=entries, committed_in=(term,) * len(entries))
        return c.Cluster(members, history=history)


def draw_origin(
    random: Random, nodes: int, voters: frozenset[v.NodeId], limits: v.Limits
) -> Origin:
    """As a rule nothing is unusual: of the clusters 15 in 100 have names, and 5 in 100 disks."""
    names = draw_names(random, nodes) if random.random() < 0.15 else ()
    if random.random() >= 0.05:
        return Origin(names)
    entries = _draw_entries(random, nodes, voters)
    # A joint configuration is followed by another entry only once it is committed.
    committed = random.randint(_last_config(entries), len(entries))
    behind = random.randint(0, (_smallest(entries) - 1) // 2)
    disks = []
    for node in range(nodes):
        index = random.randint(committed, len(entries))
        if node >= nodes - behind:
            index = random.choice((0, 1, random.randint(0, index)))
        log = v.new_log(v.ZERO, v.NO_CONFIG, entries[:index])
        if random.random() < 0.3 and index > 1:
            position = log.position(random.randint(1, min(index, committed)))
            log = log.compacted(position, log.config_at(position.index))
        # Above all terms of the log, in which somebody has voted already.
        term = min(LARGEST_TERM, entries[-1].term + random.choice(JUMPS))
        disks.append(c.Disk(term, None, log))
    return Origin(names, tuple(disks), entries[:committed], limits)


def draw_names(random: Random, nodes: int) -> tuple[v.NodeId, ...]:
    return tuple(sorted(random.sample((*NAMES, *NAMES_AT_END), nodes)))


def draw_term(random: Random, term: v.Term) -> v.Term:
    """A later one, as a rule by much."""
    return min(LARGEST_TERM, term + random.choice(JUMPS[3:]) + random.randint(0, 2))


def _draw_entries(random: Random, nodes: int, voters: frozenset[v.NodeId]) -> tuple[v.Entry, ...]:
    """A history of some terms, or of hundreds, with many configurations or few."""
    config = v.Config(voters)
    entries = [v.Entry(0, config)]
    term, changing = 0, random.choice((0.0, 0.05, 0.3))
    for _ in range(random.choice((3, 10, 40, 40, 200))):
        term += random.choice(JUMPS[:4] if random.random() < 0.97 else JUMPS[4:6])
        entries.append(v.Entry(term, v.TERM))
        entries += [v.Entry(term, v.COMMAND)] * random.choice((0, 0, 1, 2))
        if random.random() < changing:
            new_voters = frozenset(random.sample(range(nodes), random.randint(1, nodes)))
            others = frozenset(random.sample(range(nodes), nodes // 2)) - new_voters
            joint = v.Config(config.voters, new_voters, others)
            config = v.Config(new_voters, frozenset(), others)
            entries += [v.Entry(term, joint), v.Entry(term, config)]
    return tuple(entries)


def _last_config(entries: tuple[v.Entry, ...]) -> v.Index:
    return max(
        index for index, entry in enumerate(entries, 1) if isinstance(entry.payload, v.Config)
    )


def _smallest(entries: tuple[v.Entry, ...]) -> int:
    """How many voters the smallest configuration has."""
    configs = [entry.payload for entry in entries if isinstance(entry.payload, v.Config)]
    return min(
        len(group) for config in configs for group in (config.voters, config.new_voters) if group
    )
