"""Settings: defaults, sources, refusals, and the example file."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from services.configuration import secret_keys, session_policy, sync_policy
from services.core.errors import SettingsError
from services.settings import Settings, load_settings
from services.system import SystemIds

ROOT = Path(__file__).parents[2]
SECRET = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
ADMIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PUBLIC: dict[str, Any] = {
    "public_base_url": "https://calendar.example.com",
    "secret_key": SECRET,
    "google_client_id": "id",
    "google_client_secret": "secret",
}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_nothing_needs_to_be_set_on_one_machine() -> None:
    settings = load_settings(None)
    assert (settings.loopback, settings.sqlite, settings.sandbox_embedded) == (True, True, True)
    assert settings.registration_open
    assert settings.redirect_uri == "http://localhost:8000/auth/google/callback"
    assert settings.webhook_url == "http://localhost:8000/webhooks/google-calendar"
    assert settings.google.token_uri == "http://localhost:8000/sandbox/token"
    assert settings.google.api_root == "http://localhost:8000/sandbox"


def test_the_public_address_follows_the_port() -> None:
    assert load_settings(None, port=9000).public_base_url == "http://localhost:9000"
    given = load_settings(None, port=9000, public_base_url="http://127.0.0.1:8/")
    assert given.public_base_url == "http://127.0.0.1:8"


def test_a_public_service_with_google() -> None:
    settings = load_settings(None, **PUBLIC)
    assert not settings.sandbox_embedded
    assert not settings.registration_open
    assert settings.google.api_root == "https://www.googleapis.com"
    assert settings.google.auth_uri == "https://accounts.google.com/o/oauth2/v2/auth"
    assert settings.webhook_url == "https://calendar.example.com/webhooks/google-calendar"


def test_google_credentials_on_one_machine_mean_the_real_google() -> None:
    settings = load_settings(None, google_client_id="id", google_client_secret="secret")
    assert not settings.sandbox_embedded
    assert settings.webhook_url is None


def test_another_google_needs_no_embedded_one() -> None:
    settings = load_settings(
        None, google_api_root="http://127.0.0.1:9090", google_token_uri="http://127.0.0.1:9090/token"
    )
    assert not settings.sandbox_embedded
    assert settings.google.api_root == "http://127.0.0.1:9090"
    assert settings.google.token_uri == "http://127.0.0.1:9090/token"
    assert settings.google.revoke_uri == "https://oauth2.googleapis.com/revoke"


@pytest.mark.parametrize(
    ("values", "variable"),
    [
        ({"port": "0"}, "PORT"),
        ({"port": "65536"}, "PORT"),
        ({"host": "0.0.0.0"}, "PUBLIC_BASE_URL"),
        ({"host": "::"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "calendar.example.com"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "http://calendar.example.com"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "https://user:pass@example.com"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "https://example.com?x=1"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "http://localhost.evil.example"}, "PUBLIC_BASE_URL"),
        ({"public_base_url": "http://[::1"}, "PUBLIC_BASE_URL"),
        ({"database_url": "mysql://localhost/x"}, "DATABASE_URL"),
        ({"database_url": ""}, "DATABASE_URL"),
        ({"database_url": "postgresql://localhost/x"}, "SECRET_KEY"),
        ({"registration": "closed"}, "REGISTRATION"),
        ({"cors_origins": "*"}, "CORS_ORIGINS"),
        ({"cors_origins": "https://*.example.com,"}, "CORS_ORIGINS"),
        ({"cors_origins": "https://app.example.com/"}, "CORS_ORIGINS"),
        ({"cors_origins": "https://app.example.com:443"}, "CORS_ORIGINS"),
        ({"cors_origins": "null"}, "CORS_ORIGINS"),
        ({"frontend_url": "javascript:alert(1)"}, "FRONTEND_URL"),
        ({"google_sandbox": "maybe"}, "GOOGLE_SANDBOX"),
        ({"google_client_id": "id"}, "GOOGLE_CLIENT_SECRET"),
        ({"google_client_secret": "secret"}, "GOOGLE_CLIENT_ID"),
        ({"google_token_uri": "http://tokens.example.com"}, "GOOGLE_TOKEN_URI"),
        ({"webhook_base_url": "http://hooks.example.com"}, "WEBHOOK_BASE_URL"),
        ({"fallback_sync_minutes": "0"}, "FALLBACK_SYNC_MINUTES"),
        ({"sync_concurrency": "many"}, "SYNC_CONCURRENCY"),
        ({"worker_poll_seconds": "-1"}, "WORKER_POLL_SECONDS"),
        ({"deletion_brake_percent": "101"}, "DELETION_BRAKE_PERCENT"),
        ({"log_level": "loud"}, "LOG_LEVEL"),
        ({"log_format": "xml"}, "LOG_FORMAT"),
        ({**PUBLIC, "secret_key": None}, "SECRET_KEY"),
        ({**PUBLIC, "secret_key": SECRET[:31]}, "SECRET_KEY"),
        ({**PUBLIC, "secret_key": "a" * 64}, "SECRET_KEY"),
        ({**PUBLIC, "google_client_id": None, "google_client_secret": None}, "GOOGLE_CLIENT_ID"),
        ({**PUBLIC, "google_sandbox": "on"}, "GOOGLE_SANDBOX"),
        ({**PUBLIC, "admin_api_key": "short"}, "ADMIN_API_KEY"),
        ({**PUBLIC, "admin_api_key": "a" * 64}, "ADMIN_API_KEY"),
        ({**PUBLIC, "admin_api_key": SECRET}, "ADMIN_API_KEY"),
        (
            {**PUBLIC, "oauth_redirect_uri": "http://localhost:8000/auth/google/callback"},
            "OAUTH_REDIRECT_URI",
        ),
        ({**PUBLIC, "oauth_redirect_uri": "https://other.example.com/auth"}, "OAUTH_REDIRECT_URI"),
        ({"session_idle_minutes": "0"}, "SESSION_IDLE_MINUTES"),
        ({"session_lifetime_hours": "9999"}, "SESSION_LIFETIME_HOURS"),
    ],
)
def test_what_does_not_let_the_service_start(values: dict[str, Any], variable: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, **values)
    assert caught.value.variable == variable
    for value in values.values():
        # A refused value may be a secret.
        assert value is None or len(str(value)) < 8 or str(value) not in caught.value.detail


def test_a_dotenv_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=9001\nLOG_LEVEL=DEBUG\nGOOGLE_CLIENT_ID=\nSOMEBODY_ELSES=1\n")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    settings = load_settings(file)
    assert (settings.port, settings.log_level, settings.google_client_id) == (9001, "ERROR", None)


def test_origins_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, http://localhost:3000")
    assert load_settings(None).cors_origins == ("https://a.example", "http://localhost:3000")


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    settings = load_settings(None)
    assert settings.secret_key is not None
    assert settings.secret_key.get_secret_value() == SECRET
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(SettingsError) as caught:
        load_settings(None)
    assert caught.value.variable == "SECRET_KEY_FILE"


def test_secrets_are_not_shown() -> None:
    values = {**PUBLIC, "admin_api_key": ADMIN, "database_url": "postgresql://u:hunter22@h/d"}
    shown = repr(load_settings(None, **values))
    for secret in (SECRET, ADMIN, "hunter22"):
        assert secret not in shown


def test_a_secret_key_is_kept_beside_the_database(tmp_path: Path) -> None:
    settings = load_settings(None, database_url=f"sqlite:///{tmp_path}/new/test.db")
    [first] = secret_keys(settings, SystemIds())
    assert secret_keys(settings, SystemIds()) == [first]
    file = tmp_path / "new" / "test.db.key"
    assert file.read_text() == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["test.db.key"]
    assert len(first) >= 32
    file.write_text("")
    with pytest.raises(SettingsError):
        secret_keys(settings, SystemIds())


def test_the_previous_key_opens_what_it_sealed() -> None:
    settings = load_settings(None, secret_key=SECRET, secret_key_previous="old")
    assert secret_keys(settings, SystemIds()) == [SECRET, "old"]


def test_sessions_last_as_the_settings_say() -> None:
    policy = session_policy(load_settings(None, session_idle_minutes=30, session_lifetime_hours=8))
    assert (policy.idle.total_seconds(), policy.lifetime.total_seconds()) == (1800, 28_800)


def test_the_numbers_reach_the_policy() -> None:
    policy = sync_policy(
        load_settings(
            None,
            loop_breaker_limit=3,
            loop_breaker_window_seconds=7,
            loop_breaker_cooldown_seconds=11,
            deletion_brake_min=5,
            deletion_brake_percent=50,
            fallback_sync_minutes=2,
        )
    )
    assert (policy.loop.limit, policy.loop.window.seconds, policy.loop.cooldown.seconds) == (3, 7, 11)
    assert (policy.brake.minimum, policy.brake.percent) == (5, 50)
    assert policy.fallback == policy.polling
    assert policy.fallback.total_seconds() == 120


def test_the_example_file_names_every_setting_with_a_line_and_its_default() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named: dict[str, str] = {}
    for before, line in zip(["", *lines], lines, strict=False):
        if match := re.fullmatch(r"([A-Z_]+)=(.*)", line):
            assert before.startswith("# "), f"{match[1]} has no line that explains it"
            named[match[1]] = match[2]
    assert set(named) == {name.upper() for name in Settings.model_fields}


def test_the_example_file_is_a_working_configuration() -> None:
    assert load_settings(ROOT / ".env.example") == load_settings(None)
