"""Concrete clusters within a small scope: witnesses, and counterexamples to replay.

Imports `prove.induction` and what lies below it.
"""
