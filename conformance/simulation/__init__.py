"""Random schedules of a cluster: specification and subject in lockstep.

Imports the subjects, the traces and `observe`; knows nothing of audits.
"""

MAX_NODES = 7
"""Of a cluster that a schedule is drawn for.  Here, as reading it loads nothing else."""
