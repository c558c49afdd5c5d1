"""A Google that lags: a listing of changes shows events as they were and promises the rest."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

if TYPE_CHECKING:
    import random

    from services.google.transport import HttpRequest, HttpResponse


@dataclass(slots=True)
class StalePages:
    """Remembers what Google showed, and shows it again."""

    dice: random.Random
    share: float
    """How many of the listings lag."""
    versions: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))

    def answered(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        """The answer, or what a lagging Google would have said."""
        if answer.status != 200 or not answer.body.startswith(b"{"):
            return answer
        try:
            document = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            return answer
        items = document.get("items", [document])
        token = parse_qs(urlsplit(request.url).query).get("syncToken")
        if token and "nextSyncToken" in document and self.dice.random() < self.share:
            stale = [self.dice.choice([item, *self.versions[item["id"]]]) for item in items]
            lagging = {**document, "items": stale, "nextSyncToken": token[0]}
            return replace(answer, body=orjson.dumps(lagging))
        for item in items:
            if "id" in item and "etag" in item:
                self.versions[item["id"]].append(item)
        return answer
