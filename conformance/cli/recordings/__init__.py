"""Commands for people who have recordings, and no interest in the library."""
