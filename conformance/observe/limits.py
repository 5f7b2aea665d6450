"""How much is taken of what comes from outside; more is refused, with the limit in the message.

docs/limits.md is the table of these, and of what has no limit.
"""

from __future__ import annotations

from typing import Final

MAX_INTEGER: Final = 2**64 - 1
"""The largest identifier, term, index or sequence number: most recorders hold 64 bits."""

MAX_LINE: Final = 16 * 2**20
"""The most bytes in a line of a trace.  Lines of real traces have a few thousand."""

MAX_COMMANDS: Final = 2**24
"""The most commands in one run, entries in one list, and entries in one record.

A run costs ten bytes to write, and a reader that compares entry by entry expands it, to one
reference per entry: this bound holds a record to 128 MiB of them.  No leader sends sixteen million
commands in one message, so a longer run is a mistake or an attack, and it is refused unexpanded.
"""

MAX_IN_FILE: Final = 2**24
"""The most entries that the records of a file stand for together, not counting `PER_BYTE`.

A few hundred bytes of runs stand for as many entries as a day's recording, and each costs what an
entry costs that is written out: seconds a million, and memory while it is in a log.
"""

PER_BYTE: Final = 64
"""So many entries more for each byte of a file's lines, so that none is too long for what it is.

The calls of a leader that batches ten thousand commands have thirty entries a byte.
"""

MAX_NODES: Final = 15
"""The most nodes of a simulated cluster."""

MAX_EXPLORED: Final = 7
"""The most servers of an explored cluster."""
