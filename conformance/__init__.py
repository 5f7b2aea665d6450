"""Holds the library and its specification against each other, and recordings against both.

Its rooms import downwards only: cli, release, mutants, prove, explore, then simulation and audit
side by side, subjects, then trace and symbolic, and observe.  `pyproject.toml` has the contracts.
"""
