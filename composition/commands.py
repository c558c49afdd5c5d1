"""The words behind `python main.py`, and what is said when it cannot be done.

Exit codes: 1 when something is left to do, 2 when the words or the settings are wrong.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

from api.middleware import settings_sentence
from composition.databases import continue_restored
from composition.keys import rotate
from composition.serving import serve
from services.core.errors import SettingsError
from services.logging_setup import configure_logging
from services.settings import load_settings
from services.system import SystemClock

if TYPE_CHECKING:
    from fastapi import FastAPI

_FORGET: Final = "--forget-unreadable"


def command(app: FastAPI, *words: str) -> None:
    """Do what the words ask for.

    Args:
        app: What is served.
        words: None to serve, `rotate-keys` with its option, or `after-restore`.

    Raises:
        SystemExit: It could not be done, or not all of it; the reason is on standard error.
    """
    try:
        match words:
            case ():
                serve(app)
            case ("rotate-keys",) | ("rotate-keys", "--forget-unreadable"):
                _rotate_keys(*words[1:])
            case ("after-restore",):
                _after_restore()
            case _:
                sys.stderr.write(f"usage: python main.py [rotate-keys [{_FORGET}] | after-restore]\n")
                sys.exit(2)
    except SettingsError as error:
        sys.stderr.write(f"{settings_sentence(error)}\n")
        sys.exit(2)


def _rotate_keys(*options: str) -> None:
    """Encrypt every stored token with SECRET_KEY."""
    settings = load_settings()
    configure_logging(level=settings.log_level, style=settings.log_format)
    done = asyncio.run(rotate(settings, forget_unreadable=_FORGET in options))
    sys.stdout.write(
        f"Encrypted with SECRET_KEY now: {done.resealed}. Erased: {done.forgotten}. "
        f"Cannot be opened: {done.unreadable}.\n"
    )
    if not done.complete:
        sys.stderr.write(
            "SECRET_KEY_PREVIOUS must be the key that the rest was encrypted with; if that is lost, "
            f"`rotate-keys {_FORGET}` erases the rest, and its users have to link again.\n"
        )
        sys.exit(1)
    sys.stdout.write("SECRET_KEY_PREVIOUS is not needed any more.\n")


def _after_restore() -> None:
    """Make a database ready that was restored from a backup, before any process serves from it."""
    settings = load_settings()
    configure_logging(level=settings.log_level, style=settings.log_format)
    done = asyncio.run(continue_restored(settings, now=SystemClock().now()))
    sys.stdout.write(
        f"Users: {done.users}. Calendars, each listed first and then given a new webhook channel: "
        f"{done.calendars}. Clients that follow changes begin anew; browsers are signed out.\n"
    )
