"""Folders: where runs are, wherever Python starts."""

from pathlib import Path

import pytest

from mnist_cnn.folders import runs_folder


def test_runs_lie_beside_the_notebooks_wherever_python_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MNIST_CNN_RUNS")
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    for start in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deeper"):
        monkeypatch.chdir(start)
        assert runs_folder() == tmp_path / "runs"
