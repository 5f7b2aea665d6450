"""What is put to the test: the specification, the library, and patched copies of both.

Imports `observe`.
"""
