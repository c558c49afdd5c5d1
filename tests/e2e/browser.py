"""A browser with a cookie jar that can fill in the consent page."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

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


NAVIGATION = {"accept": "text/html,*/*;q=0.8", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


def sec_fetch_site(page: str, url: str) -> str:
    """How a browser calls the relation between a page and what it asks for; sites know no ports."""
    one, other = urlsplit(page), urlsplit(url)
    if (one.scheme, one.netloc) == (other.scheme, other.netloc):
        return "same-origin"
    return "same-site" if (one.scheme, one.hostname) == (other.scheme, other.hostname) else "cross-site"


class Browser:
    """One person's browser."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @property
    def cookies(self) -> dict[str, str]:
        """What it keeps, by name."""
        return {cookie.name: cookie.value or "" for cookie in self._http.cookies.jar}

    def forget(self, *names: str) -> None:
        """Lose cookies."""
        for name in names:
            self._http.cookies.delete(name)

    def resemble(self, other: Browser) -> None:
        """Have every cookie that another browser has."""
        self._http.cookies.update(other._http.cookies)

    async def go(self, url: str) -> httpx.Response:
        """The person goes to an address, by hand or by a link; redirects are not followed."""
        return await self._http.get(url, headers={**NAVIGATION, "sec-fetch-site": "none"})

    async def fetch(self, method: str, url: str, *, page: str, body: Any = None) -> httpx.Response:
        """A script of a page asks for something; cookies go along whatever their SameSite says.

        Args:
            method: Of the request.
            url: Whole.
            page: The origin of the page whose script it is.
            body: JSON.
        """
        headers = {"sec-fetch-mode": "cors", "sec-fetch-site": sec_fetch_site(page, url)}
        if method != "GET" or headers["sec-fetch-site"] != "same-origin":
            headers["origin"] = page
        return await self._http.request(method, url, headers=headers, json=body)

    async def sign_in(self, service: str, *, account: str) -> httpx.Response:
        """Sign in with Google at a service; what it says at the end."""
        return await self.consent(f"{service}/auth/google/authorize", account=account)

    async def consent(self, url: str, *, account: str, decision: str = "allow") -> httpx.Response:
        """Open the URL, get to the consent page, decide there; the answer to which that leads back."""
        opened = await self.go(url)
        assert opened.status_code == 302, opened.text
        page = await self._http.get(opened.headers["location"])
        assert page.status_code == 200, page.text
        form = Form(page.text)
        assert decision in form.buttons
        fields = {**form.fields, "account": [account], "new_account": [""], "decision": [decision]}
        back = await self._http.post(urljoin(opened.headers["location"], form.action), data=fields)
        assert back.status_code in (302, 303), back.text
        return await self._http.get(back.headers["location"])
