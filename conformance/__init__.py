"""What holds raftbare against its specification, and both against recordings."""
