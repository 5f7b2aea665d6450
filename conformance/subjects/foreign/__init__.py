"""Subjects of another process, in any language: traces/FORMAT.md, "The subject protocol".

Needs the trace format, and so pydantic; no other subject does.
"""
