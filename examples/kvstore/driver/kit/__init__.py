"""A test kit for this driver, and for a storage of your own under it.

- `simulation`: a cluster in virtual time, whose servers crash at any action and whose network
  loses, delays, doubles and reorders.  The same seed gives the same run.
- `plugin`: the kit as pytest fixtures, for a storage or a wire format of your own; `power` takes
  away what a storage did not sync.
- `journal`: a state machine whose histories can be judged without a search, clients that use it,
  and the judgement: every acknowledged command applied once, every read linearizable.
- `disks`: a storage in memory, and what every storage has to do, step by step beside it.
"""
