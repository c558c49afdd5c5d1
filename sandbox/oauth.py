"""Google's OAuth 2.0 endpoints: authorise, token, revoke, and who somebody is.

Source: Google Identity guide, 'Using OAuth 2.0 for web server applications'; RFC 6749
and RFC 7636.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sandbox import id_token, scopes
from sandbox.messages import Json, Request, Response, json_response, only
from sandbox.model.grants import ACCESS_TOKEN_S, AccessToken, Code
from sandbox.oauth_errors import OAuthError

if TYPE_CHECKING:
    from sandbox.model.accounts import Account
    from sandbox.world import World

Fields = Mapping[str, list[str]]


_VERIFIER_LENGTHS = range(43, 129)
"""Source: RFC 7636, section 4.1."""


class OAuth:
    """Everything of OAuth but the consent page."""

    def __init__(self, world: World) -> None:
        self._world = world

    def handle(self, request: Request, path: str) -> Response | None:
        """Answer a request to one of the endpoints; `None` when the path is none of them."""
        try:
            match path:
                case "/token":
                    return self._token(request)
                case "/revoke":
                    return self._revoke(request)
                case "/tokeninfo" | "/oauth2/v3/tokeninfo":
                    return self._token_info(request)
                case "/v1/userinfo" | "/oauth2/v3/userinfo" | "/oauth2/v2/userinfo":
                    return self._user_info(request, path)
                case "/oauth2/v3/certs":
                    return json_response(id_token.key_set(self._world.mint.seed))
                case "/.well-known/openid-configuration":
                    return json_response(self._discovery())
                case _:
                    return None
        except OAuthError as refusal:
            return refusal.response()

    def issue_tokens(
        self,
        account: str,
        client_id: str,
        granted: list[str],
        *,
        offline: bool,
        nonce: str | None = None,
    ) -> Json:
        """Tokens as the token endpoint answers them, a refresh token with them if `offline`."""
        world = self._world
        now_us = world.clock.now_us()
        access = world.grants.issue_access(account, client_id, granted, now_us, offline=offline)
        answer: Json = {"access_token": access.token, "expires_in": ACCESS_TOKEN_S}
        if offline:
            refresh = world.grants.issue_refresh(account, client_id, granted, now_us)
            answer["refresh_token"] = refresh.token
            if refresh.expires_us is not None:
                answer["refresh_token_expires_in"] = (refresh.expires_us - now_us) // 1_000_000
        answer |= {"scope": scopes.as_granted(granted), "token_type": "Bearer"}
        if "openid" in granted:
            answer["id_token"] = self._id_token(access, nonce)
        return answer

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            raise OAuthError(405, "invalid_request", "Method not allowed")
        fields = request.form()
        grant_type = only(fields, "grant_type")
        if grant_type not in {"authorization_code", "refresh_token"}:
            raise OAuthError(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        client_id = self._authenticated_client(request, fields)
        if grant_type == "refresh_token":
            answer = self._refreshed(fields, client_id)
        else:
            answer = self._redeemed(fields, client_id)
        response = json_response(answer)
        response.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
        return response

    def _authenticated_client(self, request: Request, fields: Fields) -> str:
        client_id, secret = only(fields, "client_id"), only(fields, "client_secret")
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(value).decode()
            except ValueError as problem:
                raise OAuthError(401, "invalid_client", "Unauthorized") from problem
            client_id, _, secret = (unquote(part) for part in pair.partition(":"))
        if not client_id:
            raise OAuthError(400, "invalid_request", "Could not determine client ID from request.")
        registered = self._world.grants.clients.rows
        if registered:
            client = registered.get(client_id)
            if client is None:
                raise OAuthError(401, "invalid_client", "The OAuth client was not found.")
            if not hmac.compare_digest(client.client_secret.encode(), secret.encode()):
                raise OAuthError(401, "invalid_client", "Unauthorized")
        return client_id

    def _redeemed(self, fields: Fields, client_id: str) -> Json:
        world = self._world
        code = world.grants.codes.rows.get(only(fields, "code"))
        if code is None or code.client_id != client_id:
            raise OAuthError(400, "invalid_grant", "Malformed auth code.")
        if code.used or code.expires_us <= world.clock.now_us():
            raise OAuthError(400, "invalid_grant", "Bad Request")
        if code.redirect_uri != only(fields, "redirect_uri"):
            raise OAuthError(400, "redirect_uri_mismatch", "Bad Request")
        _check_verifier(code, only(fields, "code_verifier"))
        code.used = True
        world.grants.codes.save(code.code, code)
        return self.issue_tokens(code.account, client_id, code.scopes, offline=code.offline, nonce=code.nonce)

    def _refreshed(self, fields: Fields, client_id: str) -> Json:
        world = self._world
        now_us = world.clock.now_us()
        text = only(fields, "refresh_token")
        if not text:
            raise OAuthError(400, "invalid_request", "Missing required parameter: refresh_token")
        token = world.grants.live_refresh(text, now_us)
        if token is None:
            raise OAuthError(400, "invalid_grant", "Token has been expired or revoked.")
        if token.client_id != client_id:
            raise OAuthError(401, "unauthorized_client", "Unauthorized")
        token.used_us = now_us
        world.grants.refresh_tokens.save(token.token, token)
        asked = scopes.expanded(only(fields, "scope")) or token.scopes
        if not set(asked) <= set(token.scopes):
            raise OAuthError(400, "invalid_scope", "Bad Request")
        access = world.grants.issue_access(token.account, client_id, asked, now_us, offline=True)
        answer: Json = {
            "access_token": access.token,
            "expires_in": ACCESS_TOKEN_S,
            "scope": scopes.as_granted(asked),
            "token_type": "Bearer",
        }
        if token.expires_us is not None:
            answer["refresh_token_expires_in"] = (token.expires_us - now_us) // 1_000_000
        if "openid" in asked:
            answer["id_token"] = self._id_token(access, None)
        return answer

    def _revoke(self, request: Request) -> Response:
        token = only(request.form(), "token") or only(request.query(), "token")
        owner = self._world.grants.owner_of(token)
        if request.method != "POST" or owner is None:
            raise OAuthError(400, "invalid_token", "Token expired or revoked")
        self._world.grants.revoke(*owner)
        return json_response({})

    def _token_info(self, request: Request) -> Response:
        fields = {**request.query(), **request.form()}
        now_us = self._world.clock.now_us()
        access = self._world.grants.live_access(only(fields, "access_token"), now_us)
        if access is None:
            raise OAuthError(400, "invalid_token", "Invalid Value")
        account = self._account(access)
        answer = {
            "azp": access.client_id,
            "aud": access.client_id,
            "sub": account.sub,
            "scope": scopes.as_granted(access.scopes),
            "exp": str(access.expires_us // 1_000_000),
            "expires_in": str((access.expires_us - now_us) // 1_000_000),
            "access_type": "offline" if access.offline else "online",
        }
        if scopes.IDENTITY["email"] in access.scopes:
            answer |= {"email": account.email, "email_verified": "true"}
        return json_response(answer)

    def _user_info(self, request: Request, path: str) -> Response:
        bearer = request.headers.get("authorization", "").partition(" ")[2].strip()
        bearer = bearer or only(request.query(), "access_token")
        access = self._world.grants.live_access(bearer, self._world.clock.now_us())
        if access is None or not set(scopes.IDENTITY.values()).intersection(access.scopes):
            raise OAuthError(401, "invalid_request", "Invalid Credentials")
        account = self._account(access)
        old = path == "/oauth2/v2/userinfo"
        answer: Json = {"id" if old else "sub": account.sub}
        if scopes.IDENTITY["profile"] in access.scopes:
            answer |= self._profile(account)
        if scopes.IDENTITY["email"] in access.scopes:
            verified = "verified_email" if old else "email_verified"
            answer |= {"email": account.email, verified: True}
        return json_response(answer)

    def _id_token(self, access: AccessToken, nonce: str | None) -> str:
        account = self._account(access)
        now_s = self._world.clock.now_us() // 1_000_000
        claims: Json = {
            "iss": "https://accounts.google.com",
            "azp": access.client_id,
            "aud": access.client_id,
            "sub": account.sub,
            "at_hash": id_token.access_token_hash(access.token),
        }
        if scopes.IDENTITY["email"] in access.scopes:
            claims |= {"email": account.email, "email_verified": True}
        if scopes.IDENTITY["profile"] in access.scopes:
            claims |= self._profile(account)
        if nonce is not None:
            claims["nonce"] = nonce
        claims |= {"iat": now_s, "exp": now_s + 3600}
        return id_token.signed(claims, self._world.mint.seed)

    def _profile(self, account: Account) -> Json:
        profile = {
            "name": account.name,
            "given_name": account.given_name,
            "picture": f"{self._world.base_url}/picture/{account.sub}",
        }
        return profile | ({"family_name": account.family_name} if account.family_name else {})

    def _account(self, access: AccessToken) -> Account:
        account = self._world.accounts.find(access.account)
        if account is None:
            raise OAuthError(401, "invalid_request", "Invalid Credentials")
        return account

    def _discovery(self) -> Json:
        base = self._world.base_url
        return {
            "issuer": "https://accounts.google.com",
            "authorization_endpoint": f"{base}/o/oauth2/v2/auth",
            "token_endpoint": f"{base}/token",
            "userinfo_endpoint": f"{base}/v1/userinfo",
            "revocation_endpoint": f"{base}/revoke",
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "client_secret_basic",
            ],
            "code_challenge_methods_supported": ["plain", "S256"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
        }


def _check_verifier(code: Code, verifier: str) -> None:
    """The verifier must fit the challenge, and come if and only if there was one."""
    if code.challenge is None:
        if verifier:
            raise OAuthError(400, "invalid_grant", "Invalid code verifier.")
        return
    if not verifier:
        raise OAuthError(400, "invalid_grant", "Missing code verifier.")
    proof = verifier
    if code.challenge_method == "S256":
        digest = hashlib.sha256(verifier.encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if len(verifier) not in _VERIFIER_LENGTHS or not hmac.compare_digest(
        proof.encode(), code.challenge.encode()
    ):
        raise OAuthError(400, "invalid_grant", "Invalid code verifier.")
