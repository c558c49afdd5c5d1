"""A reader of the change feed, who ends with exactly what the service has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.system import SystemClock

if TYPE_CHECKING:
    from tests.e2e.torture.client import Client

_CLOCK = SystemClock()


class Reader:
    """Applies what `/slots/changes` tells, whatever happens to the machines."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._cursor: str | None = None
        self._seq = 0
        self.slots: dict[str, dict[str, Any]] = {}

    async def follow(self) -> None:
        """Read for ever."""
        while True:
            await self.catch_up()
            await _CLOCK.sleep(0.3)

    async def catch_up(self) -> None:
        """Read to the end."""
        while True:
            query = {} if self._cursor is None else {"cursor": self._cursor}
            page = await self._client.get("/slots/changes", limit=20, **query)
            for item in page["items"]:
                assert item["seq"] > self._seq, (item["seq"], self._seq)
                self._seq = item["seq"]
                slot = item["slot"]
                assert item["kind"] != "updated" or slot["id"] in self.slots, item
                if item["kind"] == "deleted":
                    self.slots.pop(slot["id"], None)
                else:
                    self.slots[slot["id"]] = slot
            self._cursor = page["next_cursor"]
            if not page["has_more"]:
                return

    async def judge(self) -> None:
        """Nothing has escaped the reader."""
        await self.catch_up()
        assert self.slots == {each["id"]: each for each in await self._client.pages("/slots")}
