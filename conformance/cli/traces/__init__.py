"""Commands that make traces of what is not one."""
