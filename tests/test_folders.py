"""Folders: where runs are, wherever Python starts."""

from pathlib import Path

import pytest

from mnist_cnn.folders import runs_folder


def test_runs_lie_beside_the_notebooks_wherever_python_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MNIST_CNN_RUNS")
    (tmp_path / "notebooks" / "deeper").mkdir(parents=True)
    (tmp_path / "notebooks" / "01_data_loading.ipynb").touch()
    for start in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deeper"):
        monkeypatch.chdir(start)
        assert runs_folder() == tmp_path / "runs"


def test_other_notebooks_of_the_user_are_not_taken_for_the_series(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package is installed alone, runs stay in the current folder."""
    monkeypatch.delenv("MNIST_CNN_RUNS")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "taxes.ipynb").touch()
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    assert runs_folder() == tmp_path / "work" / "runs"
