"""Running Python on integers that stand for all integers, one run for every path."""
