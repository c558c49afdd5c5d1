"""Processes of a measurement: started on free ports, waited for, and ended with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_STARTED_WITHIN_S = 60
_STOPPED_WITHIN_S = 20
_PAUSE_S = 0.02
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE", "VIRTUAL_ENV")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a measured process sees: none of the settings of whoever measures."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT), **(more or {})}


@contextmanager
def server(
    arguments: Sequence[str], *, port: int, folder: Path, env: Mapping[str, str] | None = None
) -> Iterator[int]:
    """A Python process that listens on `port`; yields its process id.

    Args:
        arguments: Behind the interpreter.
        port: Where it is going to listen.
        folder: Its working directory; its output goes to a file there.
        env: On top of what every measured process sees.
    """
    log = folder / f"server-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment(env),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(_STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.perf_counter() + _STARTED_WITHIN_S
    while time.perf_counter() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_PAUSE_S)
        else:
            return
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def child(module: str, order: Mapping[str, Any]) -> dict[str, Any]:
    """Run a module with an order on its command line; what it prints last is its answer."""
    done = subprocess.run(
        [sys.executable, "-m", module, orjson.dumps(order).decode()],
        env=environment(),
        cwd=ROOT,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr.decode(errors='replace')[-4000:]}")
    answer = orjson.loads(done.stdout.splitlines()[-1])
    assert isinstance(answer, dict)
    return answer


def order_of(arguments: Sequence[str]) -> Any:
    """The order that `child` put on this process's command line."""
    return orjson.loads(arguments[1])


def answer(document: Mapping[str, Any]) -> None:
    """Answer to `child`."""
    print(orjson.dumps(document).decode())
