"""Obligations, the processes that prove them, and the results that are kept.

Imports no other folder of `prove`.
"""
