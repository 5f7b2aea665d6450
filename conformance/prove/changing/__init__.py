"""The inductive invariant of a cluster whose membership changes through joint configurations.

May import `prove.history`, `prove.induction` and what lies below them.
"""
