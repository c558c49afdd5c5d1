"""Every setting of the service: environment, `.env`, or a file that `NAME_FILE` points to, in that order.

Loading reads and checks; it opens and creates nothing. A value that does not let the service start becomes
one `SettingsError` that names the variable.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from services.core.errors import SettingsError
from services.setting_types import BaseUrl, Hosts, Networks, Origins, Url  # noqa: TC001  # read by pydantic
from services.settings_rules import check_together
from services.web_addresses import host_of, is_loopback, is_loopback_host, origin_of

GOOGLE_AUTH_URI = "https://accounts.google.com/o/oauth2/v2/auth"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
GOOGLE_REVOKE_URI = "https://oauth2.googleapis.com/revoke"
GOOGLE_USERINFO_URI = "https://openidconnect.googleapis.com/v1/userinfo"
GOOGLE_API_ROOT = "https://www.googleapis.com"

SANDBOX_PATH = "/sandbox"
WEBHOOK_PATH = "/webhooks/google-calendar"
CALLBACK_PATH = "/auth/google/callback"

_SECRETS = ("secret_key", "secret_key_previous", "google_client_secret", "admin_api_key", "database_url")


class GoogleAddresses(NamedTuple):
    """The endpoints of Google, or of whatever stands in for it."""

    auth_uri: str
    token_uri: str
    revoke_uri: str
    userinfo_uri: str
    api_root: str


class Settings(BaseSettings):
    """What the environment says, with what follows from it."""

    model_config = SettingsConfigDict(
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_base_url: BaseUrl = "http://localhost:8000"
    """Where browsers, API callers and Google find this service; follows `port` when it is not set."""
    database_url: SecretStr = SecretStr("sqlite:///calendar-sync.db")
    secret_key: SecretStr | None = None
    secret_key_previous: SecretStr | None = None
    admin_api_key: SecretStr | None = None
    registration: Literal["open", "admin"] | None = None
    session_idle_minutes: float = Field(default=720, gt=0, le=43_200)
    session_lifetime_hours: float = Field(default=168, gt=0, le=8760)
    frontend_url: Url | None = None
    cors_origins: Origins = ()
    trusted_hosts: Hosts = ()
    trusted_proxies: Networks = ()
    rate_limit_per_minute: int = Field(default=600, ge=0, le=1_000_000)
    body_timeout_seconds: float = Field(default=30, gt=0, le=3600)

    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    oauth_redirect_uri: Url | None = None
    webhook_base_url: BaseUrl | None = None
    google_sandbox: Literal["auto", "on", "off"] = "auto"
    google_auth_uri: Url | None = None
    google_token_uri: Url | None = None
    google_revoke_uri: Url | None = None
    google_userinfo_uri: Url | None = None
    google_api_root: BaseUrl | None = None

    fallback_sync_minutes: float = Field(default=15, gt=0, le=1440)
    sync_lease_seconds: float = Field(default=90, gt=0, le=3600)
    sync_concurrency: int = Field(default=8, ge=1, le=256)
    worker_poll_seconds: float = Field(default=5.0, gt=0, le=300)
    loop_breaker_limit: int = Field(default=8, ge=2, le=1000)
    loop_breaker_window_seconds: int = Field(default=300, ge=1, le=86_400)
    loop_breaker_cooldown_seconds: int = Field(default=300, ge=1, le=86_400)
    change_retention_days: int = Field(default=90, ge=1, le=3650)
    deletion_brake_min: int = Field(default=10, ge=1)
    deletion_brake_percent: int = Field(default=25, ge=1, le=100)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "text"] = "json"

    @model_validator(mode="before")
    @classmethod
    def _follow_port(cls, values: dict[str, Any]) -> dict[str, Any]:
        host = str(values.get("host", "127.0.0.1"))
        if not values.get("public_base_url") and not is_loopback_host(host):
            raise SettingsError(
                "PUBLIC_BASE_URL", "must say where others find the service, since HOST lets them reach it"
            )
        return {"public_base_url": f"http://localhost:{values.get('port', 8000)}", **values}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets also from files, as container platforms mount them."""
        del file_secret_settings
        files = _SecretFiles(settings_cls, env_settings, dotenv_settings)
        return init_settings, env_settings, files, dotenv_settings

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches the service."""
        return is_loopback(self.public_base_url)

    @property
    def sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.database_url.get_secret_value().startswith("sqlite")

    @property
    def sqlite_file(self) -> Path | None:
        """The SQLite file; `None` for a database in memory or another engine."""
        if not self.sqlite:
            return None
        name = self.database_url.get_secret_value().partition("://")[2].removeprefix("/").partition("?")[0]
        return None if name in ("", ":memory:") else Path(name)

    @property
    def sandbox_embedded(self) -> bool:
        """Whether the Google simulator runs inside this process."""
        if self.google_sandbox != "auto":
            return self.google_sandbox == "on"
        return self.google_client_id is None and self.loopback and not self._other_google

    @property
    def registration_open(self) -> bool:
        """Whether anybody may create a user."""
        return self.registration == "open" if self.registration else self.loopback

    @property
    def redirect_uri(self) -> str:
        """Where Google sends the browser after the consent."""
        return self.oauth_redirect_uri or f"{self.public_base_url}{CALLBACK_PATH}"

    @property
    def webhook_url(self) -> str | None:
        """Where Google's notifications go; `None` when Google could not reach this service."""
        base = self.webhook_base_url
        if base is None and (self.sandbox_embedded or not self.loopback):
            base = self.public_base_url
        return f"{base}{WEBHOOK_PATH}" if base else None

    @property
    def google(self) -> GoogleAddresses:
        """Where Google is."""
        root = f"{self.public_base_url}{SANDBOX_PATH}" if self.sandbox_embedded else None
        return GoogleAddresses(
            self.google_auth_uri or (f"{root}/o/oauth2/v2/auth" if root else GOOGLE_AUTH_URI),
            self.google_token_uri or (f"{root}/token" if root else GOOGLE_TOKEN_URI),
            self.google_revoke_uri or (f"{root}/revoke" if root else GOOGLE_REVOKE_URI),
            self.google_userinfo_uri or (f"{root}/v1/userinfo" if root else GOOGLE_USERINFO_URI),
            self.google_api_root or root or GOOGLE_API_ROOT,
        )

    @property
    def return_origins(self) -> tuple[str, ...]:
        """Origins to which the callback may send a browser."""
        own = (self.public_base_url, self.frontend_url)
        return (*dict.fromkeys(origin_of(each) for each in own if each), *self.cors_origins)

    @property
    def hosts(self) -> frozenset[str]:
        """The names under which the service is asked for, besides those of loopback addresses."""
        own = (self.public_base_url, self.webhook_base_url, self.redirect_uri)
        named = (host_of(urlsplit(each).netloc) for each in own if each)
        return frozenset((*self.trusted_hosts, *named)) - {""}

    @property
    def _other_google(self) -> bool:
        return any(
            (
                self.google_auth_uri,
                self.google_token_uri,
                self.google_revoke_uri,
                self.google_userinfo_uri,
                self.google_api_root,
            )
        )


