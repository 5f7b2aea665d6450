"""Encodings with faults, as many as are asked for: the same for the same seed.

A million, which takes minutes:

    .venv/bin/python -m tests.codec.fuzz 1000000
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from raftbare import codec
from tests.codec.golden import GOLDEN

CODECS: list[codec.Codec[Any]] = [its for its, _, _ in GOLDEN.values()]
ENCODINGS = [its.encode(value) for its, value, _ in GOLDEN.values()]


def mutated(count: int, seed: int = 0) -> Iterator[tuple[codec.Codec[Any], bytes]]:
    """Bytes for a codec, mostly for that of their own kind, with one to four changes."""
    random = Random(seed)
    for _ in range(count):
        chosen = random.randrange(len(ENCODINGS))
        data = bytearray(ENCODINGS[chosen])
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            change(random, data)
        if random.random() < 0.9:
            data[:1] = ENCODINGS[chosen][:1]
        yield CODECS[chosen], bytes(data)


def change(random: Random, data: bytearray) -> None:
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((1, 1, 2, 5, 20)))
    match random.randrange(7):
        case 0:
            data[at:end] = b""
        case 1:
            data[at:at] = data[at:end]
        case 2:
            data[at:end] = random.randbytes(end - at)
        case 3:
            data[at:at] = random.randbytes(random.randrange(1, 12))
        case 4:
            other = random.choice(ENCODINGS)
            data[at:] = other[random.randrange(len(other)) :]
        case 5:
            number = random.choice((2**7, 2**14, 2**24, 2**24 + 1, 2**63, 2**64 - 1, 2**64))
            data[at:end] = varint(number)
        case _ if at < len(data):
            data[at] ^= 1 << random.randrange(8)


def varint(number: int) -> bytes:
    found = bytearray()
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def outcome(its: codec.Codec[Any], data: bytes) -> str:
    """What becomes of these bytes; any exception but `CodecError` goes through."""
    try:
        value = its.decode(data)
    except codec.CodecError as error:
        return error.expected if "byte" not in error.problem else "another length"
    assert its.encode(value) == data, "one value has one encoding"
    return "read"


if __name__ == "__main__":
    outcomes = Counter(outcome(its, data) for its, data in mutated(int(sys.argv[1])))
    print(f"{outcomes['read']} of {outcomes.total()} could be read, and were written as they were")
