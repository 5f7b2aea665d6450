"""Random schedules of a cluster: specification and subject in lockstep.

Imports the subjects, the traces and `observe`; knows nothing of audits.
"""
