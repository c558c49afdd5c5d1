"""Video conferences on events, as far as a client sees them.

Source: Calendar API guide, 'Create events' (conferences); reference of
`conferenceDataVersion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox import errors

if TYPE_CHECKING:
    from sandbox.call import Call
    from sandbox.messages import Json


def settle_conference(call: Call, draft: Json, before: Json | None) -> Json:
    """Apply a change of the conference, or drop it when the caller does not speak of them."""
    version = call.text("conferenceDataVersion") or "0"
    if version not in {"0", "1"}:
        raise errors.ApiError(400, "invalidParameter", "Invalid value", location="conferenceDataVersion")
    current = (before or {}).get("conferenceData")
    if version == "0":
        draft["conferenceData"] = current
        draft["hangoutLink"] = (before or {}).get("hangoutLink")
        return draft
    wanted = draft.get("conferenceData")
    if wanted is None:
        draft["hangoutLink"] = None
        return draft
    request = wanted.get("createRequest")
    if request is None or wanted.get("entryPoints"):
        return draft
    if current is not None and _request_id(current) == request.get("requestId"):
        draft["conferenceData"] = current
        return draft
    letters = "".join("abcdefghijklmnopqrstuvwxyz"[byte % 26] for byte in call.world.mint.octets("meet", 10))
    name = f"{letters[:3]}-{letters[3:7]}-{letters[7:]}"
    link = f"https://meet.google.com/{name}"
    solution = {"type": "hangoutsMeet"}
    draft["hangoutLink"] = link
    draft["conferenceData"] = {
        "createRequest": {
            "requestId": request.get("requestId", ""),
            "conferenceSolutionKey": request.get("conferenceSolutionKey", solution),
            "status": {"statusCode": "success"},
        },
        "entryPoints": [{"entryPointType": "video", "uri": link, "label": link[8:]}],
        "conferenceSolution": {"key": solution, "name": "Google Meet"},
        "conferenceId": name,
    }
    return draft


def _request_id(conference: Json) -> str | None:
    request: Json = conference.get("createRequest", {})
    return request.get("requestId")
