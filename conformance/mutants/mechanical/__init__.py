"""The library changed operator by operator, and what survives.

Imports `mutants.planted`.
"""
