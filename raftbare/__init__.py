"""raftbare: a minimal, feature-complete Raft without any I/O of its own.

Theory of operation
-------------------

A `Node` is a state machine.  Inputs go in: a proposal, a message, a timeout, an installed
snapshot.  Each one is answered by a rule of the Raft paper, changes the node's state, and leaves
`node.actions`: what is to be saved, written, sent, and timed.  The user executes them.  The library
opens no file or socket, reads no clock, draws no random number and starts no thread; equal inputs
give equal actions.

A log entry is a term's first one, a configuration or a command.  A command has no content here:
`propose_command` returns the `LogPosition` under which the user keeps its content, and commands
take no memory in the node.  When `commit_index` reaches a position that the log contains, the
command is committed and may be applied to the user's state machine.

What owed actions have in common is merged until they are taken.  A hundred proposals before one
drain are one write to the disk and one message to each peer (pipelining and batching).

The user's obligations
----------------------

1. Any number of inputs may come before a drain, `for action in node.actions: ...`.  Once begun, it
   is executed in order and to its end: no input is handed over, and no client is told anything, in
   the middle of it.
2. The next action is taken only after the one before it has been executed.  What is saved
   (`SaveCurrentTerm`, `SaveVotedFor`, `AppendLogEntries`) is durable by then.
3. A drain has ended when the node was asked for one more action and had none: with the end of the
   loop, or `StopIteration`.  That is what tells a leader that its own copy of the log is durable.
   `bool(node.actions)` tells whether there is something to take, and ends nothing.
4. A crash may stop a drain anywhere.  What was not taken is lost with the process; the node comes
   up again by `Node.restart`, with just what was saved.
5. `AppendLogEntries(entries)` replaces whatever the disk has after `entries.prev_position`;
   commands are written with their content, which comes with the message or the proposal.
6. `SetElectionTimeout` replaces the timer that was set before it.  For a follower or candidate the
   time is drawn at random, well above a round trip and a leader's heartbeat interval (§5.6).
7. A message may be lost, delayed, doubled or overtaken, but not altered, and `AppendEntriesCall`
   comes with the content of its commands.  It may be shortened before it is sent, never extended.
8. `handle_snapshot_installed` is called when the snapshot is durable, with its position and the
   configuration there; the snapshot is made durable after a drain, so that the term is as well.  To
   compact its own log, the user takes both from `node.log.get_position_and_config(index)`, for an
   index that is committed.
9. A node's name belongs to one node for ever, and to one disk.  One whose disk was lost comes up
   under another name, and is brought in by `propose_config`.
10. A `RaftError` has changed nothing, and the node may go on; but after an `InvariantError` a
    guarantee of the protocol is known to be broken, and it is better not to.
11. What the library hands out is for reading, with two exceptions: the entries in an action or a
    message are the user's own, and share nothing with the node.

Where this departs from the Rust crate of the same name, and follows the paper
------------------------------------------------------------------------------

- D1: votes compare (term, index) of the last entries, not the index alone (§5.4.1).
- D2: a leader of the same term is followed by candidates, and whomever one voted for (§5.2).
- D3: a vote is forgotten only when the term grows.
- D4: the commit index is never below the snapshot's.
- D5: entries that the local snapshot covers are known to match, and are skipped.
- D6: conflicting entries are removed by whole terms (§5.3).
- D7: vote requests are handled as §5.2 says; `Node.could_be_disruptive` is for users who may drop
  them (§6).
- D8: a node's own messages are ignored.
- D9: what contradicts committed entries raises `InvariantError`, the node being left as it was.
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
from raftbare.config import ClusterConfig
from raftbare.entries import CommandEntry, ConfigEntry, LogEntries, LogEntry, TermEntry
from raftbare.error import (
    ClusterExistsError,
    InvalidConfigError,
    InvalidSnapshotError,
    InvariantError,
    NotLeaderError,
    RaftError,
)
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
from raftbare.pending import Actions
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
    "ClusterConfig",
    "ClusterExistsError",
    "CommandEntry",
    "CommitStatus",
    "ConfigEntry",
    "InstallSnapshot",
    "InvalidConfigError",
    "InvalidSnapshotError",
    "InvariantError",
    "Log",
    "LogEntries",
    "LogEntry",
    "LogIndex",
    "LogPosition",
    "Message",
    "MessageHeader",
    "MessageSeqNo",
    "Node",
    "NodeId",
    "NotLeaderError",
    "RaftError",
    "RequestVoteCall",
    "RequestVoteReply",
    "Role",
    "SaveCurrentTerm",
    "SaveVotedFor",
    "SendMessage",
    "SetElectionTimeout",
    "Term",
    "TermEntry",
    "__version__",
    "compiled",
]
