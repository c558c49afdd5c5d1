"""The entry: the application for a server (`main:app`), and what `python main.py` does with words behind it.

`import main` needs no environment and opens nothing; everything happens in the lifespan.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from api.application import create_app
from background.stopping import told_to_stop
from composition.commands import command
from composition.running import running
from services.logging_setup import configure_logging
from services.settings import load_settings
from services.system import SystemIds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Read the settings, start everything, and stop it in the opposite order."""
    settings = load_settings()
    configure_logging(level=settings.log_level, style=settings.log_format)
    async with running(app, settings, ids=SystemIds()) as parts:
        with told_to_stop(parts.container.streams.close):
            yield


app = create_app(lifespan)

if __name__ == "__main__":
    command(app, *sys.argv[1:])
