"""Fixtures of the simulator's stories."""

from collections.abc import Iterator

import pytest

from tests.sandbox.driver import Google
from tests.sandbox.process import Server, running


@pytest.fixture
def google() -> Google:
    """A fresh Google with one account."""
    fresh = Google()
    fresh.open_account()
    return fresh


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as (_, url):
        served = Server(url)
        served.open_account()
        yield served
        served.http.close()
