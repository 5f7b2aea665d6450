"""What people read of each command, as tables and lines.

Imports what it prints; nothing but `cli` imports it.
"""
