"""The catalogue: bugs that implementations of Raft had, as patches of the library's text.

A new one takes an entry in the file of its chapter, and `make traces`, which records it in
`traces/violations`.  May import every room below `mutants`, and no other folder of `mutants`.
"""
