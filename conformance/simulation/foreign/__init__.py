"""Subjects of another process under random schedules: in lockstep, or by the properties alone.

Needs the trace format, and so pydantic; what checks the library does not import this.
"""
