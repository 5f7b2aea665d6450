"""A cluster in virtual time: delay, bandwidth, loss, disks that take time, timers, and load.

What it measures is exact and the same on every machine.  May import `audit`, the subjects and
`observe`; not `simulation`, whose schedules have no clock.
"""
