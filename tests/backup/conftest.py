"""Empty databases to restore into."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest

_numbers = itertools.count(1)


@pytest.fixture
def empty_url(servers: object, url_of: Callable[[str], str]) -> Iterator[str]:
    """A database with nothing in it, not even a schema."""
    name = f"t_elsewhere_{next(_numbers)}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield url_of(name)
    with psycopg.connect(url_of("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
