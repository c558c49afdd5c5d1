"""Writes the OpenAPI document to docs/openapi.json, from which clients are generated."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

from api.application import create_app

TARGET = Path(__file__).parents[1] / "docs" / "openapi.json"


def document() -> str:
    """The document as the file has it: the same for the same application, and readable in a diff."""
    return json.dumps(create_app(lambda _: nullcontext()).openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
