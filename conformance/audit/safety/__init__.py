"""Whatever the implementation: what a recording shows must not be ruled out by Raft.

Imports the traces and `observe`.
"""
