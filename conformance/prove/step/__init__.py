"""One server's step, on symbolic numbers: against the library, and against its own properties.

May import `prove.runner`, and no other folder of `prove`.
"""
