"""An answer that is sent before the request's body was read arrives all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.raw_http import chunked, connected, head, pieces, read_answer, send

if TYPE_CHECKING:
    from tests.e2e.servers import Server

MEGABYTE = 1024 * 1024
UPLOAD = 3 * MEGABYTE
NOBODY = "Bearer gcs_of_nobody"

EARLY_ANSWERS = [
    ("GET", "/slots", 401, "unauthenticated"),
    ("POST", "/nothing/here", 404, "not-found"),
    ("PUT", "/slots", 405, "method-not-allowed"),
    ("POST", "/auth/users", 413, "body-too-large"),
]


@pytest.mark.parametrize(("method", "path", "status", "problem"), EARLY_ANSWERS)
def test_who_sends_everything_before_reading_gets_the_answer(
    service: Server, method: str, path: str, status: int, problem: str
):
    with connected(service.port) as connection:
        connection.sendall(head(method, path, Content_Length=UPLOAD, Authorization=NOBODY))
        send(connection, pieces(UPLOAD))
        answer = read_answer(connection)
    assert (answer.status, answer.problem) == (status, problem)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(("method", "path", "status", "problem"), EARLY_ANSWERS)
def test_so_does_who_sends_it_in_chunks(service: Server, method: str, path: str, status: int, problem: str):
    with connected(service.port) as connection:
        connection.sendall(head(method, path, Transfer_Encoding="chunked", Authorization=NOBODY))
        send(connection, chunked(pieces(UPLOAD)))
        answer = read_answer(connection)
    assert (answer.status, answer.problem) == (status, problem)
    assert answer.headers["connection"] == "close"


def test_a_declared_length_over_the_limit_is_answered_before_anything_is_sent(service: Server):
    with connected(service.port) as connection:
        connection.sendall(head("POST", "/auth/users", Content_Length=200 * MEGABYTE))
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
