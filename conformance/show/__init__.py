"""A recording as people look at it: one model of it (`model`), and a module for each view.

May import what reads traces and what audits them.  No checker knows of any view.
"""
