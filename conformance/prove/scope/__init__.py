"""Concrete clusters within a small scope: witnesses, and counterexamples to replay.

May import `prove.induction`, `prove.history` and what lies below them.
"""
