"""The executable specification of Raft: the rules of a node, a cluster of nodes, what must hold.

Imports the standard library alone.  Read `rules` beside the paper, then `properties`.
"""
