"""Whatever the implementation: what a recording shows must not be ruled out by Raft.

Records are judged by the files here, moments of other implementations by `partial`.  May import
what `audit` may, and no other file of it but `decisions`; it uses `observe` and `trace.moments`
alone.
"""
