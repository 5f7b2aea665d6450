"""What happens in an episode of a random run, all of it from a seed and the episode's number.

May import what `simulation` may, and no other file of it.
"""
