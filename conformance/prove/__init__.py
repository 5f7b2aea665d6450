"""What exploration shows within bounds on terms and messages, shown for all of them, by z3.

The code that is proved is that of `spec` and `raftbare`, run on symbolic numbers.
"""
