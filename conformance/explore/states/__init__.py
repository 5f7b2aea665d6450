"""States of a bounded cluster as numbers, and the steps between them.

Imports no other folder of `explore`.
"""
