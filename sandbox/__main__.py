"""`python -m sandbox`: the simulator as a server of its own."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
import uvicorn
import uvloop
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.asgi import Post, create_app, utc_now
from sandbox.service import Sandbox
from sandbox.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import Scope

_ANSWER_WITHIN = aiohttp.ClientTimeout(total=30)


class Connections:
    """Open connections by the peer's address, so that one can be cut."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Uvicorn's HTTP protocol, reporting its connections here."""
        connections = self._open
        base: type[asyncio.Protocol] = H11Protocol
        try:
            from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
        except ImportError:
            pass
        else:
            base = HttpToolsProtocol

        class Reporting(base):  # type: ignore[valid-type,misc]
            def connection_made(self, transport: asyncio.Transport) -> None:
                super().connection_made(transport)
                self._peer = transport.get_extra_info("peername")
                connections[self._peer[:2]] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self._peer[:2], None)
                super().connection_lost(exc)

        return Reporting

    def cut(self, scope: Scope) -> None:
        """Close a request's connection at once."""
        transport = self._open.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()


class AnnouncingServer(uvicorn.Server):
    """Says where it listens once it does."""

    def __init__(self, config: uvicorn.Config, url: str) -> None:
        super().__init__(config)
        self._url = url

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal and then return, so that what is open gets closed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then print the URL."""
        await super().startup(sockets=sockets)
        sys.stdout.write(f"Google simulator listening on {self._url}\n")
        sys.stdout.flush()


def poster(session: aiohttp.ClientSession) -> Post:
    """Post push messages over a session; any failure to connect is no answer."""

    async def post(url: str, headers: Mapping[str, str]) -> int | None:
        try:
            async with session.post(url, headers=headers, data=b"", allow_redirects=False) as done:
                return done.status
        except (aiohttp.ClientError, TimeoutError):
            return None

    return post


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that names its protocol.

    The event loop switches off the delaying of small packets only for sockets that do;
    without that, each answer waits 40 ms for the peer's acknowledgement.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
    )[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(address)
    listening.listen(1024)
    return listening


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until told to stop."""
    listening = listen(arguments.host, arguments.port)
    port = listening.getsockname()[1]
    url = arguments.base_url or f"http://{arguments.host}:{port}"
    store = SqliteStore(arguments.state) if arguments.state else None
    seed = arguments.seed if arguments.seed is not None else int.from_bytes(os.urandom(7), "big")
    sandbox = Sandbox(now=utc_now, seed=seed, base_url=url, store=store)
    connections = Connections()
    async with aiohttp.ClientSession(timeout=_ANSWER_WITHIN) as session:
        app = create_app(
            sandbox,
            poster(session),
            control_token=arguments.control_token,
            disconnect=connections.cut,
        )
        config = uvicorn.Config(
            app,
            http=connections.protocol(),
            log_level="warning",
            lifespan="on",
            date_header=False,
            server_header=False,
            # Longer than clients keep an idle connection: what is sent just as it is given up here is lost.
            timeout_keep_alive=240,
            timeout_graceful_shutdown=2,
        )
        await AnnouncingServer(config, url).serve(sockets=[listening])
    if store is not None:
        store.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090, help="0 for any free port")
    parser.add_argument("--base-url", help="where others reach it, when that is not host and port")
    parser.add_argument("--state", metavar="FILE", help="keep the state in this SQLite file")
    parser.add_argument("--seed", type=int, help="draw the same ids and secrets each time")
    parser.add_argument("--control-token", help="demand this bearer token on the control API")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
