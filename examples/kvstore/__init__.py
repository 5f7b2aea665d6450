"""A replicated key-value store: `driver` is for any state machine, the rest is this one's.

python -m examples.kvstore up --nodes 3
"""
