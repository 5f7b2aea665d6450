"""The search itself: layers, their store, and the way back to what was found.

May import `explore.liveness` and `explore.states`, and the rooms that `explore` may.
"""
