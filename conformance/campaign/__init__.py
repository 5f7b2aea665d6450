"""Campaigns: random checks as tasks for many workers, steered by what has not been seen yet.

A task follows from the seed, its number, and what was known of the tasks before it.  Who does it,
and in how many processes, changes nothing.

May import the checks of `simulation`, `network` and `explore`, and the mutants.
"""
