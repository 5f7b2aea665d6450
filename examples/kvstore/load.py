"""How fast it is: clients in threads of a process of their own, over loopback.

python -m examples.kvstore.load FOLDER --clients 16 --seconds 5
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from examples.kvstore.client import Client, NoAnswerError
from examples.kvstore.folder import ClusterFolder


def work(client: Client, name: int, until: float, reads: bool, took: list[float]) -> None:
    """Write, or read, one after the other; `took` gets the seconds of each that was answered."""
    for count in itertools.count():
        begun = time.monotonic()
        if begun >= until:
            break
        with suppress(NoAnswerError):
            if reads:
                client.get(f"key-{name}-{count % 100}")
            else:
                client.put(f"key-{name}-{count % 100}", f"value {count}")
            took.append(time.monotonic() - begun)
    client.close()


def main() -> None:
    """Print operations a second and percentiles of what they took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--reads", action="store_true")
    options = parser.parse_args()
    cluster = ClusterFolder(options.folder)
    took: list[float] = []
    until = time.monotonic() + options.seconds
    threads = [
        threading.Thread(
            target=work,
            args=(cluster.client(timeout=10), name, until, options.reads, took),
        )
        for name in range(options.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not took:
        sys.exit("nothing was answered")
    took.sort()
    half, most = took[len(took) // 2], took[len(took) * 99 // 100]
    print(
        f"{options.clients} clients: {len(took) / options.seconds:.0f} a second, "
        f"median {half * 1000:.1f} ms, 99 % within {most * 1000:.1f} ms"
    )


if __name__ == "__main__":
    main()
