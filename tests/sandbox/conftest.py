"""Fixtures of the simulator's stories."""

import pytest

from tests.sandbox.driver import Google


@pytest.fixture
def google() -> Google:
    """A fresh Google with one account."""
    fresh = Google()
    fresh.open_account()
    return fresh
