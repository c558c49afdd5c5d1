"""Serving the application on its address: what `python main.py` does."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

from composition.databases import prepare_database
from composition.keys import check_keys_early
from composition.running import SHUTDOWN_GRACE
from services.core.errors import SettingsError
from services.logging_setup import configure_logging
from services.settings import SANDBOX_PATH, load_settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.settings import Settings


def serve(app: FastAPI) -> None:
    """Migrate and serve, until the process is told to stop.

    Raises:
        SettingsError: With these settings the service cannot start; nothing was said yet.
    """
    import uvicorn

    settings = load_settings()
    configure_logging(level=settings.log_level, style=settings.log_format)
    if not settings.sqlite:
        asyncio.run(prepare_database(settings, migrate=True))
    _require_free_port(settings)
    asyncio.run(check_keys_early(settings))
    sys.stdout.write(_welcome(settings))
    sys.stdout.flush()
    options: dict[str, Any] = {"loop": "uvloop", "http": "httptools"}
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        server_header=False,
        # Without a proxy of ours in front, anybody could write these headers.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        limit_concurrency=1000,
        backlog=2048,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=int(SHUTDOWN_GRACE.total_seconds()),
        **options,
    )


def _require_free_port(settings: Settings) -> None:
    """Nobody may listen there already; asked before anything is started."""
    try:
        socket.create_server((settings.host, settings.port), reuse_port=False).close()
    except OSError:
        detail = f"{settings.port} is in use on {settings.host}: set another one"
        raise SettingsError("PORT", detail) from None


def _welcome(settings: Settings) -> str:
    """What a person who starts the service wants to know first."""
    base = settings.public_base_url
    lines = [f"Calendar Sync: {base}", f"Documentation: {base}/docs"]
    if settings.sandbox_embedded:
        lines.append(f"Simulated Google: {base}{SANDBOX_PATH}/")
    return "\n".join(lines) + "\n"
