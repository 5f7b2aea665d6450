"""States of a bounded cluster as numbers, and the steps between them.

May import no other folder of `explore`, and the rooms that `explore` may.
"""
