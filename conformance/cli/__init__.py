"""The command line: a file a command, with its options; what people read of it is in `report`.

May import every room.  A command imports what it needs within its function, so that each loads what
it needs alone; only constants that its options need are imported at the top.
"""
