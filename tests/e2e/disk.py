"""A disk without room, as far as a test may arrange one anywhere: the kernel lets no file grow any more."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@contextmanager
def no_file_grows_beyond(size: int, processes: Callable[[], Iterable[int]]) -> Iterator[None]:
    """Let these processes, and those that they start, write nothing behind so many bytes of any file.

    The write fails with EFBIG where a full disk gives ENOSPC. Python and PostgreSQL ignore the signal that
    comes with it (SIGXFSZ), so that it is an error like the other.
    """
    _limit(processes(), size)
    try:
        yield
    finally:
        _limit(processes(), None)


def _limit(processes: Iterable[int], size: int | None) -> None:
    for pid in processes:
        with _as_owner_of(pid):
            _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if size is None else size, most))


@contextmanager
def _as_owner_of(pid: int) -> Iterator[None]:
    """Be, in name, who runs a process: the root of a container may not limit what others run."""
    owner, mine = Path(f"/proc/{pid}").stat(), (os.getuid(), os.getgid())
    os.setresgid(owner.st_gid, -1, -1)
    os.setresuid(owner.st_uid, -1, -1)
    try:
        yield
    finally:
        os.setresuid(mine[0], -1, -1)
        os.setresgid(mine[1], -1, -1)
