"""The package as others install it, in an environment of its own: a pytest plugin."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from repository import ROOT, copy_repository


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip builds of this repository."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    copy_repository(source)  # pip leaves its work there, and would take what an older version left
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, source], check=True, timeout=300)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def python_elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the packages of environment.yml, our wheel, and no more."""
    prefix = tmp_path_factory.mktemp("elsewhere") / "environment"
    subprocess.run([sys.executable, "-m", "venv", prefix], check=True, timeout=300)
    *_, pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    packages = [wheel if line == "-e ." else line for line in pip["pip"]]
    command = [prefix / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*command, "--upgrade", "pip"], check=True, timeout=300)
    subprocess.run([*command, *packages], check=True, timeout=1200)
    return prefix / "bin" / "python"
