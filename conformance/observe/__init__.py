"""What can be seen of a node, what a check found, and how people write both down.

Imports the specification alone.
"""