def load_settings(env_file: str | Path | None = ".env", **overrides: Any) -> Settings:
    """Read and check every setting.

    Args:
        env_file: A file of `NAME=value` lines that the environment overrides; it may be absent.
        overrides: Values that win over all sources, by field name.

    Raises:
        SettingsError: A value does not let the service start.
    """
    try:
        settings = Settings(_env_file=env_file, **overrides)
    except ValidationError as error:
        raise _settings_error(error) from None
    check_together(settings)
    return settings


def _settings_error(error: ValidationError) -> SettingsError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    variable = str(first["loc"][0]).upper() if first["loc"] else "The settings"
    detail = first["msg"].removeprefix("Value error, ").removeprefix("Input ").removeprefix("Value ")
    return SettingsError(variable, detail)


class _SecretFiles(PydanticBaseSettingsSource):
    """Secrets from the files that `NAME_FILE` variables name."""

    def __init__(self, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._sources = [each for each in sources if isinstance(each, EnvSettingsSource)]

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        """The text of the field's file, if one is named."""
        del field
        variable = f"{field_name}_file"
        for source in self._sources:
            name = source.env_vars.get(variable)
            if name:
                return _text_of(Path(name), variable.upper()), field_name, False
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """All secrets that come from files."""
        found = {name: self.get_field_value(None, name)[0] for name in _SECRETS}
        return {name: value for name, value in found.items() if value is not None}


def _text_of(path: Path, variable: str) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise SettingsError(variable, "names a file that cannot be read") from None
