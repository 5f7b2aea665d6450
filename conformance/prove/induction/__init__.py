"""Every kind of step of a cluster, on a symbolic server among unknown others.

Imports `prove.statements`, and results of `prove.runner`.
"""
