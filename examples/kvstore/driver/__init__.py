"""A driver for nodes of `raftbare`, to be copied: it knows nothing of what it replicates.

Read `core` first: the driver's loop.  docs/driver.md of this repository says why it is as it is.

- `core`: the loop, without I/O or a clock; its parts are `elections`, `reads`, `changes` and
  `snapshots`, and what they share is in `context`.
- `replica`: what all servers hold alike: the state machine, sessions, members.
- `storage`: the disk, as a protocol and as SQLite.
- `transport`: frames over TCP.  `letters` are what they carry, `packing` makes bytes of these.
- `server`: a core with a disk, a network and a clock, in asyncio.
"""
