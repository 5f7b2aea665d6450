"""What is proved: lemmas on clusters, claims on messages, and how z3 is asked.

May import `prove.runner`, and no other folder of `prove`.
"""
