"""For the tests of other projects: a pytest plugin, and hypothesis strategies.

Needs pytest, and hypothesis for the strategies.
"""
