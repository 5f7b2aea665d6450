"""The safety level for what other implementations record: moments instead of records.

Nothing is taken for granted that the recorder does not note, and what it notes is true of that
moment alone.  May import what `safety` may, and of it `findings`, `log`, `shown` and `sightings`.
"""
