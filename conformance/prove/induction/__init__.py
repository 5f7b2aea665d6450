"""Every kind of step of a cluster, on a symbolic server among unknown others.

May import `prove.statements` and `prove.runner`.
"""
