"""Recordings of other implementations, each format in a file of its own, read as moments.

An importer says what its format is (`sniff`), what its recorder notes (`capabilities`), and what
each line tells of a node.  It derives nothing: what follows from several lines is for the audit.
May import `trace`, and what that may.
"""
