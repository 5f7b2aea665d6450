"""Every state of a bounded cluster, breadth first.

A node is a deterministic function of its state and an event, and there are few of both.  So every
distinct transition of a node is computed once, by the specification and by the library, and
compared; its result is remembered as small integers, and the search runs on those:

states    a cluster as one 64-bit number: its servers in the upper half, the network in the lower
liveness  from everywhere a leader can still be elected, and commits
search    layer by layer: a layer is an array of such numbers; the way back to what was found

Of the three folders `liveness` may import `states`, and `search` both.  All may import simulation,
the subjects and `observe`.
"""
