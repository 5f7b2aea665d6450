"""The history variables that the lemmas speak of, computed beside a run on plain values.

May import `prove.statements` and what lies below it.
"""
