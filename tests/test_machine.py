"""The machine: how many cores and how much memory this process may use."""

import io
import os
from pathlib import Path

import pytest

from mnist_cnn.machine import PROCESS_MEMORY, cores, has_memory_for, memory


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


@pytest.mark.skipif(memory() is None, reason="Python cannot tell the memory of this system")
def test_the_limit_of_a_container_is_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    monkeypatch.setattr("mnist_cnn.machine.CONTAINER_LIMITS", limits)
    of_the_machine = memory()
    assert of_the_machine > 1e9
    for text in ("max\n", "9223372036854771712\n"):  # how the two versions say that there is none
        limits[0].write_text(text)
        assert memory() == of_the_machine
    limits[1].write_text(f"{2 * PROCESS_MEMORY}\n")
    assert memory() == 2 * PROCESS_MEMORY
    assert has_memory_for(2) and not has_memory_for(3)
