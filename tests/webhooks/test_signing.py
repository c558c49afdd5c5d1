"""Signatures, checked by an implementation that is not ours."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.system import SystemClock, SystemIds
from services.webhooks.signing import new_secret, signed_headers

BODY = b'{"type":"slots.changed"}'


def test_a_signature_is_recognised_by_the_reference_library() -> None:
    secret = new_secret(SystemIds())
    headers = signed_headers(secret=secret, message_id="msg_1", body=BODY, now=SystemClock().now())
    assert Webhook(secret).verify(BODY, headers) == {"type": "slots.changed"}


@pytest.mark.parametrize("change", ["body", "id", "secret", "timestamp"])
def test_whatever_is_changed_breaks_it(change: str) -> None:
    secret, now = new_secret(SystemIds()), SystemClock().now()
    headers = signed_headers(secret=secret, message_id="msg_1", body=BODY, now=now)
    body = BODY
    match change:
        case "body":
            body = BODY.replace(b"changed", b"deleted")
        case "id":
            headers["webhook-id"] = "msg_2"
        case "secret":
            secret = new_secret(SystemIds())
        case _:
            headers["webhook-timestamp"] = str(int(now.timestamp()) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)
