"""A linked user in front of the simulator."""

from __future__ import annotations

import pytest

from tests.google.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.link()
    return world
