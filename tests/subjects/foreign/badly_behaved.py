"""A subject that says hello, and then does at each request what no subject may: see `WAYS`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

HELLO = b'{"format":"raftbare-subject","version":1,"implementation":"bad","lacks":[]}\n'
ANSWER = b'{"outcome":null,"actions":[],"state":%s}\n'
STATE = (
    b'{"role":"follower","current_term":0,"voted_for":null,"commit_index":0,'
    b'"last_position":{"term":0,"index":0},"snapshot_position":{"term":0,"index":0},'
    b'"config":{"voters":[],"new_voters":[],"non_voters":[]}}'
)
GOOD = ANSWER % STATE


def write(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.flush()


def hang() -> None:
    while True:
        time.sleep(60)


def die() -> None:
    sys.stderr.write("out of luck\n")
    sys.stderr.flush()
    sys.exit(7)


def flood() -> None:
    while True:
        write(b" " * (1 << 20))


def complain() -> None:
    sys.stderr.write("x" * (1 << 20))
    write(GOOD)


WAYS: dict[str, Callable[[], None]] = {
    "hangs": hang,
    "dies": die,
    "is killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "floods": flood,
    "answers twice": lambda: write(GOOD + GOOD),
    "talks": lambda: write(b"hello there\n"),
    "invents": lambda: write(GOOD.replace(b'"outcome":null', b'"outcome":7')),
    "drains nothing": lambda: write(GOOD.replace(b'"actions":[],', b"")),
    "is huge": lambda: write(
        GOOD.replace(b'"commit_index":0', b'"commit_index":18446744073709551616')
    ),
    "complains": complain,
}


def main(way: str) -> None:
    sys.stdin.buffer.readline()
    write(HELLO)
    while sys.stdin.buffer.readline():
        WAYS[way]()


if __name__ == "__main__":
    main(sys.argv[1])
