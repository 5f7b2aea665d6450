"""What nodes and their values are asked, and what the specification answers.

May import what `subjects` may, and no other file of it.
"""
