"""Families of shapes for timers, users, drains; what is multiplied with what: see `families`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from conformance.prove.step.family import (
    CANDIDATE,
    LARGE,
    LEADING,
    ROLES,
    Family,
    anything_owed,
    family,
    name_of,
    shapes_of,
)
from conformance.prove.step.shapes import (
    CHANGES,
    NOTHING_OWED,
    PAIR,
    SOLO,
    TRIO,
    Owed,
    Server,
    Shape,
    config,
    drain,
    input_of,
    places,
    restart,
    snapshot,
    words,
)
from spec import values as v


def timeouts(full: bool) -> Iterator[Family]:
    event, timeout = "election timeout", input_of(v.ElectionTimeout())
    voter, guest = config("01"), config("12", "", "0")
    changes = ((guest, voter), (voter, guest), (config("01", "12"), config("12")))
    logs = words(3 if full else 2, "ck")
    for role in (v.Follower(1), CANDIDATE):
        servers = [
            Server(role, word, now, (*change, guest))
            for now in (voter, guest)
            for change in changes
            for word in logs
        ]
        asked = shapes_of(event, timeout, servers)
        yield family(
            f"election timeout/{type(role).__name__.lower()}/who may campaign", 3, 2, asked
        )
    now = [Server(v.Follower(), "t", one) for one in (*LEADING, *LARGE)]
    yield family(
        "election timeout/any configuration",
        1,
        5,
        shapes_of(event, timeout, now),
    )
    owing = [
        Server(role, "t", of, owed=owed)
        for role in (v.Follower(1), CANDIDATE)
        for of in (SOLO, PAIR)
        for owed in (*anything_owed(), Owed(write=0), Owed(write=1))
    ]
    yield family("election timeout/anything owed", 1, 2, shapes_of(event, timeout, owing))
    strangers = [Server(v.Follower(), "", v.NO_CONFIG)]
    yield family("election timeout/no cluster", 0, 0, shapes_of(event, timeout, strangers))


# Proposals, §5.3 and §6


CALLS_TO_JOIN: Final = (*words(2, "tc"), "k", "ck")


def proposals(full: bool) -> Iterator[Family]:
    inputs: dict[str, v.Event] = {
        "command": v.ProposeCommand(),
        "heartbeat": v.Heartbeat(),
        "timeout of a leader": v.ElectionTimeout(),
    }
    for name, event in inputs.items():
        stimulus = input_of(event)
        servers = [
            Server(v.Leader, word, now, (now,))
            for now in LEADING
            for word in (("", "t", "k") if full else ("t",))
        ]
        yield family(f"{name}/any configuration", 1, 3, shapes_of(name, stimulus, servers))
        for size in range(3 if full else 2):
            owing = [
                Server(v.Leader, word, PAIR, (PAIR,), owed=Owed(call, at))
                for word in words(size, "tc")
                if len(word) == size
                for call in (None, "vote call", *(CALLS_TO_JOIN if full else words(1)))
                for at in (places(word) if name == "command" else (None,))
            ]
            joined = shapes_of(name, stimulus, owing)
            yield family(f"{name}/joined/log of {size}", 2 if full else 1, 2, joined)
        owing = [Server(v.Leader, "t", PAIR, owed=owed) for owed in anything_owed()]
        yield family(f"{name}/anything owed", 1, 2, shapes_of(name, stimulus, owing))
        if not isinstance(event, v.ElectionTimeout):
            others = [Server(role, "t", PAIR) for role in ROLES[:4]]
            yield family(
                f"{name}/others",
                1,
                2,
                [
                    *shapes_of(name, stimulus, others, acts=False),
                    *shapes_of(name, stimulus, [Server(v.Leader, "t", PAIR)]),
                ],
            )

    proposed = (
        PAIR,
        config("01", "", "2"),
        config("01", "02"),
        config("01", "1"),
        TRIO,
        config("01", "", "1"),
        config("01", "02", "2"),
    )
    for number, wanted in enumerate(proposed):
        change = v.ProposeConfig(wanted)
        servers = [
            Server(role, word, now, (now,))
            for role in (v.Follower(1), CANDIDATE, v.Leader)
            for now in ((PAIR, *LEADING[4:8]) if full else (PAIR, LEADING[6]))
            for word in (("", "k") if full else ("k",))
        ]
        fits = wanted.voters == PAIR.voters and not wanted.electors & wanted.non_voters
        asked = [
            Shape(server, input_of(change), "a configuration", acts)
            for server in servers
            for acts in [
                server.role is v.Leader
                and fits
                and server.config.voters == PAIR.voters
                and not server.config.is_joint
            ]
        ]
        yield family(f"configuration/{number + 1}: {name_of(wanted)}", 1, 3, asked)
    owing = [
        Server(v.Leader, word, PAIR, (PAIR,), owed=Owed(call, at))
        for word in (("", "t", "c", "k") if full else ("t",))
        for call in (None, "vote call", *words(2 if full else 1, "tc"))
        for at in places(word)
    ]
    change = v.ProposeConfig(config("01", "012"))
    yield family("configuration/joined", 2, 2, shapes_of("joint", input_of(change), owing))


# §7


def snapshots(full: bool) -> Iterator[Family]:
    other = config("03")

    def told(server: Server) -> Iterator[Shape]:
        in_log = [CHANGES[place] for place, letter in enumerate(server.word) if letter == "k"]
        for of in [server.config, *in_log, other]:
            acts = server.role is not v.Leader or of is not other
            yield Shape(server, snapshot(of), f"snapshot with {name_of(of)}", acts)

    for role in (v.Follower(1), v.Leader):
        label = "leader" if role is v.Leader else "follower"
        for size in range(4 if full else 3):  # one entry at the snapshot's place, and one after it
            servers = [Server(role, word) for word in words(size) if len(word) == size]
            yield family(
                f"snapshot/{label}/log of {size}",
                size,
                3,
                chain.from_iterable(told(server) for server in servers),
            )
    servers = [Server(CANDIDATE, word) for word in words(1)]
    told_all = chain.from_iterable(told(server) for server in servers)
    yield family("snapshot/candidate", 1, 2, told_all)
    for size in range(4 if full else 2):
        servers = [
            Server(role, word, owed=Owed(write=at))
            for role in (v.Follower(), v.Leader)
            for word in words(size, "tc" if size < 3 else "t")
            if len(word) == size
            for at in range(size + 1)
        ]
        yield family(
            f"snapshot/owed write/log of {size}",
            size,
            2,
            shapes_of("snapshot", snapshot(PAIR), servers),
        )
    calls = words(3) if full else ["", "c"]
    for name, owes in (
        ("broadcast", [Owed(broadcast=call) for call in calls]),
        ("send", [Owed(sends=((1, call),)) for call in calls]),
    ):
        servers = [
            Server(role, "c", owed=owed) for owed in owes for role in (v.Follower(), v.Leader)
        ]
        yield family(f"snapshot/owed {name}", 3, 2, shapes_of("snapshot", snapshot(PAIR), servers))
    servers = [
        Server(role, "t", owed=owed)
        for role in (ROLES if full else (v.Follower(),))
        for owed in anything_owed()
    ]
    event = "snapshot"  # refused as long as a term is yet to be saved
    shapes = [Shape(one, snapshot(PAIR), event, not one.owed.flags) for one in servers]
    yield family("snapshot/anything owed", 1, 2, shapes)


# Coming up


def coming_up(full: bool) -> Iterator[Family]:
    started = [Server(v.Follower(1), "t"), Server(v.Leader)]
    yield family("start", 1, 2, shapes_of("start", input_of(v.Start()), started))
    shapes = [
        Shape(Server(), restart(word, vote), f"restart with {word!r}")
        for word in words(3 if full else 2)
        for vote in (None, 0, 1)
    ]
    yield family("restart", 3 if full else 2, 2, shapes)
    empty = v.NO_CONFIG
    made = [
        Shape(server, input_of(v.CreateCluster(frozenset(voters))), f"create {voters}", acts)
        for voters in ([0], [0, 1], [0, 1, 2], [1, 2], [])
        for owed in (NOTHING_OWED, Owed(write=0), Owed(sends=((1, "vote reply"),), flags=True))
        for vote in (None, 1)
        for server in [Server(v.Follower(), "", empty, voted_for=vote, owed=owed)]
        for acts in [0 in voters]
    ]
    refused = [
        Shape(server, input_of(v.CreateCluster(frozenset({0, 1}))), "create again", False)
        for server in (Server(v.Follower(), "t", empty), Server(v.Follower(), "", PAIR))
    ]
    yield family("create cluster", 1, 3, made + refused)


# Drains


def drains(full: bool) -> Iterator[Family]:
    everything = Owed("c", 0, ((1, "append reply"), (2, "tc")), (1, 2), True)
    servers = [
        Server(role, word, owed=owed)
        for role in ROLES
        for word in ("", "t")
        for owed in (NOTHING_OWED, *anything_owed(), everything)
    ]
    shapes = [Shape(one, drain, "drain", one.owed != NOTHING_OWED) for one in servers]
    for one in servers:
        if one.role is v.Leader and one.owed == NOTHING_OWED:
            shapes.remove(Shape(one, drain, "drain", False))
    yield family("drain/anything owed", 1, 2, shapes)
    for now in (*LEADING, *LARGE[: 2 if full else 0]):
        servers = [
            Server(v.Leader, word, PAIR, (now,), owed=Owed(broadcast, write))
            for word in (("k", "kt", "tk") if full else ("k",))
            for broadcast in (None, "c")
            for write in (0, 1)
        ]
        yield family(
            f"drain/leader in {name_of(now)}",
            2,
            len(now.electors),
            shapes_of("drain", drain, servers),
        )
