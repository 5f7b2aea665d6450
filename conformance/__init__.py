"""Holds the library and its specification against each other, and recordings against both.

`ARCHITECTURE.md` draws its rooms, and says what each may import.
"""

from __future__ import annotations

import os
import signal
from importlib import import_module
from typing import Final

STOPS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a program to end."""


def main() -> None:
    """Run the command line.  While it is loaded a signal ends it at once: there is nothing yet."""
    for number in STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _leave)
    # By name: every room begins with this package, and what is proved would rest on the commands.
    import_module("conformance.cli.app").main()


def _leave(*_: object) -> None:
    os.write(2, b"interrupted: before anything was judged\n")
    os._exit(128 + signal.SIGINT)
