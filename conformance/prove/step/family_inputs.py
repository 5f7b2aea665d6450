"""Families of shapes for timers, users, drains; what is multiplied with what: see `families`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from conformance.prove.step.family import (
    ASKED,
    CANDIDATE,
    LARGE,
    LEADING,
    ROLES,
    Family,
    anything_owed,
    family,
    name_of,
    owing,
    peers_in,
    shapes_of,
)
from conformance.prove.step.shapes import (
    CHANGES,
    FEW,
    NOTHING_OWED,
    PAIR,
    SMALL,
    SOLO,
    TRIO,
    TWO_CALLS,
    Owed,
    Server,
    Shape,
    Unknowns,
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
    owes = [
        Server(role, "t", of, owed=owed)
        for role in (v.Follower(1), CANDIDATE)
        for of in (SOLO, PAIR)
        for owed in (*anything_owed(role), Owed(write=0), Owed(write=1))
    ]
    yield family("election timeout/anything owed", 1, 2, shapes_of(event, timeout, owes))
    strangers = [Server(v.Follower(), "", v.NO_CONFIG)]
    yield family("election timeout/no cluster", 0, 0, shapes_of(event, timeout, strangers))


# Leadership given up: dissertation, §3.10 and §6.2


def handovers(full: bool) -> Iterator[Family]:
    inputs: dict[str, v.Event] = {
        "step down": v.StepDown(),
        "transfer": v.TransferLeadership(1),
        "cancel transfer": v.CancelTransfer(),
    }
    for name, event in inputs.items():
        servers = [
            Server(v.Leader, "t", now, (now,), transfer=transfer)
            for now in LEADING
            for transfer in ((None, 1) if name == "cancel transfer" else (None,))
            if name != "transfer" or 1 in now.electors
        ]
        yield family(f"{name}/any configuration", 1, 3, shapes_of(name, input_of(event), servers))
        owes = list(owing([v.Leader], "t", transfer=2))
        yield family(f"{name}/anything owed", 1, 2, shapes_of(name, input_of(event), owes))
        others = [Server(role, "t", PAIR) for role in ROLES[:4]]
        refused = shapes_of(name, input_of(event), others, acts=False)
        yield family(f"{name}/others", 1, 2, refused)
    wrong = [
        Shape(Server(v.Leader, "t", now, (now,)), input_of(v.TransferLeadership(to)), "to", False)
        for now, to in ((PAIR, 0), (PAIR, 2), (config("01", "", "2"), 2), (config("12"), 0))
    ]
    yield family("transfer/to no other voter", 1, 2, wrong)
    proposals: dict[str, v.Event] = {
        "command": v.ProposeCommand(),
        "configuration": v.ProposeConfig(PAIR),
    }
    handing = [Server(v.Leader, word, PAIR, (PAIR,), transfer=1) for word in ("", "t")]
    for name, event in proposals.items():
        refused = shapes_of(name, input_of(event), handing, acts=False)
        yield family(f"{name}/while leadership is handed over", 1, 2, refused)

    def asked(of: Unknowns) -> v.Event:
        return v.TimeoutNow(of.number("its term"))

    voter, guest = PAIR, config("12", "", "0")
    followers = [
        Server(role, word, now, (*change, guest))
        for role in ((v.Follower(), v.Follower(1)) if full else (v.Follower(1),))
        for now in (voter, guest)
        for change in ((guest, voter), (voter, guest))
        for word in words(2, "ck")
    ]
    may = [
        Shape(one, asked, "now", any(0 in of.electors for of in one.configs)) for one in followers
    ]
    yield family("timeout now/who may campaign", 2, 2, may)
    others = [Server(role, "t", PAIR) for role in (CANDIDATE, v.Leader)]
    yield family("timeout now/others", 1, 2, shapes_of("now", asked, others, acts=False))
    owes = list(owing([v.Follower(1)], "t"))
    yield family("timeout now/anything owed", 1, 2, shapes_of("now", asked, owes))


# Proposals, §5.3 and §6


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
            owes = [
                Server(v.Leader, word, PAIR, (PAIR,), owed=Owed(broadcast, at))
                for word in words(size, "tc")
                if len(word) == size
                for broadcast in (False, True)
                for at in (places(word) if name == "command" else (None,))
            ]
            joined = shapes_of(name, stimulus, owes)
            yield family(f"{name}/joined/log of {size}", 2 if full else 1, 2, joined)
        owes = list(owing([v.Leader], "t"))
        yield family(f"{name}/anything owed", 1, 2, shapes_of(name, stimulus, owes))
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

    limited = [
        Server(v.Leader, word, PAIR, limits=v.Limits(uncommitted=most))
        for word in ("t", "tc", "ctc")[: 3 if full else 2]
        for most in range(1, len(word) + 1)
    ]
    shapes = shapes_of("command", input_of(v.ProposeCommand()), limited)
    yield family("command/uncommitted", 3 if full else 2, 2, shapes)

    proposed = (
        PAIR,
        config("01", "", "2"),
        config("01", "02"),
        config("01", "1"),
        TRIO,
        config("01", "", "1"),
        config("01", "02", "2"),
        config("01", "0", "1"),
    )
    for number, wanted in enumerate(proposed):
        change = v.ProposeConfig(wanted)
        servers = [
            Server(role, word, now, (now,))
            for role in (v.Follower(1), CANDIDATE, v.Leader)
            for now in ((PAIR, *LEADING[4:8]) if full else (PAIR, LEADING[6]))
            for word in (("", "k") if full else ("k",))
        ]
        to_be = wanted.new_voters or wanted.voters
        fits = wanted.voters == PAIR.voters and not to_be & wanted.non_voters
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
    owes = [
        Server(v.Leader, word, PAIR, (PAIR,), owed=Owed(broadcast, at))
        for word in (("", "t", "c", "k") if full else ("t",))
        for broadcast in (False, True)
        for at in places(word)
    ]
    change = v.ProposeConfig(config("01", "012"))
    yield family("configuration/joined", 2, 2, shapes_of("joint", input_of(change), owes))
    guest = config("01", "", "2")
    owed_calls = [
        Server(v.Leader, "t", guest, owed=Owed(calls=calls), behind=(2,))
        for calls in ((1,), (2,), (1, 2))
    ]
    yield family(
        "configuration/calls owed",
        1,
        2,
        chain.from_iterable(
            shapes_of(f"to {name_of(wanted)}", input_of(v.ProposeConfig(wanted)), owed_calls)
            for wanted in (PAIR, config("01", "", "23"))
        ),
    )


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
            letters = "tck" if full or size < 2 or role is not v.Leader else "tc"
            servers = [Server(role, word) for word in words(size, letters) if len(word) == size]
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
    servers = [
        Server(v.Leader, word, owed=Owed(calls=(1,)), behind=(1,))
        for word in words(3 if full else 1, "tc")
    ]
    yield family(
        "snapshot/owed calls", 3 if full else 1, 2, shapes_of("snapshot", snapshot(PAIR), servers)
    )
    event = "snapshot"  # refused as long as a term is yet to be saved
    shapes = [
        Shape(one, snapshot(PAIR), event, not one.owed.flags)
        for one in owing(ROLES if full else ROLES[2:], "t")
    ]
    yield family("snapshot/anything owed", 1, 2, shapes)


# Coming up


def coming_up(full: bool) -> Iterator[Family]:
    started = [Server(v.Follower(1), "t"), Server(v.Leader)]
    yield family("start", 1, 2, shapes_of("start", input_of(v.Start(SMALL)), started))
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
    idle = [Server(role, word) for role in ROLES[:-1] for word in ("", "t")]
    owes = [one for word in ("", "t") for one in owing(ROLES, word)]
    leading = [Server(v.Leader, word) for word in ("", "t")]
    shapes = [
        *shapes_of("drain", drain, idle, acts=False),
        *shapes_of("drain", drain, owes),
        # It counts its own log, which a server that keeps the invariants has counted by then.
        *shapes_of("drain", drain, leading, acts=None),
    ]
    yield family("drain/anything owed", 1, 2, shapes)
    campaigns = [
        Server(role, "k", PAIR, (now,), voted_for=0, owed=Owed(broadcast, write, flags=True))
        for role in (CANDIDATE, ASKED)
        for now in LEADING
        for broadcast, write in ((True, None), (False, None), (False, 0))
    ]
    yield family("drain/candidate", 1, 3, shapes_of("drain", drain, campaigns))
    for now in (*LEADING, *LARGE[: 2 if full else 0]):
        servers = [
            Server(v.Leader, word, PAIR, (now,), owed=Owed(broadcast, write))
            for word in (("k", "kt", "tk") if full else ("k",))
            for broadcast in (False, True)
            for write in (0, 1)
        ]
        peers = peers_in(now)
        if peers:
            owed = Owed(True, 0, peers)
            servers.append(Server(v.Leader, "k", PAIR, (now,), owed=owed, behind=peers[:1]))
        yield family(
            f"drain/leader in {name_of(now)}",
            2,
            len(now.electors),
            shapes_of("drain", drain, servers),
        )
    yield from _drains_of_calls(full)


def _drains_of_calls(full: bool) -> Iterator[Family]:
    """Calls to a follower, from its next index on, and a broadcast that is cut short.

    The limits are the longest log's, less, and none that is ever reached.
    """
    limits = (SMALL, TWO_CALLS, FEW, v.LIMITS)
    for size in range(4 if full else 3):
        servers = [
            Server(v.Leader, word, PAIR, (PAIR,), owed=Owed(calls=(1,)), behind=behind, limits=most)
            for word in words(size, "tck" if size < (3 if full else 2) else "tc")
            if len(word) == size
            for behind in ((), (1,))
            for most in limits[: 4 if behind else 1]
        ]
        yield family(f"drain/calls/log of {size}", size, 2, shapes_of("drain", drain, servers))
        servers = [
            Server(v.Leader, word, PAIR, owed=Owed(True, at), behind=behind, limits=most)
            for word in words(size, "tc")
            if len(word) == size
            for at in places(word)
            for behind in ((), (1,))
            for most in (limits[:3] if full else (SMALL, FEW))
        ]
        yield family(f"drain/broadcast/log of {size}", size, 2, shapes_of("drain", drain, servers))
    for word in ("tc", "ct", "tk", "ctc")[: 4 if full else 1]:
        servers = [
            Server(v.Leader, word, TRIO, owed=Owed(True, at, calls), behind=behind, limits=SMALL)
            for at in (places(word) if full else (1,))
            for calls in ((1,), (1, 2))
            for behind in ((), (1,), (2,), (1, 2))
        ]
        yield family(
            f"drain/calls and broadcast/log {word!r}",
            len(word),
            3,
            shapes_of("drain", drain, servers),
        )
