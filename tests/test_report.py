"""The report for a bug report: what it says, and what it keeps to itself."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from mnist_cnn import report
from mnist_cnn.data import Dataset
from repository import PROJECT


@pytest.mark.slow
def test_the_command_reports_versions_device_and_images(
    offline: dict[str, str], tmp_path: Path
) -> None:
    import tensorflow as tf  # which may be installed as tensorflow-cpu

    command = [sys.executable, "-m", "mnist_cnn.report"]
    done = subprocess.run(
        command, env=offline, capture_output=True, text=True, check=True, timeout=300
    )
    lines = dict(
        line.split(maxsplit=1)
        for line in done.stdout.splitlines()
        if not line.startswith("computes on")
    )
    for name in PROJECT["dependencies"]:
        package = name.partition(">")[0].partition("=")[0]
        assert lines[package] == (tf.__version__ if package == "tensorflow" else version(package))
    assert lines["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert "PU in " in done.stdout and "images       none yet" in done.stdout and done.stderr == ""


def test_it_says_which_images_there_are_and_names_no_folder(
    full: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report.report()["images"].startswith(
        "Full MNIST: 60,000 training and 10,000 test images"
    )
    place = tmp_path / "secret" / "name.npz"
    monkeypatch.setenv("MNIST_NPZ", str(place))
    assert report.report()["images"].startswith("FileNotFoundError: There is no file or folder …")
    place.parent.mkdir()
    place.write_text("no archive")
    said = report.report()
    assert "File is not a zip file" in said["images"]
    assert not any("secret" in value for value in said.values())


def test_without_tensorflow_it_says_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mnist_cnn.device", None)
    assert report.report()["computes on"].startswith("nothing: ModuleNotFoundError: ")
