"""The consent page: who are you, what may the application do, and back with a code.

The page is plain HTML. Its form posts every parameter of the request back as a hidden
field, beside `account` or `new_account`, one `granted` per ticked scope, and `decision`.

Source: Google Identity guide, 'Using OAuth 2.0 for web server applications'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit, urlunsplit

from sandbox import scopes
from sandbox.messages import Request, Response, html_response, only, redirect
from sandbox.model.grants import CODE_S, Code
from sandbox.pages import consent_page, error_page, nobody_page
from sandbox.watch import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.world import World

PATHS = frozenset({"/o/oauth2/v2/auth", "/o/oauth2/auth"})
_PARAMETERS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "access_type",
    "state",
    "include_granted_scopes",
    "enable_granular_consent",
    "login_hint",
    "prompt",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "hd",
)


@dataclass(frozen=True, slots=True)
class _RefusalError(Exception):
    """Shown to the person, never sent to the application."""

    error: str
    description: str


class Consent:
    """Serves the page and takes the decision."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request) -> Response:
        """Show the page, or act on its form."""
        fields = request.form() if request.method == "POST" else request.query()
        asked = {name: only(fields, name) for name in _PARAMETERS if name in fields}
        try:
            wanted = self._checked(asked)
        except _RefusalError as refusal:
            page = error_page(self._world.base_url, refusal.error, refusal.description)
            return html_response(page, 400)
        if request.method == "POST":
            return self._decided(asked, wanted, fields)
        if "none" in asked.get("prompt", "").split():
            return self._silent(asked, wanted)
        hint = self._world.accounts.find(asked.get("login_hint", ""))
        return html_response(
            consent_page(
                self._world.base_url,
                asked,
                wanted,
                [account.email for account in self._world.accounts.all()],
                hint.email if hint else None,
            )
        )

    def _checked(self, asked: Mapping[str, str]) -> list[str]:
        """The scopes asked for, if client, address and the rest are in order."""
        client_id = asked.get("client_id", "")
        if not client_id:
            raise _RefusalError("invalid_request", "Missing required parameter: client_id")
        registered = self._world.grants.clients.rows
        if registered and client_id not in registered:
            raise _RefusalError("invalid_client", "The OAuth client was not found.")
        self._check_redirect(client_id, asked.get("redirect_uri", ""))
        if asked.get("response_type") != "code":
            raise _RefusalError("unsupported_response_type", "The response type must be: code")
        if asked.get("code_challenge_method", "plain") not in {"plain", "S256"}:
            raise _RefusalError("invalid_request", "Invalid code_challenge_method")
        if asked.get("access_type", "online") not in {"online", "offline"}:
            raise _RefusalError("invalid_request", "Invalid access_type")
        prompts = asked.get("prompt", "").split()
        if not set(prompts) <= {"none", "consent", "select_account"} or (
            "none" in prompts and len(prompts) > 1
        ):
            raise _RefusalError("invalid_request", "Invalid prompt")
        wanted = scopes.expanded(asked.get("scope", ""))
        if not wanted:
            raise _RefusalError("invalid_request", "Missing required parameter: scope")
        unknown = [scope for scope in wanted if not scopes.is_known(scope)]
        if unknown:
            raise _RefusalError("invalid_scope", "Some requested scopes were invalid: " + str(unknown))
        return wanted

    def _check_redirect(self, client_id: str, uri: str) -> None:
        parts = urlsplit(uri)
        if not uri:
            raise _RefusalError("invalid_request", "Missing required parameter: redirect_uri")
        secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
        if not secure or not parts.hostname or "#" in uri or "*" in uri:
            raise _RefusalError("invalid_request", f"Invalid redirect_uri: {uri}")
        client = self._world.grants.clients.rows.get(client_id)
        if client is not None and uri not in client.redirect_uris:
            raise _RefusalError("redirect_uri_mismatch", f"redirect_uri={uri}")

    def _decided(
        self, asked: Mapping[str, str], wanted: list[str], fields: Mapping[str, list[str]]
    ) -> Response:
        if only(fields, "decision") != "allow":
            return _back(asked, {"error": "access_denied"})
        typed = only(fields, "new_account").strip().lower()
        email = typed or only(fields, "account").strip().lower()
        if "@" not in email:
            return html_response(nobody_page(), 400)
        ticked = set(fields.get("granted", []))
        granted = [scope for scope in wanted if scopes.is_identity(scope) or scope in ticked]
        if not granted:
            return _back(asked, {"error": "access_denied"})
        if self._world.accounts.find(email) is None:
            self._world.add_account(email)
        return self._granted(asked, email, granted)

    def _silent(self, asked: Mapping[str, str], wanted: list[str]) -> Response:
        """`prompt=none`: only what was granted before, or an error to the application."""
        account = self._world.accounts.find(asked.get("login_hint", ""))
        if account is None:
            return _back(asked, {"error": "login_required"})
        grant = self._world.grants.grant_of(account.email, asked["client_id"])
        if grant is None or not set(wanted) <= set(grant.scopes):
            return _back(asked, {"error": "interaction_required"})
        return self._granted(asked, account.email, wanted)

    def _granted(self, asked: Mapping[str, str], email: str, granted: list[str]) -> Response:
        world = self._world
        client_id = asked["client_id"]
        before = world.grants.grant_of(email, client_id)
        if asked.get("include_granted_scopes") == "true" and before is not None:
            granted = list(dict.fromkeys([*granted, *before.scopes]))
        first = before is None or not before.offline
        again = "consent" in asked.get("prompt", "").split()
        world.grants.allow(email, client_id, granted)
        code = Code(
            code="4/0A" + world.mint.token("code", 48),
            account=email,
            client_id=client_id,
            redirect_uri=asked["redirect_uri"],
            scopes=granted,
            offline=asked.get("access_type") == "offline" and (first or again),
            expires_us=world.clock.now_us() + CODE_S * 1_000_000,
            nonce=asked.get("nonce"),
            challenge=asked.get("code_challenge"),
            challenge_method=asked.get("code_challenge_method", "plain"),
        )
        world.grants.issue_code(code)
        answer = {
            "iss": "https://accounts.google.com",
            "code": code.code,
            "scope": scopes.as_granted(granted),
            "authuser": "0",
            "prompt": asked.get("prompt") or ("consent" if first else "none"),
        }
        return _back(asked, answer)


def _back(asked: Mapping[str, str], answer: Mapping[str, str]) -> Response:
    """Return the browser to the application; the address's own query is kept."""
    state = {"state": asked["state"]} if "state" in asked else {}
    parts = urlsplit(asked["redirect_uri"])
    query = "&".join(filter(None, [parts.query, urlencode({**state, **answer})]))
    return redirect(urlunsplit(parts._replace(query=query)))
