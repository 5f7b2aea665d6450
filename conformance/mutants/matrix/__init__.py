"""Every planted bug against every method.

Imports `mutants.planted`.
"""
