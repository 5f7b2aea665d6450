"""Running Python on integers that stand for all integers, one run for every path.

Imports z3, and of the checkout `spec.values` alone.
"""
