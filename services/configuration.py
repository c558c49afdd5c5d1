"""From settings to the narrow values that services are given."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from services.core.credentials import SessionPolicy
from services.core.policy import BrakePolicy, FeedPolicy, LoopPolicy, SyncPolicy
from services.google.oauth_endpoints import OAuthConfig
from services.secret_key import kept_secret

if TYPE_CHECKING:
    from services.core.ports import Ids
    from services.settings import Settings


def sync_policy(settings: Settings) -> SyncPolicy:
    """The numbers of the sync."""
    standard, fallback = SyncPolicy(), timedelta(minutes=settings.fallback_sync_minutes)
    return SyncPolicy(
        loop=LoopPolicy(
            limit=settings.loop_breaker_limit,
            window=timedelta(seconds=settings.loop_breaker_window_seconds),
            cooldown=timedelta(seconds=settings.loop_breaker_cooldown_seconds),
        ),
        brake=BrakePolicy(settings.deletion_brake_min, settings.deletion_brake_percent),
        lease=timedelta(seconds=settings.sync_lease_seconds),
        fallback=fallback,
        polling=min(standard.polling, fallback),
    )


def session_policy(settings: Settings) -> SessionPolicy:
    """How long browsers stay signed in."""
    return SessionPolicy(
        idle=timedelta(minutes=settings.session_idle_minutes),
        lifetime=timedelta(hours=settings.session_lifetime_hours),
    )


def feed_policy(settings: Settings) -> FeedPolicy:
    """How changes are told, and for how long."""
    return FeedPolicy(retention=timedelta(days=settings.change_retention_days))


def oauth_config(settings: Settings) -> OAuthConfig:
    """The client that this service is to Google."""
    google, secret = settings.google, settings.google_client_secret
    return OAuthConfig(
        client_id=settings.google_client_id or "calendar-sync",
        client_secret=secret.get_secret_value() if secret else "sandbox",
        redirect_uri=settings.redirect_uri,
        public_base_url=settings.public_base_url,
        auth_uri=google.auth_uri,
        token_uri=google.token_uri,
        revoke_uri=google.revoke_uri,
        userinfo_uri=google.userinfo_uri,
    )


def secret_keys(settings: Settings, ids: Ids) -> list[str]:
    """The secret key and the one that it replaced, if there is one.

    Raises:
        SettingsError: None is set, and none can be kept.
    """
    keys = []
    if settings.secret_key is not None:
        keys.append(settings.secret_key.get_secret_value())
    elif settings.sqlite_file is not None:
        file = settings.sqlite_file
        keys.append(kept_secret(file.with_name(f"{file.name}.key"), ids))
    else:
        keys.append(ids.secret())
    if settings.secret_key_previous is not None:
        keys.append(settings.secret_key_previous.get_secret_value())
    return keys
