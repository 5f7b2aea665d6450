"""The fast path of audits: the same verdicts in a fraction of the time.

It may only say of a record that it is as specified.  What is not, and whatever else it does not
know, goes by the models and the specification as it is written, and so does one record in 64.
Compiled, it has a copy of the specification whose values are native classes (`write_out`, `build`).

`build` also compiles what plays the episodes of `conformance check` (`simulation.compiled`).

Imports `trace`, `observe` and `spec`; knows of the audits what they hand over, and of what else is
compiled the names of its files.
"""
