"""Running Python on integers that stand for all integers, one run for every path.

Needs z3.  May import `observe`, and uses of the checkout `spec.values` alone.
"""
