"""Random abuse of the commands: `python -m tests.fuzz`; `make fuzz` is an hour of it."""
