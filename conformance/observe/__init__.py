"""What can be seen of a node, what a check found, and how people write both down.

May import the specification alone.
"""
