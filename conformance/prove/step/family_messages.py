"""Families of shapes for the four messages.  What is multiplied with what: see `families`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, combinations, product
from typing import Final

from conformance.prove.step.family import (
    ASKED,
    CANDIDATE,
    FOLLOWERS,
    LARGE,
    LEADING,
    ME,
    ROLES,
    Family,
    anything_owed,
    family,
    name_of,
    owed_to,
    owing,
    peers_in,
    shapes_of,
)
from conformance.prove.step.shapes import (
    NOTHING_OWED,
    PAIR,
    SMALL,
    STRANGER,
    TRIO,
    TWO_CALLS,
    Owed,
    Server,
    Shape,
    receives,
    words,
)
from spec import values as v

# §5.3


WITH_CONFIGS: Final = {2: ("tk", "kc"), 3: ("kck", "tkt", "ckk", "kkk")}
"""Words with configurations, for logs and calls that are too long for all of them."""


def _sized(size: int, letters: str = "tck") -> list[str]:
    return [word for word in words(size, letters) if len(word) == size]


def _compared(logs: Iterable[str], call: str) -> Iterator[Shape]:
    return shapes_of(f"call {call!r}", receives(call), [Server(word=word) for word in logs])


def append_calls(full: bool) -> Iterator[Family]:
    most = 3 if full else 1
    for log, call in product(range(most + 1), repeat=2):
        size, long = max(log, call), log + call > 4
        letters = "tc" if long else "tck"
        logs, calls = _sized(log, letters), _sized(call, letters)
        name = f"append call/follower/log of {log}/call of {call}"
        if min(log, call) < 2 and log + call < 4:
            shapes = chain.from_iterable(_compared(logs, word) for word in calls)
            yield family(name, size, 3, shapes)
            continue
        for word in calls:
            yield family(f"{name}: {word}", size, 3, _compared(logs, word))
        if long:
            shapes = chain.from_iterable(
                _compared(WITH_CONFIGS[log], word) for word in WITH_CONFIGS[call]
            )
            yield family(f"{name}: configurations", size, 3, shapes)

    short = words(1)
    servers = [
        Server(role, word, PAIR, voted_for=vote)
        for role in ROLES
        for word in (("", "t", "k") if full else ("t",))
        for vote in ((None, 1) if full else (1,))
    ]
    yield family(
        "append call/any role",
        1,
        2,
        chain.from_iterable(
            shapes_of(f"call {w!r}", receives(w), servers) for w in (short if full else ("t",))
        ),
    )
    owes = [
        one
        for word in (("", "t") if full else ("t",))
        for one in owing((v.Follower(1), CANDIDATE, v.Leader), word)
    ]
    for word in short if full else ("",):
        yield family(
            f"append call/anything owed/call {word!r}",
            1,
            2,
            shapes_of(f"call {word!r}", receives(word), owes),
        )
    for log in range(3 if full else 2):
        owes = [
            Server(word=word, owed=Owed(write=at))
            for word in words(log, "tc")
            if len(word) == log
            for at in range(log + 1)
        ]
        for word in words(2 if full else 1, "tc"):
            yield family(
                f"append call/owed write/log of {log}/call {word!r}",
                2 if full else 1,
                2,
                shapes_of(f"call {word!r}", receives(word), owes),
            )
    if full:
        owes = [
            Server(word=word, owed=Owed(write=at)) for word in ("tct", "ctc") for at in range(4)
        ]
        yield family(
            "append call/owed write/log of 3",
            3,
            2,
            chain.from_iterable(shapes_of(f"call {w!r}", receives(w), owes) for w in ("", "tc")),
        )


FULL_LIMITS: Final = (
    (v.LIMITS, SMALL, TWO_CALLS),
    (v.LIMITS, SMALL, TWO_CALLS),
    (SMALL, TWO_CALLS),
    (TWO_CALLS,),
)
"""By the length of the log.  With two calls under way all is asked that the others ask: where fewer
are, where as many, and where a third one does not fit.
"""


def append_replies(full: bool) -> Iterator[Family]:
    event, reply = "a reply of 1", receives("append reply")
    logs = (
        [*words(3, "tc"), "k", "ck", "tk", "kt", "tkc", "kck"]
        if full
        else ["", "t", "k", "tc", "ct"]
    )
    same = (PAIR,)
    for size in range(4 if full else 3):
        sized = [word for word in logs if len(word) == size]
        yield family(
            f"append reply/leader of 2/log of {size}",
            size,
            2,
            _answered(Server(v.Leader, word, PAIR, same) for word in sized),
        )
        yield family(
            f"append reply/follower behind/log of {size}",
            size,
            2,
            _answered(
                Server(v.Leader, word, PAIR, same, behind=(1,), limits=limits)
                for word in (sized if full else [word for word in sized if word != "tc"])
                for limits in (FULL_LIMITS[size] if full else (TWO_CALLS,))
            ),
        )
    owes = [*owed_to(1), Owed(calls=(1,)), Owed(broadcast=True)] if full else []
    owed_it = [
        Server(v.Leader, word, PAIR, same, owed=owed, behind=(1,))
        for word in (("", "t", "ct") if full else ("t",))
        for owed in (*owes, Owed(True, 0, (1,), ((1, "append reply"),)))
    ]
    yield family("append reply/leader of 2/owed to it", 2, 2, _answered(owed_it))
    numbered = [
        Server(v.Leader, word, now, (now,), answered=True, transfer=1)
        for word in (("", "t", "k") if full else ("t",))
        for now in ((PAIR, TRIO) if full else (PAIR,))
    ]
    yield family("append reply/number of the call", 1, 3, _answered(numbered))
    for now in LEADING[1:] if full else (TRIO, LEADING[3], LEADING[6], LEADING[8]):
        if 1 not in now.members:
            continue
        logs = ["c", "k", "tk", "kt"] if full else ["c", "tc"][: 2 if now is TRIO else 1]
        servers = [Server(v.Leader, word, now, (now,)) for word in logs]
        peers = peers_in(now)
        servers += [
            Server(v.Leader, "k", PAIR, (now,), owed=Owed(True, write, calls), behind=peers[:1])
            for calls in ((), peers)
            for write in (None, 0, 1)
            if full or (write == 0 and calls)
        ]
        yield family(
            f"append reply/leader in {name_of(now)}", 2, 3, shapes_of(event, reply, servers)
        )
    for now in LARGE if full else LARGE[:1]:
        voters = len(now.voters)
        servers = [Server(v.Leader, "c", now, (now,))]
        yield family(
            f"append reply/leader in {name_of(now)}", 1, voters, shapes_of(event, reply, servers)
        )
    others = [Server(role, "t", owed=owed) for role in ROLES[:4] for owed in owed_to(1)]
    yield family(
        "append reply/others",
        1,
        3,
        chain(
            shapes_of(event, reply, others),
            shapes_of(
                "a stranger's reply",
                receives("append reply", STRANGER),
                [Server(v.Leader, "t", TRIO)],
            ),
            shapes_of(
                "a reply of its own",
                receives("append reply", 0),
                [Server(v.Leader, "t", TRIO)],
                acts=False,
            ),
        ),
    )


def _answered(servers: Iterable[Server]) -> Iterator[Shape]:
    """Each gets a reply of 1 that accepts, and one that refuses."""
    for server in servers:
        for said, success in (("accepts", True), ("refuses", False)):
            yield Shape(server, receives("append reply", 1, success), f"1 {said}")


# §5.2


def votes(full: bool) -> Iterator[Family]:
    event, call = "a vote call of 1", receives("vote call")
    servers = [
        Server(role, word, PAIR, voted_for=vote)
        for role in ROLES
        for word in (("", "t", "c", "tk") if full else ("", "t"))
        for vote in (None, 0, 1, 2)
    ]
    yield family("vote call/any role and vote", 2, 2, shapes_of(event, call, servers))
    owes = [
        one
        for vote in ((None, 0, 1) if full else (None,))
        for one in owing((FOLLOWERS[1], CANDIDATE, v.Leader), "t", voted_for=vote)
    ]
    yield family("vote call/anything owed", 1, 2, shapes_of(event, call, owes))

    def candidates(now: v.Config, word: str, owed: Owed = NOTHING_OWED) -> Iterator[Server]:
        others = sorted(now.electors - ME)
        for size in range(len(others) + 1):
            for granted in combinations(others, size):
                yield Server(v.Candidate(ME | set(granted)), word, now, (now,), 0, owed)
        yield Server(ASKED, word, now, (now,), 0, owed)

    configs = (*LEADING, *LARGE) if full else (PAIR, TRIO, LEADING[6])
    for now in configs:
        servers = [
            server for word in (("", "k") if full else ("k",)) for server in candidates(now, word)
        ]
        replies = [(1, True), (2, True), (STRANGER, True), (1, False)]
        yield family(
            f"vote reply/candidate in {name_of(now)}",
            1,
            len(now.electors),
            chain.from_iterable(
                shapes_of(
                    f"a vote of {of}: {granted}", receives("vote reply", of, granted), servers
                )
                for of, granted in replies
            ),
        )
    owes = [
        Server(CANDIDATE, word, PAIR, (PAIR,), 0, owed)
        for word in ("", "t", "k")
        for owed in (*anything_owed(CANDIDATE), *[Owed(True, at) for at in range(len(word) + 1)])
    ]
    yield family(
        "vote reply/anything owed", 1, 2, shapes_of("a vote of 1", receives("vote reply"), owes)
    )
    others = [Server(role, "t", TRIO) for role in ROLES]
    yield family(
        "vote reply/others", 1, 3, shapes_of("a vote of 1", receives("vote reply"), others)
    )
