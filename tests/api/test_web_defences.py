"""Names of the service, and what browsers are told about its pages and answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from services.core.errors import SettingsError
from services.settings import load_settings
from tests.api.service import SLOT, problem, running_service

if TYPE_CHECKING:
    from tests.api.service import Person, Service


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST.", "127.0.0.1:9", "[::1]:8000", "app.localhost"]
)
async def test_loopback_names_are_the_services_own(service: Service, host: str) -> None:
    assert (await service.http.get("/openapi.json", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "evil.example:8000", "", "[::1", "127.0.0.1.evil.example"],
)
async def test_a_name_that_was_pointed_here_gets_nothing(ada: Person, host: str) -> None:
    for method, path in (("GET", "/slots"), ("POST", "/slots"), ("GET", "/docs"), ("GET", "/nothing")):
        answer = await ada.call(method, path, headers={"host": host}, json=SLOT if method == "POST" else None)
        problem(answer, 400, "untrusted-host")
    assert await ada.titles() == []


async def test_orchestrators_probe_by_address(service: Service) -> None:
    for path in ("/health", "/ready"):
        assert (await service.http.get(path, headers={"host": "10.1.2.3:8000"})).status_code == 200


async def test_configured_names_count_and_addresses_come_from_the_settings_only(sqlite_url: str) -> None:
    names = {"webhook_base_url": "https://tunnel.example", "trusted_hosts": "api.example.com, 10.1.2.3"}
    async with running_service(sqlite_url, **names) as service:
        ada = await service.register()
        for host in ("tunnel.example", "api.example.com:443", "10.1.2.3:8000"):
            forwarded = {"host": host, "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
            answer = await ada.get("/auth/google/authorize", headers=forwarded)
            assert answer.json()["authorization_url"].startswith("http://localhost:8000/")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRUSTED_HOSTS", "*.example.com"),
        ("TRUSTED_HOSTS", "https://api.example.com"),
        ("TRUSTED_HOSTS", "api.example.com:443"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "proxy.internal"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_patterns_are_no_names_and_names_no_proxies(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, **{variable.lower(): value})
    assert caught.value.variable == variable


async def test_every_answer_tells_the_browser_to_keep_it_to_itself(ada: Person) -> None:
    for path in ("/slots", "/nothing", "/openapi.json"):
        headers = (await ada.get(path)).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


async def test_https_is_for_good_where_it_is_used(sqlite_url: str) -> None:
    public = {
        "public_base_url": "https://calendar.example.com",
        "secret_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "google_client_id": "id",
        "google_client_secret": "secret",
    }
    async with running_service(sqlite_url, **public) as service:
        answer = await service.http.get("/health", headers={"host": "calendar.example.com"})
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_the_documentation_runs_only_scripts_of_this_service(service: Service) -> None:
    page = await service.http.get("/docs")
    policy = dict(
        directive.split(" ", 1) for directive in page.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page.text, flags=re.DOTALL)
    assert len(scripts) == 2
    assert [body for _, body in scripts] == ["", ""]
    assert not re.search(r"\son\w+=|javascript:|<style|style=", page.text)
    for address in re.findall(r'(?:src|href)="([^"]*)"', page.text):
        assert address.startswith(("/docs/", "/openapi.json"))
        assert (await service.http.get(address)).status_code == 200
