"""The history variables that the lemmas speak of, kept along on plain values.

Imports `prove.statements`.
"""
