"""Holds the library and its specification against each other, and recordings against both.

`ARCHITECTURE.md` draws its rooms, and says what each may import.
"""
