"""Obligations, the processes that prove them, and the results that are kept.

May import no other folder of `prove`.
"""
