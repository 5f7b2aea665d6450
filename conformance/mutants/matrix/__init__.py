"""Every planted bug against every method.

The mutants are handed to it.  May import `mutants.planted`, and every room below
`mutants`.
"""
