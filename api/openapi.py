"""The OpenAPI document, with the examples as they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from schemas.common import Documented

if TYPE_CHECKING:
    from collections.abc import Iterator


class DocumentedApp(FastAPI):
    """An application whose document says `null` where an example does.

    FastAPI leaves out everything that is null, in examples too, which then lack fields that always come.
    """

    def openapi(self) -> dict[str, Any]:
        """The document; made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            written = dict(_examples(Documented))
            for name, schema in document["components"]["schemas"].items():
                if name in written:
                    schema["examples"] = written[name]
            self.openapi_schema = document
        return self.openapi_schema


def _examples(kind: type[Documented]) -> Iterator[tuple[str, list[Any]]]:
    extra = kind.model_config.get("json_schema_extra")
    if isinstance(extra, dict) and isinstance(shown := extra.get("examples"), list):
        yield kind.__name__, shown
    for each in kind.__subclasses__():
        yield from _examples(each)
