"""What only tests with a database may ask for."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from loyalty_service.kit.clock import SettableClock
from tests.databases import Lived, connect, copied
from tests.integration.verify_world import World


@pytest.fixture
def world(server_url: URL, lived: Lived) -> Iterator[World]:
    """A copy, to be broken, of what a module has lived through once (its fixture ``lived``)."""
    with copied(server_url, lived.database) as url:
        connection = connect(url)
        yield World(connection, SettableClock(lived.until))
        connection.close()
