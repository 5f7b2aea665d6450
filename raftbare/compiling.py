"""What mypyc is told besides types; uncompiled it is nothing.

`acyclic`: an object is in no cycle of references, so the collector need not know of it.
`free_list_len=1`: the memory of the one that was freed last is kept for the next.  Both are for
what is made at every step of the protocol, and together are worth a tenth of a round.
"""

from __future__ import annotations

try:
    from mypy_extensions import mypyc_attr as mypyc_attr
except ImportError:

    def mypyc_attr(*names, **attributes):  # type: ignore[misc, no-untyped-def]
        return lambda kind: kind
