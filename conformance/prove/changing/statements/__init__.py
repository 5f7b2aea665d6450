"""What is proved of a changing membership.

Imports `prove.statements`.
"""
