"""The search itself: layers, their store, and the way back to what was found.

Imports `explore.liveness` and `explore.states`.
"""
