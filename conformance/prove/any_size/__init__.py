"""The induction of a fixed membership for any number of voters.

May import `prove.induction` and what lies below it.
"""
