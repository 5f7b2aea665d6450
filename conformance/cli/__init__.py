"""The command line: a file a command, its options and where its findings go.

May import every room.  numpy and z3 are imported inside functions, once they are needed.
"""
