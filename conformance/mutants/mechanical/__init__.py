"""The library changed operator by operator, and what survives.

It makes its mutants by itself.  May import `mutants.planted`, and every room below
`mutants`.
"""
