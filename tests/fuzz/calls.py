"""Random calls of the library, and what came of each, a line of JSON a call.

`python -m tests.fuzz.calls SEED COUNT`.  Both builds are to write the same.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, Final, NamedTuple

import raftbare as rb
from raftbare import codec
from tests.library.helpers import COMMAND, after, config, header, opening, position, situations
from tests.library.helpers import state_of as state_of_node
from tests.library.values.test_wrong_arguments import (
    OF_ACTIONS,
    OF_LOG,
    OF_NODE,
    OF_VALUES,
    WITHOUT_ARGUMENTS,
)


class Odd:
    """Is nothing that the library knows, and raises when it is looked at closely.

    It has no `__index__`: the pure build takes what has one, which stands for a number in a proof.
    """

    def __repr__(self) -> str:
        return "Odd()"

    def __hash__(self) -> int:
        raise ZeroDivisionError

    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError

    def __iter__(self) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError


UNLIKE: Final = ("from_runs",)
"""What is wrong with an item of a list is told in other words by each build."""
ADDRESS: Final = re.compile(" at 0x[0-9a-f]+")
ENTRIES: Final = after((2, 7), opening(3), COMMAND)
ARGUMENTS: Final[tuple[Callable[[], Any], ...]] = (
    *(lambda number=number: number for number in (-(2**70), -1, 0, 1, 2, 3, 7, 9, 2**63, 2**70)),
    *(lambda value=value: value for value in (None, True, False, 1.0, float("nan"), 1j, "", "x")),
    *(lambda value=value: value for value in (b"", (1, 2), ("x",), [COMMAND], [(COMMAND, 3)])),
    *(lambda value=value: value for value in ([[1]], [1, None], {}, {1: 2}, frozenset({0, 1}))),
    list,
    lambda: iter([0, 1, 2]),
    lambda: iter([0, "x"]),
    lambda: range(3),
    Odd,
    lambda: [Odd()],
    lambda: str,
    lambda: position(1, 2),
    lambda: position(9, 9),
    lambda: config([0, 1, 2]),
    lambda: config([0], [1], [2]),
    lambda: ENTRIES.copy(),
    lambda: rb.LogEntries.from_runs(position(3, 9), [(COMMAND, 100)]),
    lambda: rb.Log(config([0, 1]), ENTRIES.copy()),
    lambda: rb.Limits(),
    lambda: header(1, 3),
    lambda: COMMAND,
    lambda: opening(3),
    lambda: rb.ConfigEntry(config([3])),
    lambda: rb.RequestVoteCall(header(1, 9), position(9, 9)),
    lambda: rb.AppendEntriesCall(header(1, 9), rb.LogIndex(9), ENTRIES.copy()),
    lambda: rb.AppendEntriesReply(header(1, 1), position(1, 2)),
    lambda: rb.ReadIndex(1, 2, 3),  # type: ignore[arg-type]
    lambda: rb.MemberState.PROBE,
    lambda: rb.Role.LEADER,
)
"""Each makes one: what is handed over is nobody else's.

No empty tuple, which mypyc calls `tuple[` where it is none of what is expected.
"""


class Target(NamedTuple):
    """What is called, with arguments that are as they should be.

    `state`: all that may not change where it raises.
    """

    made: Callable[..., Any]
    given: tuple[Any, ...]
    state: Callable[[], Any] = lambda: None


def targets(random: Random, nodes: list[rb.Node]) -> tuple[str, Target]:
    """A call, and its name."""
    which = random.randrange(5)
    if which <= 1:
        node = random.choice(nodes)
        name = random.choice([*OF_NODE, *sorted(WITHOUT_ARGUMENTS), "drain", "drain one"])
        made: Callable[..., Any]
        given: tuple[Any, ...]
        if name == "drain":
            made, given = list, (node.actions,)
        elif name == "drain one":
            made, given = next, (node.actions, None)
        else:
            given = OF_NODE[name].given if name in OF_NODE else ()
            made = getattr(node, name)
        return name, Target(made, given, lambda: (state_of_node(node), repr(node.status())))
    if which == 2:
        name = random.choice([name for name in OF_VALUES if name not in OF_ACTIONS])
        return name, Target(OF_VALUES[name].made, OF_VALUES[name].given)
    if which == 3:
        name = random.choice(list(OF_LOG))
        entries = ENTRIES.copy()
        made = getattr(entries, name)
        return f"entries.{name}", Target(made, OF_LOG[name].given, lambda: repr(entries))
    name = random.choice([name for name in dir(codec) if name.isupper()])
    one = getattr(codec, name)
    if not hasattr(one, "decode"):
        return targets(random, nodes)
    if random.random() < 0.5:
        return f"{name}.from_plain", Target(one.from_plain, (random.choice(ARGUMENTS)(),))
    return f"{name}.decode", Target(one.decode, (damaged(random),))


def damaged(random: Random) -> bytes:
    """Bytes of the codec, or nearly.  A codec is handed what the network has, which is bytes."""
    messages = (rb.RequestVoteCall, rb.AppendEntriesCall, rb.AppendEntriesReply)
    values = [made() for made in ARGUMENTS]
    value = random.choice([one for one in values if isinstance(one, messages)])
    data = bytearray(codec.MESSAGE.encode(value))
    for _ in range(random.randrange(4)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data[: random.choice([len(data), random.randrange(len(data))])])


def call(random: Random, nodes: list[rb.Node]) -> list[Any]:
    """Its name, its arguments, what came of it, and the state after it; last what is wrong."""
    name, target = targets(random, nodes)
    given = list(target.given)
    if not name.startswith("drain") and not name.endswith(".decode"):
        if given and random.random() < 0.8:  # one: which of two is refused first is not said
            given[random.randrange(len(given))] = random.choice(ARGUMENTS)()
    shown = "the node's" if name.startswith("drain") else ADDRESS.sub("", repr(given))
    before = target.state()
    wrong = ""
    try:
        result = target.made(*given)
        outcome = f"returned {result!r}"
    except Exception as error:
        outcome = type(error).__name__
        if name not in UNLIKE:
            outcome += f": {error}"
        if target.state() != before:
            wrong = f"{outcome}, and {before} became {target.state()}"
        if not isinstance(
            error, (TypeError, ValueError, rb.RaftError, codec.CodecError, ZeroDivisionError)
        ):
            wrong = f"an error of no kind that is documented: {outcome}"
    return [name, shown, outcome, str(target.state()), wrong]


def main() -> None:
    seed, count = sys.argv[1:]
    random = Random(seed)
    print(json.dumps({"compiled": rb.compiled}))
    nodes = [node for _, node in situations()]
    for _ in range(int(count)):
        print(json.dumps(call(random, nodes)))


if __name__ == "__main__":
    main()
