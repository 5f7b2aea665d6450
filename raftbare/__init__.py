"""raftbare: a minimal, feature-complete Raft without any I/O of its own.

It opens no file or socket, reads no clock, draws no random number and starts no thread; equal
inputs give equal actions.  It imports the standard library alone.

The driver's loop
-----------------

A `Node` is a state machine, and the user's program drives it.  For each node:

1. **Start**: `Node.start` for a node that never ran, `Node.restart` with what the disk holds for
   any other.  One node of a new cluster is given `create_cluster`.
2. **Input**: tell the node what has happened, any number of things: `propose_command`,
   `propose_config` and `transfer_leadership` for a client, `handle_message`,
   `handle_election_timeout`, `handle_timeout_now`, `handle_snapshot_installed`, `heartbeat`,
   `step_down`.  Each is answered by a rule of the Raft paper, changes the node's state, and adds to
   `node.actions`.
3. **Drain**: `for action in node.actions: ...`, to its end.  Each action is something to save,
   write, send or time, and is executed before the next one is taken.
4. **Apply**: hand what `node.commit_index` now covers to the state machine, in the order of the
   log, and answer the clients: `get_commit_status` tells what became of a proposal, `is_confirmed`
   which reads may be served, `get_change_status` whether a change of membership is complete.
5. **Wait** for a message, the timer or a client, and go on with 2.

A log entry is a term's first one, a configuration or a command.  A command has no content here:
`propose_command` returns the `LogPosition` under which the user keeps its content, and commands
take no memory in the node.  When `commit_index` reaches a position that the log contains, the
command is committed and may be applied.

What is owed is merged until it is taken.  A hundred proposals before one drain are one write to
the disk and one message to each peer (pipelining and batching).  An entry is sent to each peer
once, unless that peer shows that it lacks it.  `Limits` of `Node.start` and `Node.restart` say how
many entries a message carries, and how many are under way to a peer that catches up.

What else a driver does
-----------------------

Each of these is a few lines in a step of the loop.  The first three belong together: who lets
servers ignore requests for votes has to let leaders step down.

- **Linearizable reads** (§8).  Step 2: `read = node.read_index()` when the client asks; None: wait
  until the leader has committed an entry of its term.  Then `heartbeat`, unless one is unanswered
  yet: the reads that are taken meanwhile share the next one.  Step 4, and at once where nobody else
  has a vote: a read is served when `node.is_confirmed(read)` and the state machine has applied
  `read.index`.  `NotLeaderError` from either sends the client to the leader.  A follower that wants
  to read asks the leader for the index, which takes and confirms the read, and waits until it has
  applied that itself.
- **Check quorum** (dissertation, §6.2).  Step 5: a leader is cut off if a call of its own has gone
  unanswered by a quorum for an election timeout: `confirmed` is below the number that `heartbeat`
  returned then.  Look at a clock of its own for that, after each drain: proposals set the leader's
  timer anew.  Then `step_down`, and fail the reads that wait.
- **Pre-vote** (dissertation, §9.6).  Step 5: when the timer runs out, ask the others before the
  node is told: send them `pre_vote_call()` as a message of the driver's, of which each answers
  whether it `would_vote` and has not heard from a leader within the shortest election timeout
  (`could_be_disruptive`).  With a quorum, `config.has_quorum(...)`, the node itself among it, call
  `handle_election_timeout`; else set the timer again.  So a server that was away, or hears only
  some, deposes nobody.  The answers carry the term of who answers: of a later one the next pre-vote
  asks for the term after it, or two servers of which one is behind in its term and the other in its
  log refuse each other for ever.
- **Transfer** (dissertation, §3.10).  Step 2: `transfer_leadership(to)`; step 4: once
  `progress[to].match_index` is the last index, send `to` a message of the driver's with
  `current_term`, and again with each heartbeat; there, step 2: `handle_timeout_now(term)`.  Step 5:
  after an election timeout, `cancel_transfer`.
- **Changes of membership**.  Step 2: add a server as a non-voter; make it a voter once `progress`
  shows that it has caught up; make one that leaves a non-voter first.  Step 4: switch it off when
  `get_change_status` says `COMMITTED`, no sooner.
- **A quorum that is lost for good**: `force_new_cluster`, which is dangerous.
- **Messages on the wire, recordings**: `raftbare.codec` makes bytes or plain values of messages,
  logs and whole nodes, and reads them strictly.

The user's obligations
----------------------

1. Any number of inputs may come before a drain, `for action in node.actions: ...`.  Once begun, it
   is executed in order and to its end: no input is handed over, and no client is told anything, in
   the middle of it.
2. The next action is taken only after the one before it has been executed.  What is saved
   (`SaveCurrentTerm`, `SaveVotedFor`, `AppendLogEntries`) is durable by then.
3. A drain has ended when the node was asked for one more action and had none: with the end of the
   loop, with `StopIteration`, or when `bool(node.actions)` is false.  That is what tells a node
   that its own vote and its own copy of the log are durable, which may elect it and commit entries.
4. A crash may stop a drain anywhere.  What was not taken is lost with the process; the node comes
   up again by `Node.restart`, with just what was saved.
5. `AppendLogEntries(entries)` replaces whatever the disk has after `entries.prev_position`;
   commands are written with their content, which comes with the message or the proposal.
6. `SetElectionTimeout` replaces the timer that was set before it; until then that runs on, whatever
   the node becomes.  For a follower or candidate the time is drawn at random, well above a round
   trip and a leader's heartbeat interval (§5.6).
7. A message may be lost, delayed, doubled or overtaken, but not altered, and `AppendEntriesCall`
   comes with the content of its commands.  It may be shortened before it is sent, never extended.
   What is left out is sent again once the follower has refused a later call, at the latest that of
   the next heartbeat: use `Limits.entries` to have shorter messages.
8. `handle_snapshot_installed` is called when the snapshot is durable, with its position and the
   configuration there; the snapshot is made durable after a drain, so that the term is as well.  To
   compact its own log, the user takes both from `node.log.get_position_and_config(index)`, for an
   index that is committed.  `InstallSnapshot` says what to do where a transfer fails or takes long.
9. A node's name belongs to one node for ever, and to one disk.  One whose disk was lost comes up
   under another name, and is brought in by `propose_config`.
10. A `RaftError` has changed nothing, and the node may go on; but after an `InvariantError` a
    guarantee of the protocol is known to be broken, and it is better not to.
11. What the library hands out is for reading, with two exceptions: the entries in an action or a
    message are the user's own, and share nothing with the node.

Limits
------

- Faults are crashes, lost disks under a new name, and a network that loses, delays, doubles and
  reorders.  Nodes that lie are not provided for.
- A node is used by one thread at a time.
- Values can be copied and pickled, and so can a node, for tests and searches: the copy goes on from
  the same state, and shares nothing that changes.  It is no way to come up again: see obligation 4.
- There are no clocks here: a lease, for reads without a round of calls, is the driver's, and rests
  on its clocks (`Node.heartbeat`).
- A leader keeps to `Limits(entries=5000, calls=8, ask_again=1000, uncommitted=None)`, if it is
  given no others.  They count entries: sizes in bytes are not known here.
- One change of voters is in progress at a time, between any two sets of voters (§6).
- The compiled build has no docstrings at run time: `help` shows them in the pure one, and the
  sources, which are installed beside it, in both.
- Terms, indices and sequence numbers have no upper limit; from 2**63 on, logs of many terms take
  some five times the memory.

The decisions D1 to D9, where this departs from the Rust crate of the same name and follows the
paper, are listed in `docs/decisions.md` of the repository that this package comes from.
"""

