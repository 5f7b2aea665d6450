"""Exhaustive exploration: every behaviour of a bounded cluster, breadth first.

A node is a deterministic function of its state and an event, and there are few of both.  So every
distinct transition of a node is computed once, by the specification and by the library, and
compared; its result is remembered as small integers, and the search runs on those:

nodes     servers' states, messages and histories as small integers; a node's transitions
servers   all servers together, and what one of them does to them: the left half of a state
network   what is under way and which budgets are used: the right half of a state
search    layer by layer: a state is one 64-bit number, exactly, and a layer an array of them
path      a shortest way to what was found, as steps of `spec.cluster`
eventually  from everywhere a leader can still be elected, and commits
"""
