"""The operating system's time and randomness."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.system import SystemClock, SystemIds


def test_ids_are_version_7_unique_and_in_order() -> None:
    ids = SystemIds()
    drawn = [ids.uuid() for _ in range(20_000)]
    assert drawn == sorted(drawn)
    assert len(set(drawn)) == len(drawn)
    assert {(each.version, each.variant) for each in drawn} == {(7, "specified in RFC 4122")}
    at = datetime.fromtimestamp((drawn[0].int >> 80) / 1000, UTC)
    assert abs(SystemClock().now() - at) < timedelta(minutes=1)


def test_secrets_are_long_and_never_repeat() -> None:
    ids = SystemIds()
    drawn = {ids.secret() for _ in range(1000)}
    assert len(drawn) == 1000
    assert min(map(len, drawn)) >= 43
    assert all(0 <= ids.jitter() < 1 for _ in range(1000))


async def test_the_clock_is_aware_and_goes_forward() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    assert clock.now().utcoffset() == timedelta(0)
    await clock.sleep(0)
    assert clock.monotonic() >= began
