"""The inductive invariant of a cluster whose membership changes through joint configurations."""
