"""That nothing ends in a trap: from every state a leader can be elected and commit.

May import `explore.states`, and the rooms that `explore` may.
"""
