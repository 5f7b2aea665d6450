"""The trace format: its models, its files, and its translation to and from the spec's values.

Needs pydantic and zstandard.  May import `observe`.
"""
