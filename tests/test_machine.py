"""The machine: how many cores this process may use."""

import io
import os

import pytest

from mnist_cnn.machine import cores


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "50000 100000\n"},
        {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"},
    ],
    ids=["cgroup v2", "cgroup v1"],
)
def test_half_a_core_of_a_container_counts_as_one(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the kernel says of the quota; whether this process has one, depends on the machine."""
    import joblib  # noqa: F401  as it opens files itself

    files = {f"/sys/fs/cgroup/{name}": text for name, text in files.items()}
    exists = os.path.exists
    open_file = open
    monkeypatch.setattr(os.path, "exists", lambda path: path in files or exists(path))
    monkeypatch.setattr(
        "builtins.open",
        lambda path, *rest, **options: (
            io.StringIO(files[path]) if path in files else open_file(path, *rest, **options)
        ),
    )
    assert cores() == 1
