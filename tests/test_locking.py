"""Locks: one writer for each file, on file systems of every kind."""

import errno
import os
import sys
from pathlib import Path

import pytest

from mnist_cnn.locking import lock


def without_locks(patch: pytest.MonkeyPatch, error: int) -> None:
    """Make every file system answer so when it is asked for a lock."""

    def flock(file: int, operation: int) -> None:
        raise OSError(error, os.strerror(error))

    patch.setattr("fcntl.flock", flock)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files in another way")
def test_a_failing_lock_service_is_not_taken_for_a_busy_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on NFS whose lock service does not run; filelock took it for busy before 3.20.4."""
    file = tmp_path / "study.jsonl"
    without_locks(monkeypatch, errno.ENOLCK)
    with (
        pytest.raises(OSError, match=os.strerror(errno.ENOLCK)) as error,
        lock(file),
    ):
        pass
    assert not isinstance(error.value, BlockingIOError)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks files in another way")
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_runs_are_locked_even_where_the_file_system_has_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Lustre may be; of filelock, 3.23 has a traceback for it, and 4.0 lets everybody in."""
    file = tmp_path / "study.jsonl"
    without_locks(monkeypatch, errno.ENOSYS)
    busy = "Another notebook or program is writing to"
    with (
        lock(file),
        pytest.raises(BlockingIOError, match=busy),
        lock(file),
    ):
        pass
    with lock(file):
        pass
