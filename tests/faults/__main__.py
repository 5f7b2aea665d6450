"""`python -m tests.faults`: run a campaign and tell what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.faults.away import away
from tests.faults.campaign import Options, Outcome, campaign
from tests.faults.faults import FAULTS
from tests.faults.wrong import MISTAKES

LINES = 20
"""At most so many tell what the servers took; the others are left out."""

CODES = {"conforms": 0, "violation": 1, "inconclusive": 3}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="of faults; then it settles")
    parser.add_argument("--seed", type=int, default=1, help="the faults follow from it")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument(
        "--pause", type=float, default=0.02, help="of a client, at most, in seconds"
    )
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=FAULTS, metavar="FAULT")
    parser.add_argument("--mistake", choices=MISTAKES, help="plant this mistake in the servers")
    parser.add_argument(
        "--away", type=int, metavar="WRITES", help="instead: a server is away for so many writes"
    )
    parser.add_argument("--rate", type=float, default=1e6, help="to it, in bytes a second")
    parser.add_argument("--folder", type=Path, help="keep everything there: an empty folder")
    given = parser.parse_args()
    mistaken = MISTAKES[given.mistake].faults if given.mistake else tuple(FAULTS)
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        folder = given.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if given.away:
            print(away(folder, given.away, given.rate, say))
            return
        outcome = campaign(
            Options(
                folder,
                given.seconds,
                given.seed,
                given.servers,
                given.clients,
                tuple(given.only or mistaken),
                given.mistake,
                pause=given.pause,
            ),
            say,
        )
    tell(outcome)
    sys.exit(CODES[outcome.verdict])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def tell(outcome: Outcome) -> None:
    waits = defaultdict(list)
    for one in outcome.struck:
        waits[one.fault].append(one.waited)
    print(f"{'fault':<18} {'times':>5}  {'longest wait after it':>21}")
    for fault, waited in sorted(waits.items()):
        print(f"{fault:<18} {len(waited):>5}  {max(waited):>19.1f} s")
    print(
        f"{outcome.operations} operations done, {outcome.unknown} of unknown outcome; "
        f"{len(outcome.struck)} faults, {outcome.spoiled} frames lost or doubled, "
        f"{outcome.elected} leaders, term {outcome.terms} at the end; {outcome.seconds:.0f} s"
    )
    for taken in outcome.taken[:: max(1, len(outcome.taken) // LINES)]:
        servers = [f"{memory:.1f}, {disk:.2f}" for memory, disk in taken.servers.values()]
        print(f"{taken.seconds:6.0f} s   memory, disk of each in MB: {'   '.join(servers)}")
    for judged in outcome.judged:
        print(f"{judged.name:<13} {judged.verdict:<12}  {judged.detail}")
    print(outcome.verdict)


if __name__ == "__main__":
    main()
