"""That nothing ends in a trap: from every state a leader can be elected and commit.

Imports `explore.states`.
"""
