"""What is put to the test: the specification, the library, and patched copies of both.

May import `observe`; of `trace` and `symbolic` it has no need.
"""