from types import FunctionType
from typing import Final

from raftbare.action import (
    Action,
    AppendLogEntries,
    BroadcastMessage,
    InstallSnapshot,
    SaveCurrentTerm,
    SaveVotedFor,
    SendMessage,
    SetElectionTimeout,
)
from raftbare.certified import Certificate, Claim, certificate
from raftbare.config import ClusterConfig
from raftbare.drain import Actions
from raftbare.entries import CommandEntry, ConfigEntry, LogEntries, LogEntry, TermEntry
from raftbare.error import (
    ClusterExistsError,
    InvalidConfigError,
    InvalidSnapshotError,
    InvalidTransferError,
    InvariantError,
    NotLeaderError,
    RaftError,
    RecoveryError,
    TooManyUncommittedError,
    TransferringError,
)
from raftbare.limits import Limits
from raftbare.log import Log
from raftbare.message import (
    AppendEntriesCall,
    AppendEntriesReply,
    Message,
    MessageHeader,
    RequestVoteCall,
    RequestVoteReply,
)
from raftbare.node import Node
from raftbare.recovery import Disk, force_new_cluster
from raftbare.status import Counters, MemberProgress, MemberState, ReadIndex, Status
from raftbare.types import (
    CommitStatus,
    LogIndex,
    LogPosition,
    MessageSeqNo,
    NodeId,
    Role,
    Term,
)

__version__ = "0.1.0"

compiled: Final = not isinstance(Node.handle_message, FunctionType)
"""Whether this is the build compiled by mypyc, from the same files: faster, and otherwise alike."""

__all__ = [
    "Action",
    "Actions",
    "AppendEntriesCall",
    "AppendEntriesReply",
    "AppendLogEntries",
    "BroadcastMessage",
    "Certificate",
    "Claim",
    "ClusterConfig",
    "ClusterExistsError",
    "CommandEntry",
    "CommitStatus",
    "ConfigEntry",
    "Counters",
    "Disk",
    "InstallSnapshot",
    "InvalidConfigError",
    "InvalidSnapshotError",
    "InvalidTransferError",
    "InvariantError",
    "Limits",
    "Log",
    "LogEntries",
    "LogEntry",
    "LogIndex",
    "LogPosition",
    "MemberProgress",
    "MemberState",
    "Message",
    "MessageHeader",
    "MessageSeqNo",
    "Node",
    "NodeId",
    "NotLeaderError",
    "RaftError",
    "ReadIndex",
    "RecoveryError",
    "RequestVoteCall",
    "RequestVoteReply",
    "Role",
    "SaveCurrentTerm",
    "SaveVotedFor",
    "SendMessage",
    "SetElectionTimeout",
    "Status",
    "Term",
    "TermEntry",
    "TooManyUncommittedError",
    "TransferringError",
    "__version__",
    "certificate",
    "compiled",
    "force_new_cluster",
]
