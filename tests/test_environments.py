"""Three ways to install, one set of versions; and Binder takes the right one."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def environment(path: str) -> tuple[list[str], list[str]]:
    """What conda installs, and what pip installs."""
    *conda, pip = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    return conda, pip["pip"]


def test_conda_installs_what_pip_installs() -> None:
    assert environment("environment.yml")[1] == PROJECT["dependencies"]


def test_binder_installs_the_same_without_the_gpu_part() -> None:
    conda, pip = environment("binder/environment.yml")
    assert conda == environment("environment.yml")[0] == ["python=3.11", "pip"]
    assert pip == [line.replace("tensorflow>", "tensorflow-cpu>") for line in PROJECT["dependencies"]]


def test_binder_builds_with_conda_the_right_python_and_our_package() -> None:
    command = [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    plan = done.stdout + done.stderr
    assert "Building conda environment for python=3.11" in plan
    assert "binder/environment.yml" in plan and "RUN ./binder/postBuild" in plan
    post_build = ROOT / "binder" / "postBuild"
    assert post_build.stat().st_mode & 0o111
    assert "pip install --no-deps --editable ." in post_build.read_text()


def test_the_binder_badge_opens_the_first_notebook() -> None:
    (place,) = re.findall(r"mybinder\.org/v2/gh/[^/]+/[^/]+/HEAD\?urlpath=lab/tree/(\S+?)\)", (ROOT / "README.md").read_text())
    assert place == "notebooks/01_data_loading.ipynb" and (ROOT / place).exists()


def test_the_readme_says_how_large_the_package_is() -> None:
    modules = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "src" / "mnist_cnn").glob("*.py")}
    (said,) = re.findall(r"about ([\d,]+) lines", (ROOT / "README.md").read_text())
    assert sum(modules.values()) == pytest.approx(int(said.replace(",", "")), abs=50)
    assert max(modules.values()) <= 250


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make, as on most Windows machines")
def test_make_wants_a_python_that_tensorflow_runs_on(tmp_path) -> None:
    command = ["make", "run", "PYTHON=", f"ENV={tmp_path / 'env'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and not (tmp_path / "env").exists()
    (line,) = done.stderr.splitlines()
    assert "Python 3.11, 3.12 or 3.13 is needed" in line and "make run PYTHON=" in line
