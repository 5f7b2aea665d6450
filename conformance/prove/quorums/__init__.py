"""What a quorum is, what it holds, and that two overlap, for configurations of every size.

May import `prove.runner` and what lies below it.
"""
