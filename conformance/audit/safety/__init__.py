"""Whatever the implementation: what a recording shows must not be ruled out by Raft.

May import what `audit` may, and no other file of it but `decisions`; it uses `observe` alone.
"""
