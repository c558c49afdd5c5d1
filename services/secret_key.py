"""The secret key of a service that nobody gave one: drawn once and kept beside the database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from services.core.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from services.core.ports import Ids

_BYTES = 48


def kept_secret(path: Path, ids: Ids) -> str:
    """The secret in a file, which only its owner may read; drawn now if the file is not there yet.

    Raises:
        SettingsError: The file can neither be read nor made.
    """
    try:
        if path.exists():
            return _read(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(ids.secret(_BYTES))
        try:
            # Of several processes that start at once one link wins, and all read what it brought.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return _read(path)
    except OSError:
        raise SettingsError("SECRET_KEY", f"is not set, and {path} cannot be written to keep one") from None


def _read(path: Path) -> str:
    secret = path.read_text(encoding="ascii").strip()
    if not secret:
        raise SettingsError("SECRET_KEY", f"is not set, and {path} is empty")
    return secret
