"""Bugs planted in the library, and the methods that have to find them.

May import every room below.
"""
