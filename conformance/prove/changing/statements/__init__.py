"""What is proved of a changing membership.

May import what `prove.changing` may, and no other file of it.
"""
