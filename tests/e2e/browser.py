"""A browser with a cookie jar that can fill in the consent page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urljoin

if TYPE_CHECKING:
    import httpx


class Form(HTMLParser):
    """The one form of a page: where it goes, and what it says as it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, list[str]] = {}
        self.buttons: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = given["action"]
        elif tag == "button":
            self.buttons.append(given["value"])
        elif tag == "input":
            chosen = given.get("type") not in ("checkbox", "radio") or "checked" in given
            if chosen:
                self.fields.setdefault(given["name"], []).append(given.get("value", ""))


class Browser:
    """One person's browser."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def consent(self, url: str, *, account: str, decision: str = "allow") -> httpx.Response:
        """Open the URL, get to the consent page, decide there; the answer to which that leads back."""
        opened = await self._http.get(url)
        assert opened.status_code == 302, opened.text
        page = await self._http.get(opened.headers["location"])
        assert page.status_code == 200, page.text
        form = Form(page.text)
        assert decision in form.buttons
        fields = {**form.fields, "account": [account], "new_account": [""], "decision": [decision]}
        back = await self._http.post(urljoin(opened.headers["location"], form.action), data=fields)
        assert back.status_code in (302, 303), back.text
        return await self._http.get(back.headers["location"])
