"""Keep other processes from writing to a file."""

import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from filelock import FileLock, Timeout


def lock(file: Path) -> AbstractContextManager[object]:
    """Keep other processes from writing to a file, until the end of `with`; make its folder.

    Args:
        file: The file, which need not exist.

    Returns:
        The lock, which is held already; leaving its context releases it.

    Raises:
        BlockingIOError: Another process is writing there.
        OSError: The folder cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=file.parent).close()  # better an error now than after an epoch
    # a.npz and a.jsonl have one each
    file_lock = FileLock(file.with_name(f".{file.name}.lock"))
    try:
        return file_lock.acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(f"Another notebook or program is writing to {file}.") from None


def is_locked(file: Path) -> bool:
    """Whether another process is writing to a file; where that cannot be told, it is not."""
    try:
        with lock(file):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False
