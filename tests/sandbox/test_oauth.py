"""Signing in: consent, codes, tokens, and how they end."""

import base64
import hashlib
import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from sandbox import Request, Response
from tests.sandbox.driver import ANN, BOB, CALENDAR, EVENTS, Google, query_of, reason

BACK = "http://localhost:8000/auth/google/callback"
EVENTS_SCOPE = CALENDAR + ".events"
LIST_SCOPE = CALENDAR + ".calendarlist.readonly"


class Form(HTMLParser):
    """What a browser would post: the fields of a page's form as they stand."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self.action = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given["action"] or ""
        if tag != "input" or "name" not in given:
            return
        if given.get("type") in {"checkbox", "radio"} and "checked" not in given:
            return
        self.fields.append((given["name"] or "", given.get("value") or ""))


class Browser:
    """A person in front of the consent page."""

    def __init__(self, google: Google) -> None:
        self.google = google

    def open(self, **parameters: str) -> Response:
        asked = {
            "client_id": "app",
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": f"openid email {EVENTS_SCOPE}",
            "state": "s/t=1",
            **parameters,
        }
        return self.google.send(
            "GET", "/o/oauth2/v2/auth?" + urlencode({k: v for k, v in asked.items() if v})
        )

    def submit(
        self, page: Response, decision: str = "allow", *, without: str = "", **fields: str
    ) -> Response:
        assert page.status == 200, page.body
        form = Form(page.body.decode())
        posted = [
            (name, value) for name, value in form.fields if name not in fields and value != (without or None)
        ]
        body = urlencode([*posted, *fields.items(), ("decision", decision)]).encode()
        return self.google.send("POST", form.action, body)

    def allow(self, **parameters: str) -> dict[str, str]:
        """Allow everything; what comes back to the application."""
        answer = self.submit(self.open(**parameters))
        assert answer.headers["Location"].startswith(BACK)
        return query_of(answer.headers["Location"])


@pytest.fixture
def browser(google: Google) -> Browser:
    return Browser(google)


def redeem(google: Google, code: str, **fields: str) -> Response:
    form = {
        "code": code,
        "client_id": "app",
        "client_secret": "secret",
        "redirect_uri": BACK,
        "grant_type": "authorization_code",
        **fields,
    }
    return google.send("POST", "/token", urlencode(form).encode())


def refresh(google: Google, token: str) -> Response:
    form = {
        "client_id": "app",
        "client_secret": "secret",
        "refresh_token": token,
        "grant_type": "refresh_token",
    }
    return google.send("POST", "/token", urlencode(form).encode())


def claims(google: Google, token: str) -> dict[str, Any]:
    """The claims of an id token whose signature fits the published key."""

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    header, payload, signature = token.split(".")
    (key,) = google.send("GET", "/oauth2/v3/certs").json()["keys"]
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in ("e", "n")))
    assert json.loads(decoded(header)) == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    numbers.public_key().verify(
        decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), SHA256()
    )
    return json.loads(decoded(payload))


def test_a_person_allows_and_the_application_gets_tokens(google: Google, browser: Browser) -> None:
    back = browser.allow(access_type="offline", nonce="n-1")
    assert (back["state"], back["iss"], back["code"][:3]) == ("s/t=1", "https://accounts.google.com", "4/0")
    tokens = redeem(google, back["code"]).json()
    assert tokens["expires_in"] == 3599
    assert tokens["token_type"] == "Bearer"
    assert set(tokens["scope"].split()) == {
        "openid",
        "https://www.googleapis.com/auth/userinfo.email",
        EVENTS_SCOPE,
    }
    told = claims(google, tokens["id_token"])
    assert (told["email"], told["nonce"], told["aud"], told["exp"] - told["iat"]) == (ANN, "n-1", "app", 3600)
    google.tokens[ANN] = tokens["access_token"]
    google.ok("GET", EVENTS)


def test_an_address_typed_in_opens_an_account(google: Google, browser: Browser) -> None:
    answer = browser.submit(browser.open(), new_account="New.Person@example.net")
    tokens = redeem(google, query_of(answer.headers["Location"])["code"]).json()
    bearer = {"authorization": "Bearer " + tokens["access_token"]}
    told = google.send("GET", "/v1/userinfo", headers=bearer).json()
    assert (told["email"], told["email_verified"]) == ("new.person@example.net", True)
    old = google.send("GET", "/oauth2/v2/userinfo", headers=bearer).json()
    assert (old["id"], old["verified_email"]) == (told["sub"], True)


def test_a_login_hint_chooses_the_account(google: Google, browser: Browser) -> None:
    google.open_account(BOB)
    back = browser.allow(login_hint=BOB)
    assert claims(google, redeem(google, back["code"]).json()["id_token"])["email"] == BOB
    back = browser.allow(login_hint="fresh@example.com")
    assert claims(google, redeem(google, back["code"]).json()["id_token"])["email"] == "fresh@example.com"


def test_a_denial_comes_back_as_one(browser: Browser) -> None:
    answer = browser.submit(browser.open(), "deny")
    assert query_of(answer.headers["Location"]) == {"error": "access_denied", "state": "s/t=1"}


def test_an_unticked_scope_is_not_granted_and_calls_say_so(google: Google, browser: Browser) -> None:
    page = browser.open(scope=f"openid {EVENTS_SCOPE} {LIST_SCOPE}")
    back = query_of(browser.submit(page, without=EVENTS_SCOPE).headers["Location"])
    assert set(back["scope"].split()) == {"openid", LIST_SCOPE}
    google.tokens[ANN] = redeem(google, back["code"]).json()["access_token"]
    google.ok("GET", "/calendar/v3/users/me/calendarList")
    refused = google.api("GET", EVENTS)
    assert reason(refused) == (403, "insufficientPermissions")
    error = refused.json()["error"]
    assert error["status"] == "PERMISSION_DENIED"
    assert error["details"][0]["metadata"]["method"] == "calendar.v3.Events.List"


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"client_id": ""}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"redirect_uri": "http://example.com/cb"}, "invalid_request"),
        ({"redirect_uri": "https://example.com/cb#there"}, "invalid_request"),
        ({"redirect_uri": "myapp://cb"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_request"),
        ({"scope": "https://www.googleapis.com/auth/nonsense"}, "invalid_scope"),
        ({"prompt": "none consent"}, "invalid_request"),
    ],
)
def test_a_wrong_question_is_shown_to_the_person_not_sent_back(
    browser: Browser, parameters: dict, error: str
) -> None:
    page = browser.open(**parameters)
    assert page.status == 400
    assert error in page.body.decode()
    assert "Location" not in page.headers


def test_what_the_application_sends_is_escaped_on_the_page(browser: Browser) -> None:
    page = browser.open(state='"><script>alert(1)</script>', client_id="<b>").body.decode()
    assert "<script>" not in page
    assert "<b>" not in page


def test_registered_clients_need_their_address_and_secret(google: Google, browser: Browser) -> None:
    client = {"client_id": "app", "client_secret": "right", "redirect_uris": [BACK]}
    google.control("POST", "/clients", client)
    assert b"redirect_uri_mismatch" in browser.open(redirect_uri=BACK + "/").body
    assert b"invalid_client" in browser.open(client_id="other").body
    code = browser.allow()["code"]
    wrong = redeem(google, code)
    assert (wrong.status, wrong.json()["error"]) == (401, "invalid_client")
    assert redeem(google, code, client_secret="right").status == 200


class TestCodes:
    def test_it_works_once(self, google: Google, browser: Browser) -> None:
        code = browser.allow()["code"]
        assert redeem(google, code).status == 200
        again = redeem(google, code)
        assert (again.status, again.json()) == (
            400,
            {"error": "invalid_grant", "error_description": "Bad Request"},
        )

    def test_it_lives_ten_minutes(self, google: Google, browser: Browser) -> None:
        code = browser.allow()["code"]
        google.clock.advance(minutes=10)
        assert redeem(google, code).json()["error"] == "invalid_grant"

    def test_a_mangled_one_is_malformed(self, google: Google) -> None:
        assert redeem(google, "4%2F0nonsense").json()["error_description"] == "Malformed auth code."

    def test_it_belongs_to_its_address(self, google: Google, browser: Browser) -> None:
        code = browser.allow()["code"]
        assert redeem(google, code, redirect_uri=BACK + "2").json()["error"] == "redirect_uri_mismatch"

    @pytest.mark.parametrize("method", ["S256", "plain"])
    def test_it_wants_the_verifier_of_its_challenge(
        self, google: Google, browser: Browser, method: str
    ) -> None:
        verifier = "v" * 64
        challenge = verifier
        if method == "S256":
            digest = hashlib.sha256(verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        code = browser.allow(code_challenge=challenge, code_challenge_method=method)["code"]
        assert redeem(google, code).json()["error"] == "invalid_grant"
        assert (
            redeem(google, code, code_verifier="w" * 64).json()["error_description"]
            == "Invalid code verifier."
        )
        assert redeem(google, code, code_verifier=verifier).status == 200


class TestRefreshTokens:
    def test_only_the_first_offline_consent_brings_one_unless_consent_is_asked_for(
        self, google: Google, browser: Browser
    ) -> None:
        assert "refresh_token" not in redeem(google, browser.allow()["code"]).json()
        first = redeem(google, browser.allow(access_type="offline")["code"]).json()
        assert first["refresh_token"].startswith("1//")
        assert "refresh_token" not in redeem(google, browser.allow(access_type="offline")["code"]).json()
        asked = browser.allow(access_type="offline", prompt="consent")
        assert "refresh_token" in redeem(google, asked["code"]).json()

    def test_refreshing_brings_an_access_token_and_no_refresh_token(self, google: Google) -> None:
        tokens = google.sign_in(ANN)
        google.clock.advance(seconds=3600)
        refused = google.api("GET", EVENTS)
        assert reason(refused) == (401, "authError")
        assert refused.json()["error"]["status"] == "UNAUTHENTICATED"
        answer = refresh(google, tokens["refresh_token"]).json()
        assert "refresh_token" not in answer
        google.tokens[ANN] = answer["access_token"]
        google.ok("GET", EVENTS)

    def test_an_earlier_access_token_outlives_a_refresh(self, google: Google) -> None:
        refresh(google, google.sign_in(ANN)["refresh_token"])
        google.ok("GET", EVENTS)

    def test_the_hundred_and_first_ends_the_oldest_without_a_word(self, google: Google) -> None:
        tokens = [google.sign_in(ANN)["refresh_token"] for _ in range(100)]
        statuses = [refresh(google, token).status for token in tokens[:3]]
        google.sign_in(ANN)
        assert refresh(google, tokens[0]).status == 400
        assert refresh(google, tokens[1]).status == 200
        assert statuses == [200, 200, 200]

    def test_under_testing_it_lives_seven_days(self, google: Google) -> None:
        client = {"client_id": "app", "client_secret": "secret", "redirect_uris": [BACK], "testing": True}
        google.control("POST", "/clients", client)
        token = google.sign_in(ANN)["refresh_token"]
        google.clock.advance(days=6)
        assert refresh(google, token).json()["refresh_token_expires_in"] == 86_400
        google.clock.advance(days=1)
        assert refresh(google, token).json()["error"] == "invalid_grant"

    def test_unused_for_half_a_year_it_dies(self, google: Google) -> None:
        token = google.sign_in(ANN)["refresh_token"]
        google.clock.advance(days=180)
        assert refresh(google, token).status == 200
        google.clock.advance(days=183)
        assert refresh(google, token).json() == {
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked.",
        }


class TestTheEnd:
    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_revoking_either_token_ends_the_grant(self, google: Google, kind: str) -> None:
        tokens = google.sign_in(ANN)
        revoked = google.send("POST", "/revoke", urlencode({"token": tokens[kind]}).encode())
        assert revoked.status == 200
        assert google.api("GET", EVENTS).status == 401
        assert refresh(google, tokens["refresh_token"]).json()["error"] == "invalid_grant"
        again = google.send("POST", "/revoke", urlencode({"token": tokens[kind]}).encode())
        assert (again.status, again.json()["error"]) == (400, "invalid_token")

    def test_the_person_takes_the_access_away(self, google: Google) -> None:
        tokens = google.sign_in(ANN)
        google.control("POST", "/grants/revoke", {"account": ANN, "client_id": "app"})
        assert refresh(google, tokens["refresh_token"]).status == 400

    def test_expired_access_tokens_leave_the_refresh_token(self, google: Google) -> None:
        tokens = google.sign_in(ANN)
        google.control("POST", "/access-tokens/expire", {"account": ANN})
        assert google.api("GET", EVENTS).status == 401
        assert refresh(google, tokens["refresh_token"]).status == 200


def test_without_a_token_a_login_is_required(google: Google) -> None:
    response = google.send("GET", EVENTS)
    assert reason(response) == (401, "required")


def test_grants_add_up_when_asked(browser: Browser) -> None:
    browser.allow(scope=LIST_SCOPE)
    back = browser.allow(scope=EVENTS_SCOPE, include_granted_scopes="true")
    assert set(back["scope"].split()) == {LIST_SCOPE, EVENTS_SCOPE}


def test_silent_sign_in_works_only_on_what_was_granted(browser: Browser) -> None:
    def silently(hint: str) -> dict[str, str]:
        return query_of(browser.open(prompt="none", login_hint=hint).headers["Location"])

    assert silently("nobody@example.com")["error"] == "login_required"
    assert silently(ANN)["error"] == "interaction_required"
    browser.allow()
    assert "code" in silently(ANN)


def test_token_info_tells_who_and_how_long(google: Google) -> None:
    token = google.sign_in(ANN, "openid email")["access_token"]
    told = google.send("GET", "/tokeninfo?" + urlencode({"access_token": token})).json()
    assert (told["email"], told["expires_in"], told["aud"]) == (ANN, "3599", "app")
    assert google.send("GET", "/tokeninfo?access_token=x").status == 400


def test_a_basic_header_names_the_client_too(google: Google, browser: Browser) -> None:
    code = browser.allow()["code"]
    form = {"code": code, "redirect_uri": BACK, "grant_type": "authorization_code"}
    pair = base64.b64encode(b"app:secret").decode()
    request = Request("POST", "/token", {"authorization": f"Basic {pair}"}, urlencode(form).encode())
    assert google.sandbox.handle(request).status == 200


def test_the_discovery_document_points_here(google: Google) -> None:
    told = google.send("GET", "/.well-known/openid-configuration").json()
    assert told["token_endpoint"] == "http://localhost:9090/token"


def test_an_unknown_grant_type_is_named(google: Google) -> None:
    answer = google.send("POST", "/token", b"grant_type=password&client_id=app")
    assert answer.json()["error_description"] == "Invalid grant_type: password"
