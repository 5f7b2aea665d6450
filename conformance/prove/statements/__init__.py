"""What is proved: lemmas on clusters, claims on messages, and how z3 is asked.

Imports `prove.runner` alone.
"""
