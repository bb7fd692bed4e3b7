"""Three ways to install, one set of versions; and Binder takes the right one."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import tables

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def environment(path: str) -> tuple[list[str], list[str]]:
    """What conda installs, and what pip installs."""
    *conda, pip = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    return conda, pip["pip"]


def test_conda_installs_what_pip_installs_and_the_package_itself() -> None:
    assert environment("environment.yml")[1] == [*PROJECT["dependencies"], "-e ."]


def test_binder_installs_the_same_without_the_gpu_part() -> None:
    conda, pip = environment("binder/environment.yml")
    assert conda == environment("environment.yml")[0] == ["python=3.11", "pip"]
    assert pip == [line.replace("tensorflow>", "tensorflow-cpu>") for line in PROJECT["dependencies"]]


def test_binder_builds_with_conda_the_right_python_and_our_package() -> None:
    command = [Path(sys.executable).with_name("jupyter-repo2docker"), "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    plan = done.stdout + done.stderr
    assert "Building conda environment for python=3.11" in plan
    assert "binder/environment.yml" in plan and "RUN ./binder/postBuild" in plan
    post_build = ROOT / "binder" / "postBuild"
    assert post_build.stat().st_mode & 0o111
    assert "pip install --no-deps --editable ." in post_build.read_text()


def test_binder_opens_the_first_notebook() -> None:
    places = re.findall(r"mybinder\.org/v2/gh/[^/]+/[^/]+/HEAD\?urlpath=lab/tree/([\w/.]+)", README)
    assert places and set(places) == {"notebooks/01_data_loading.ipynb"} and (ROOT / places[0]).exists()


def test_the_badge_follows_the_address_of_the_repository() -> None:
    results, address = json.loads((ROOT / "benchmarks" / "results.json").read_text()), "https://github.com/a/mnist_cnn"
    assert f"[![Launch on Binder](https://mybinder.org/badge_logo.svg)]({tables.binder(address)})" == tables.badge(
        results, {"Repository": address}
    )
    assert tables.binder(address).startswith(
        "https://mybinder.org/v2/gh/a/mnist_cnn/HEAD?urlpath=lab/tree/notebooks/01"
    )
    assert tables.badge(results, {}) == ""  # better none than one that leads nowhere
    badges = re.findall(r"\(https://mybinder.org/v2/gh/\S+\)", README)
    assert badges == [f"({tables.binder(url)})" for url in PROJECT.get("urls", {}).values()]


def test_the_first_link_and_the_picture_lead_to_the_site() -> None:
    results, address = json.loads((ROOT / "benchmarks" / "results.json").read_text()), "https://github.com/a/mnist_cnn"
    assert tables.site(results, {"Repository": address}) == "[site]: https://a.github.io/mnist_cnn/"
    assert tables.site(results, {}) == "[site]: #read-it-without-installing"
    first, picture = re.findall(r"\]([\[(].*?[\])])", README.replace("](.github/views.png)]", "]"))[:2]
    assert first == picture == "[site]" and "## Read it without installing" in README


def test_the_package_is_as_small_as_the_readme_says() -> None:
    modules = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "src" / "mnist_cnn").glob("*.py")}
    scripts = [len(path.read_text().splitlines()) for path in (ROOT / "src" / "mnist_cnn" / "browser").glob("*.js")]
    said = r"([\d,]+) lines of Python for the notebooks, (\d+) for studies, no module above (\d+); and (\d+) of Java"
    numbers = re.search(said, " ".join(README.split())).groups()
    lesson, studies, largest, javascript = (int(number.replace(",", "")) for number in numbers)
    assert max(modules.values()) <= largest == 210 and sum(scripts) == javascript <= 987
    assert sum(modules.pop(f"{name}.py") for name in ("study", "cluster", "results")) == studies <= 420
    assert sum(modules.values()) == lesson <= 2395


@pytest.fixture
def make(tmp_path):
    """Call make with pythons of these versions, and no others, on the PATH; the environment goes to tmp_path/env."""
    if shutil.which("make") is None:
        pytest.skip("there is no make, as on most Windows machines")

    def call(*arguments: str, pythons: dict[str, str]) -> subprocess.CompletedProcess:
        for name, version in pythons.items():
            code = f"import sys; sys.version_info = ({version}); exec(sys.argv[1])"
            (tmp_path / name).write_text(f'#!/bin/sh\nexec {sys.executable} -c "{code}" "$2"\n')
            (tmp_path / name).chmod(0o755)
        for name in ("sh", "touch", "echo", "rm"):
            (tmp_path / name).symlink_to(shutil.which(name))
        environment = {"PATH": str(tmp_path)}
        command = [shutil.which("make"), *arguments, f"ENV={tmp_path / 'env'}"]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)

    return call


@pytest.mark.parametrize("pythons", [{}, {"python3": "3, 10, 13"}, {"python3": "3, 14, 0", "python3.10": "3, 10, 0"}])
def test_make_says_in_one_line_that_a_python_is_missing(make, tmp_path, pythons) -> None:
    done = make("run", pythons=pythons)
    assert done.returncode != 0 and not (tmp_path / "env").exists()
    (line,) = done.stdout.splitlines()
    assert "Python 3.11, 3.12 or 3.13 is needed, and python3 is not one of them" in line and "make run PYTHON=" in line


def test_make_refuses_a_python_that_was_named_but_is_too_old(make, tmp_path) -> None:
    done = make("lab", "PYTHON=python3.10", pythons={"python3.10": "3, 10, 0", "python3": "3, 12, 0"})
    assert done.returncode != 0 and "python3.10 is not one of them" in done.stdout


def test_make_finds_the_newest_python_that_fits(make) -> None:
    pythons = {"python3": "3, 14, 0", "python3.11": "3, 11, 2", "python3.12": "3, 12, 1"}
    assert "python3.12 -m venv" in make("--dry-run", "run", pythons=pythons).stdout


def test_make_does_not_install_twice(make, tmp_path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "installed").touch()
    done = make("--dry-run", "run", pythons={"python3": "3, 12, 0"})
    assert done.stdout.splitlines() == [f"{tmp_path / 'env'}/bin/python -m mnist_cnn"]
