"""Whether a recording was Raft, and if not, where it first went wrong.

Imports the traces, the subjects and `observe`; knows nothing of simulation.
"""
