"""A small project's tests of its storage, by the test kit of the driver."""

from __future__ import annotations

import pytest

from examples.kvstore.driver.kit.plugin import OpenStorage, StorageKit
from examples.testkit.my_storage import FileStorage


@pytest.fixture
def open_storage() -> OpenStorage:
    return lambda folder, identity: FileStorage(folder / "data")


def test_my_storage(storage_kit: StorageKit) -> None:
    storage_kit.check(seeds=1, seconds=3)
