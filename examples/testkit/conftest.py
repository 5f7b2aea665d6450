"""All that a project needs to hold its Raft to the specification in its own tests."""

pytest_plugins = ["conformance.kit.plugin"]
