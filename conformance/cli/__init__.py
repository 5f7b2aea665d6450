"""The command line: a file a command, with its options; what people read of it is in `report`.

May import every room, and does so within the commands, so that each loads what it needs alone.
"""
