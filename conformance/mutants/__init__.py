"""Bugs planted in the library, and the methods that have to find them.

Imports every room below.
"""
