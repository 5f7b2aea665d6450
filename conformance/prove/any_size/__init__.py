"""The induction of a fixed membership for any number of voters, two or more.

May import `prove.induction` and what lies below it.
"""
