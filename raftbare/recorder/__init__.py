"""Records a node, so that it can be told afterwards whether what it did was Raft.

    from raftbare.recorder import RecordedNode, SegmentWriter

    writer = SegmentWriter("recording", node_id)
    node = RecordedNode.start(node_id, to=writer)      # or restart, with what the disk holds
    node.handle_message(message)                       # a driver's loop as it is
    for action in node.actions:
        ...

`conformance audit recording/`, of the repository that this package comes from, judges the files of
all nodes.  Contents of commands are never recorded.

- `RecordedNode` makes the lines, and has no I/O of its own: `to` may be any function that takes a
  line.  It has the inputs, the questions and the actions of a `Node`.  Not to record is to use a
  `Node`, at no cost.
- `SegmentWriter` writes them to files that end when they are full, and says what a crash and what a
  full disk cost.
- `header` begins a file of one's own.

`traces/FORMAT.md` of that repository describes the lines.  This package decides nothing of what a
node does, and no certificate speaks of it.
"""

from raftbare.recorder.line import header
from raftbare.recorder.recorded import RecordedActions, RecordedNode
from raftbare.recorder.records import RecorderError
from raftbare.recorder.segments import SegmentError, SegmentWriter

__all__ = [
    "RecordedActions",
    "RecordedNode",
    "RecorderError",
    "SegmentError",
    "SegmentWriter",
    "header",
]
