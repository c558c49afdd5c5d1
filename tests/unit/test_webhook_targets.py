"""Where outbound webhooks may go (OWASP API7: server-side request forgery)."""

from __future__ import annotations

import pytest

from services.core.webhook_targets import is_public, may_connect, refusal_of


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
    assert may_connect(address, loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2001:db8::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2002:a00:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_public(address)
    assert not may_connect(address, loopback=False)


def test_in_development_this_machine_is_a_target_and_its_network_is_not() -> None:
    assert may_connect("127.0.0.1", loopback=True)
    assert may_connect("::1", loopback=True)
    assert not may_connect("192.168.1.1", loopback=True)
    assert not may_connect("169.254.169.254", loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example.com/hook",
        "https://app.example.com:443",
        "https://app.example.com:8443/hook?a=b",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://app.example.com./hook",
    ],
)
def test_public_https_addresses_are_targets(url: str) -> None:
    assert refusal_of(url, loopback=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.example.com",
        "//app.example.com",
        "http://app.example.com/hook",
        "ftp://app.example.com",
        "file:///etc/passwd",
        "gopher://app.example.com",
        "https://",
        "https://app.example.com:22/",
        "https://app.example.com:99999/",
        "https://user:secret@app.example.com/",
        "https://app.example.com\\@10.0.0.1/",
        "https://app.example.com/#part",
        "https://app.example.com/a b",
        "https://app.example.com/\r\nhost: x",
        "https://пример.example/",
        "https://localhost/",
        "https://localhost./",
        "https://me.localhost/",
        "https://database/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[fe80::1%25eth0]/",
        "https://[not-an-address]/",
        "https://app.example.com/" + "x" * 2048,
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    assert refusal_of(url, loopback=False)


def test_in_development_http_on_this_machine_is_a_target() -> None:
    for url in (
        "http://localhost:3000/hook",
        "http://127.0.0.1:3000",
        "https://[::1]:3000/",
        "http://app.localhost/",
    ):
        assert refusal_of(url, loopback=True) is None
    for url in ("http://192.168.1.1/", "http://app.example.com/", "http://localhost:0/", "https://10.0.0.1/"):
        assert refusal_of(url, loopback=True)
