"""The mail that notifications are: it is lost, comes twice, late, or to somebody who knows nothing of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.core.errors import DatabaseUnavailableError, UnknownChannelError
from tests.simulation.processes import ConnectionLostError

if TYPE_CHECKING:
    import random

    from sandbox.messages import Notification
    from tests.simulation.world import World


@dataclass(slots=True)
class Post:
    """Takes notifications to whoever answers, and what befalls the next ones on their way."""

    dice: random.Random
    lost: int = 0
    doubled: int = 0
    late: int = 0

    def deliver(self, world: World) -> None:
        """Take what Google has to tell to somebody."""
        for notification in world.sandbox.due_notifications(world.clock.now()):
            self._dispatch(world, notification)

    def _dispatch(self, world: World, notification: Notification) -> None:
        if self.lost > 0:
            self.lost -= 1
            world.happened["notification lost"] += 1
            return
        copies, delay = 1, self.dice.uniform(0, 1.0)
        if self.doubled > 0:
            self.doubled -= 1
            copies = 2
            world.happened["notification doubled"] += 1
        if self.late > 0:
            self.late -= 1
            delay = self.dice.uniform(20, 200)
            world.happened["notification late"] += 1
        for _ in range(copies):
            world.start(self._carry(world, notification, delay))
            delay += self.dice.uniform(0, 3)

    async def _carry(self, world: World, notification: Notification, delay: float) -> None:
        await world.clock.sleep(delay)
        replica = world.somebody(self.dice)
        headers = notification.headers
        told = replica.channels.notified(
            channel_id=headers["X-Goog-Channel-ID"],
            token=headers.get("X-Goog-Channel-Token", ""),
            resource_id=headers["X-Goog-Resource-ID"],
            state=headers["X-Goog-Resource-State"],
        )
        status: int | None = 204
        try:
            await replica.process.answer(told)
        except UnknownChannelError:
            status = 404
            world.happened["notification of an unknown channel"] += 1
        except DatabaseUnavailableError:
            status = 503
        except ConnectionLostError:
            status = None
        world.sandbox.notification_answered(notification, status)
        due_at = world.sandbox.next_notification_at()
        if due_at is not None:
            wait_s = max((due_at - world.clock.now()).total_seconds(), 0.01)
            asyncio.get_running_loop().call_later(wait_s, world.deliver)
