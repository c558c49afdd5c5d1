"""Control calls on sign-in: clients, grants, tokens, and consent without a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sandbox.control_events import ControlError
from sandbox.messages import Json, Request, only
from sandbox.model.grants import Client
from sandbox.scopes import expanded

if TYPE_CHECKING:
    from sandbox.consent import Consent
    from sandbox.control_ask import Ask, ControlRoute
    from sandbox.oauth import OAuth
    from sandbox.world import World


class AccessCalls:
    """What a test does about who may do what."""

    def __init__(self, world: World, oauth: OAuth, consent: Consent) -> None:
        self._world = world
        self._oauth = oauth
        self._consent = consent

    def routes(self) -> list[ControlRoute]:
        """The calls served here."""
        return [
            ("POST", "/clients", self._add_client),
            ("POST", "/grants/revoke", self._revoke),
            ("POST", "/access-tokens/expire", self._expire),
            ("POST", "/tokens", self._issue),
            ("POST", "/consent", self._decide),
        ]

    def _add_client(self, ask: Ask) -> Json:
        client = Client(
            str(ask.body["client_id"]),
            str(ask.body["client_secret"]),
            [str(uri) for uri in ask.body["redirect_uris"]],
            bool(ask.body.get("testing", False)),
        )
        self._world.grants.clients.save(client.client_id, client)
        return {"client_id": client.client_id}

    def _revoke(self, ask: Ask) -> Json:
        account, client_id = str(ask.body["account"]), ask.body.get("client_id")
        struck = [
            grant
            for grant in list(self._world.grants.grants.rows.values())
            if grant.account == account and client_id in {None, grant.client_id}
        ]
        for grant in struck:
            self._world.grants.revoke(grant.account, grant.client_id)
        return {"revoked": len(struck)}

    def _expire(self, ask: Ask) -> Json:
        return {"expired": self._world.grants.expire_access(ask.body.get("account"))}

    def _issue(self, ask: Ask) -> Json:
        account = self._world.accounts.find(str(ask.body["account"]))
        if account is None:
            raise ControlError("there is no such account")
        client_id = str(ask.body.get("client_id", "control"))
        granted = expanded(ask.body.get("scope", "https://www.googleapis.com/auth/calendar"))
        self._world.grants.allow(account.email, client_id, granted)
        return self._oauth.issue_tokens(account.email, client_id, granted, offline=True)

    def _decide(self, ask: Ask) -> Json:
        """Fill in the consent page of an authorisation URL."""
        url = str(ask.body["url"])
        asked = Request("GET", url).query()
        wanted = expanded(only(asked, "scope"))
        fields: dict[str, Any] = {
            **asked,
            "new_account": ask.body["account"],
            "decision": ask.body.get("decision", "allow"),
            "granted": expanded(ask.body["granted"]) if "granted" in ask.body else wanted,
        }
        body = urlencode(fields, doseq=True).encode()
        answer = self._consent.handle(Request("POST", url, {}, body))
        if "Location" not in answer.headers:
            raise ControlError("the authorisation request was refused with an error page")
        return {"location": answer.headers["Location"]}
