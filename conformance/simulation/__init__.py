"""Random schedules of a cluster: specification and subject in lockstep.

May import the subjects and `observe`; not audits.  The traces are imported within functions alone,
so that a check needs no third party (`tests/simulation/test_imports.py`).
"""

from conformance.observe.limits import MAX_NODES as MAX_NODES
