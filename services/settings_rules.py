"""What settings must have in common, and what a service that others can reach must not do without."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from services.core.errors import SettingsError
from services.web_addresses import origin_of

if TYPE_CHECKING:
    from services.settings import Settings

_MIN_SECRET_LENGTH = 32
_MIN_DISTINCT_CHARACTERS = 10


def check_together(settings: Settings) -> None:
    """Refuse what does not fit together, and what must not be reached from outside.

    Raises:
        SettingsError: Naming the variable to change.
    """
    if settings.database_url.get_secret_value().partition(":")[0].partition("+")[0] not in (
        "sqlite",
        "postgres",
        "postgresql",
    ):
        raise SettingsError("DATABASE_URL", "must begin with sqlite: or postgresql:")
    if (settings.google_client_id is None) != (settings.google_client_secret is None):
        missing = "GOOGLE_CLIENT_ID" if settings.google_client_id is None else "GOOGLE_CLIENT_SECRET"
        raise SettingsError(missing, "must be set, since the other half of the Google credentials is")
    if settings.secret_key is None and not (settings.loopback and settings.sqlite):
        raise SettingsError("SECRET_KEY", "must be set except for SQLite on a loopback address")
    if not settings.loopback:
        _check_public(settings)


def _check_public(settings: Settings) -> None:
    if urlsplit(settings.public_base_url).scheme != "https":
        raise SettingsError("PUBLIC_BASE_URL", "must begin with https:// unless it is a loopback address")
    if origin_of(settings.redirect_uri) != origin_of(settings.public_base_url):
        # The browser would come back to another host, without the cookie that it has to bring.
        raise SettingsError("OAUTH_REDIRECT_URI", "must lie on PUBLIC_BASE_URL where the service is public")
    secret = settings.secret_key.get_secret_value() if settings.secret_key else ""
    admin = settings.admin_api_key.get_secret_value() if settings.admin_api_key else None
    if not _is_strong(secret):
        raise SettingsError("SECRET_KEY", "must be at least 32 random characters where the service is public")
    if admin is not None and not _is_strong(admin):
        raise SettingsError(
            "ADMIN_API_KEY", "must be at least 32 random characters where the service is public"
        )
    if admin is not None and admin == secret:
        raise SettingsError("ADMIN_API_KEY", "must not be the SECRET_KEY: callers send it around")
    if settings.google_sandbox == "on":
        raise SettingsError("GOOGLE_SANDBOX", "must not be on where PUBLIC_BASE_URL is public")
    if settings.google_client_id is None:
        raise SettingsError("GOOGLE_CLIENT_ID", "must be set where PUBLIC_BASE_URL is public")


def _is_strong(secret: str) -> bool:
    return len(secret) >= _MIN_SECRET_LENGTH and len(set(secret)) >= _MIN_DISTINCT_CHARACTERS
