"""One server's step, on symbolic numbers: against the library, and against its own properties.

Imports `prove.runner`.
"""
