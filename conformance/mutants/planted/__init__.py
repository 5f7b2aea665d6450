"""The catalogue: bugs that implementations of Raft had, as patches of the library's text.

Imports no other folder of `mutants`.
"""
