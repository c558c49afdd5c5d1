"""Programs of this project in processes of their own: started, watched, killed, and their output kept."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
_START_TIMEOUT_S = 60.0


class Port:
    """A free port that stays ours while nobody listens: bound, never listening, so that a server may."""

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number = int(self._socket.getsockname()[1])

    def give_back(self) -> None:
        self._socket.close()


class Process:
    """One program that may be started again after it has ended."""

    def __init__(self, *arguments: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        self._arguments = [sys.executable, *arguments]
        self._folder = folder
        self._environment = {"PATH": os.defpath, "LANG": "C.UTF-8", **(environment or {})}
        self._running: subprocess.Popen[str] | None = None
        self._readers: list[threading.Thread] = []
        self._news = threading.Condition()
        self.said: list[str] = []
        """Standard output."""
        self.lines: list[str] = []
        """Standard error, which is the log."""

    def start(self, *, ready: str) -> None:
        """Start, and return once a line of the output or of the log has `ready` in it."""
        self.said.clear()
        seen = len(self.lines)
        self._running = subprocess.Popen(
            self._arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._readers = [
            threading.Thread(target=self._read, args=[self._running.stdout, self.said], daemon=True),
            threading.Thread(target=self._read, args=[self._running.stderr, self.lines], daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self.wait_for(ready, since=seen)

    def wait_for(self, text: str, *, since: int = 0) -> str:
        """The first line with `text` in it, in the log from line number `since` on."""

        def found() -> str | None:
            return next((line for line in [*self.said, *self.lines[since:]] if text in line), None)

        with self._news:
            self._news.wait_for(lambda: found() is not None or not self._is_read(), _START_TIMEOUT_S)
            line = found()
        assert line is not None, f"no line with {text!r}:\n{self.output(since)}"
        return line

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._running is not None
        return self._running.pid

    def output(self, since: int = 0) -> str:
        """The log, as it stands now."""
        return "\n".join(self.lines[since:])

    def kill(self) -> None:
        """As the kernel ends a process: at once, and unasked."""
        if self._running is not None:
            self._running.kill()
            self._ended(self._running)

    def pause(self) -> None:
        """As a machine that stands still: the process does nothing, and does not know."""
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)

    def tell_to_stop(self) -> None:
        """As an orchestrator begins to end a process; returns at once."""
        self._send(signal.SIGTERM)

    def stopped(self, *, within_s: float) -> int:
        """The exit code of a process that was told to stop."""
        assert self._running is not None
        return self._ended(self._running, within_s)

    def stop(self, *, within_s: float = 30.0) -> int:
        """Stop in good order; returns the exit code."""
        self.tell_to_stop()
        return self.stopped(within_s=within_s)

    def _send(self, number: signal.Signals) -> None:
        assert self._running is not None
        self._running.send_signal(number)

    def _ended(self, process: subprocess.Popen[str], within_s: float = 30.0) -> int:
        code = process.wait(within_s)
        self._running = None
        for reader in self._readers:
            reader.join()
        return code

    def _is_read(self) -> bool:
        return any(reader.is_alive() for reader in self._readers)

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()
