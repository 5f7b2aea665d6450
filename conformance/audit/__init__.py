"""Whether a recording was Raft, and if not, where it first went wrong.

May import the traces, the importers, the subjects and `observe`; not `simulation`.
"""
