"""Two servers: the one that a community leaves, and the one where it opens."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from config import settings as config
from config.settings import Settings
from server import database
from tests.conftest import TEMPLATE


@pytest.fixture
def there(fresh_database: str) -> Iterator[Engine]:
    """The server that the community leaves."""
    engine = database.connect(fresh_database, pool=1)
    yield engine
    engine.dispose()


@pytest.fixture
def here(postgres: Any, worker: str) -> Iterator[Engine]:
    """The server where it opens."""
    name = f"muster_{worker}_other"
    postgres.create_database(name, template=TEMPLATE)
    engine = database.connect(postgres.conninfo(name), pool=1)
    yield engine
    engine.dispose()
    postgres.drop_database(name)


@pytest.fixture
def origin() -> Settings:
    settings = config.load(environment={})
    return dataclasses.replace(
        settings, server=dataclasses.replace(settings.server, public_url="https://old.example.org")
    )
