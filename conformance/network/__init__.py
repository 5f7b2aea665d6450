"""A cluster in virtual time: delay, bandwidth, loss, disks that take time, timers, and load.

What it measures is exact and the same on every machine.  Imports `audit`, the subjects and
`observe`; knows nothing of `simulation`, whose schedules have no clock.
"""
