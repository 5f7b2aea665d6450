"""Random schedules of a cluster: specification and subject in lockstep.

May import the subjects and `observe`; not audits.  The traces are imported within functions alone,
so that a check needs no third party (`tests/simulation/test_imports.py`).
"""

MAX_NODES = 15
"""Of a cluster that a schedule is drawn for.  Here, as reading it loads nothing else."""
