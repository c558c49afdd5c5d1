"""Many calls in one request: `multipart/mixed` in, `multipart/mixed` out.

Source: Calendar API guide, 'Send batch requests'.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from sandbox import errors
from sandbox.messages import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.model.mint import Mint

MAX_PARTS = 1000
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_LINE_END = re.compile(rb"\r?\n\r?\n")


def handle_batch(request: Request, mint: Mint, serve: Callable[[Request], Response]) -> Response:
    """Answer each part on its own; the whole is 200 whatever the parts are."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if request.method != "POST" or found is None:
        return errors.bad_request("Failed to parse batch request").response()
    pieces = request.body.split(b"--" + found[1].encode())[1:]
    parts = [piece for piece in pieces if piece.strip() not in {b"", b"--"}]
    if len(parts) > MAX_PARTS:
        message = f"The batch request exceeds the maximum of {MAX_PARTS} parts."
        return errors.bad_request(message).response()
    boundary = "batch_" + mint.token("boundary", 12)
    answer = bytearray()
    for part in parts:
        content_id, inner = _read_part(part, request)
        response = (
            errors.bad_request("Failed to parse batch request").response() if inner is None else serve(inner)
        )
        answer += _write_part(boundary, content_id, response)
    answer += f"--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return Response(200, headers, bytes(answer))


def _read_part(part: bytes, outer: Request) -> tuple[str, Request | None]:
    """The part's Content-ID and request; outer headers apply except those on content."""
    envelope, _, message = _split(part.lstrip(b"\r\n"))
    content_id = _headers(envelope).get("content-id", "")
    head, _, body = _split(message.lstrip(b"\r\n"))
    first, _, rest = head.partition(b"\n")
    method, _, target = first.decode("utf-8", "replace").strip().partition(" ")
    if not target:
        return content_id, None
    headers = {name: value for name, value in outer.headers.items() if not name.startswith("content-")}
    headers |= _headers(rest)
    return content_id, Request(method.upper(), target.split()[0], headers, body.rstrip(b"\r\n"))


def _write_part(boundary: str, content_id: str, response: Response) -> bytes:
    answered = f"<response-{content_id.strip('<>')}>" if content_id else ""
    lines = [f"--{boundary}", "Content-Type: application/http"]
    if answered:
        lines.append(f"Content-ID: {answered}")
    reason = HTTPStatus(response.status).phrase
    lines += ["", f"HTTP/1.1 {response.status} {reason}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines += [f"Content-Length: {len(response.body)}", "", ""]
    return "\r\n".join(lines).encode() + response.body + b"\r\n"


def _split(text: bytes) -> tuple[bytes, bytes, bytes]:
    found = _LINE_END.search(text)
    if found is None:
        return text, b"", b""
    return text[: found.start()], found[0], text[found.end() :]


def _headers(text: bytes) -> dict[str, str]:
    headers = {}
    for line in text.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers
