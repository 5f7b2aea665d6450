"""Real servers of examples/kvstore under faults, judged by what clients saw and nodes recorded.

    python -m tests.faults --seconds 120 --seed 1

- `campaign` starts a cluster, has `clients` use it and faults happen, and judges.
- `faults` has the faults, each with its end; `links` carries what servers send, and spoils it.
- `server` is the process of one server, `wrong` the mistakes that may be planted in it.
"""
