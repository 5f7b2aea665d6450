"""What people read of each command, as tables and lines.

May import every room; nothing but `cli` imports it.
"""
