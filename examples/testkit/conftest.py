"""All that a project needs to hold its Raft, and its driver, to the specification in its tests."""

pytest_plugins = ["conformance.kit.plugin", "examples.kvstore.driver.kit.plugin"]
