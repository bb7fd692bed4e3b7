"""Ways to install: pip, conda and Binder agree on versions, and make sets up what is asked for."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import addresses
from repository import NEEDS_MAKE, NO_MAKE, PROJECT, ROOT, make_commands, supported_pythons

README = (ROOT / "README.md").read_text()
Make = Callable[..., subprocess.CompletedProcess[str]]


def environment(path: str) -> tuple[list[str], list[str]]:
    """What conda installs, and what pip installs."""
    *conda, pip = yaml.safe_load((ROOT / path).read_text())["dependencies"]
    return conda, pip["pip"]


def test_conda_installs_what_pip_installs_and_the_package_itself() -> None:
    """And nbval, with which people test notebooks; here it is a part of the extra `test`."""
    (nbval,) = [
        line for line in PROJECT["optional-dependencies"]["test"] if line.startswith("nbval")
    ]
    assert environment("environment.yml")[1] == [*PROJECT["dependencies"], nbval, "-e ."]


def test_binder_installs_the_same_without_the_gpu_part() -> None:
    conda, pip = environment("binder/environment.yml")
    assert conda == environment("environment.yml")[0] == ["python=3.11", "pip"]
    assert pip == [
        line.replace("tensorflow>", "tensorflow-cpu>") for line in PROJECT["dependencies"]
    ]


def test_binder_opens_the_first_notebook() -> None:
    places = re.findall(r"mybinder\.org/v2/gh/[^/]+/[^/]+/HEAD\?urlpath=lab/tree/([\w/.]+)", README)
    assert set(places) == {"notebooks/01_data_loading.ipynb"}
    assert (ROOT / places[0]).exists()


def test_the_badge_follows_the_address_of_the_repository() -> None:
    address = "https://github.com/a/mnist_cnn"
    image = "[![Launch on Binder](https://mybinder.org/badge_logo.svg)]"
    assert addresses.binder_badge(address) == f"{image}({addresses.binder_url(address)})"
    assert addresses.binder_url(address).startswith(
        "https://mybinder.org/v2/gh/a/mnist_cnn/HEAD?urlpath=lab/tree/notebooks/01"
    )
    assert addresses.binder_badge(None) == ""  # better none than one that leads nowhere
    badges = re.findall(r"\(https://mybinder.org/v2/gh/\S+\)", README)
    assert badges == [f"({addresses.binder_url(url)})" for url in PROJECT.get("urls", {}).values()]


def test_the_first_link_of_the_readme_leads_to_the_site() -> None:
    line = addresses.site_link("https://github.com/a/mnist_cnn")
    assert line == "[site]: https://a.github.io/mnist_cnn/"
    links = re.findall(r"\]([\[(].*?[\])])", README.replace("](.github/views.png)]", "]"))
    assert links[:2] == ["[site]", "[site]"]
    (first,) = re.findall(r"^\[site\]: (.*)", README, re.MULTILINE)
    assert (ROOT / first).exists() or first == addresses.site_url(PROJECT["urls"]["Repository"])


def test_the_readme_names_the_pythons() -> None:
    *others, newest = supported_pythons()
    assert f"You need git, make and Python {', '.join(others)} or {newest} (" in README


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Call make where these versions of Python, and no others, are on the PATH.

    The environment goes to tmp_path/env.
    """
    if shutil.which("make") is None:
        pytest.skip(NO_MAKE)

    def call(
        *arguments: str, pythons: dict[str, str], folder: Path = ROOT
    ) -> subprocess.CompletedProcess:
        for name, version in pythons.items():
            code = f"import sys; sys.version_info = ({version}); exec(sys.argv[1])"
            (tmp_path / name).write_text(
                f'#!/bin/sh\nshift\nexec {sys.executable} -c "{code}" "$@"\n'
            )
            (tmp_path / name).chmod(0o755)
        for name in ("sh", "sed", "seq"):
            (tmp_path / name).symlink_to(shutil.which(name))
        environment = {"PATH": str(tmp_path)}
        command = [shutil.which("make"), *arguments, f"ENV={tmp_path / 'env'}"]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )

    return call


TOO_NEW = "3, 99, 0"


@pytest.mark.parametrize(
    "pythons", [{}, {"python3": "3, 10, 13"}, {"python3": TOO_NEW, "python3.10": "3, 10, 0"}]
)
def test_make_says_in_one_line_that_a_python_is_missing(
    make: Make, tmp_path: Path, pythons: dict[str, str]
) -> None:
    done = make("run", pythons=pythons)
    assert done.returncode != 0 and not (tmp_path / "env").exists()
    (line,) = done.stdout.splitlines()
    allowed = " ".join(reversed(supported_pythons()))
    assert f"One of these Pythons is needed: {allowed}. python3 is none of them." in line
    assert "make run PYTHON=" in line


def test_make_refuses_a_python_that_was_named_but_is_too_old(make: Make, tmp_path: Path) -> None:
    done = make(
        "lab", "PYTHON=python3.10", pythons={"python3.10": "3, 10, 0", "python3": "3, 12, 0"}
    )
    assert done.returncode != 0 and "python3.10 is none of them" in done.stdout


def test_make_finds_the_newest_python_that_fits(make: Make) -> None:
    pythons = {"python3": TOO_NEW, "python3.11": "3, 11, 2", "python3.12": "3, 12, 1"}
    assert "python3.12 -m venv" in make("--dry-run", "run", pythons=pythons).stdout


def test_make_follows_requires_python(make: Make, tmp_path: Path) -> None:
    text = (ROOT / "pyproject.toml").read_text()
    (tmp_path / "pyproject.toml").write_text(
        re.sub(r"(?m)^requires-python = .*", 'requires-python = ">=3.12,<3.15"', text)
    )
    shutil.copy(ROOT / "Makefile", tmp_path)
    pythons = {"python3.11": "3, 11, 0", "python3.14": "3, 14, 0"}
    plan = make("--dry-run", "run", pythons=pythons, folder=tmp_path).stdout
    assert "python3.14 -m venv" in plan and "Pythons is needed: 3.14 3.13 3.12." in plan
    assert supported_pythons(">=3.12,<3.15") == ["3.12", "3.13", "3.14"]


def test_make_does_not_install_twice(make: Make, tmp_path: Path) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "bin" / "pip").touch()
    (tmp_path / "env" / "installed").touch()
    done = make("--dry-run", "run", pythons={"python3": "3, 12, 0"})
    assert done.stdout.splitlines() == [f"{tmp_path / 'env'}/bin/python -m mnist_cnn"]


@pytest.mark.parametrize(
    ("target", "extra"),
    [
        ("run", ""),
        ("lab", ""),
        ("class", ""),
        ("site", "site"),
        ("study", "study"),
        ("test", "test"),
    ],
)
def test_make_sets_up_only_what_is_asked_for(make: Make, target: str, extra: str) -> None:
    plan = make("--dry-run", target, pythons={"python3": "3, 12, 0"}).stdout
    assert re.findall(r"requirements\.py ?(\w*) >", plan) == [extra]


def requirements(path: Path, *extras: str) -> list[str]:
    """What requirements.py prints where the programs in this folder are the only ones."""
    command = [sys.executable, ROOT / "requirements.py", *extras]
    done = subprocess.run(
        command,
        env=os.environ | {"PATH": str(path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_requirements_come_from_pyproject(tmp_path: Path) -> None:
    lesson, extras = PROJECT["dependencies"], PROJECT["optional-dependencies"]
    assert requirements(tmp_path)[1:] == lesson[1:]
    others, *tools = extras["test"]
    assert others == "mnist-cnn[study,site,export]"
    assert requirements(tmp_path, "test")[1:] == [
        *lesson[1:],
        *extras["study"],
        *extras["site"],
        *extras["export"],
        *tools,
    ]
    done = subprocess.run(
        [sys.executable, ROOT / "requirements.py", "tests"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2 and "pyproject.toml has no extra tests" in done.stderr


@pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"),
    reason="elsewhere there is only one package of TensorFlow",
)
def test_tensorflow_for_a_gpu_is_installed_only_where_there_is_one(tmp_path: Path) -> None:
    assert requirements(tmp_path)[0] == "tensorflow-cpu>=2.21,<2.22"
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert requirements(tmp_path)[0] == PROJECT["dependencies"][0] == "tensorflow>=2.21,<2.22"


@NEEDS_MAKE
def test_make_clean_keeps_trainings(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    left = [
        tmp_path / "build" / "study" / "relu.npz",
        tmp_path / "runs" / "relu.npz",
        tmp_path / "my-notebooks" / "01.ipynb",
    ]
    for path in (
        *left,
        tmp_path / "build" / "site" / "index.html",
        tmp_path / ".venv" / "installed",
    ):
        path.parent.mkdir(parents=True)
        path.touch()
    for _ in range(2):
        subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True, timeout=60)
        assert sorted(path for path in tmp_path.rglob("*.*") if path.is_file()) == sorted(left)
    shutil.rmtree(tmp_path / "build")
    subprocess.run(["make", "clean"], cwd=tmp_path, check=True, capture_output=True, timeout=60)


@NEEDS_MAKE
def test_make_study_leaves_nothing_that_git_would_show() -> None:
    files = set(re.findall(r"--results (\S+)", "\n".join(make_commands("study"))))
    assert files == {"benchmarks/study.jsonl", "benchmarks/ladder.jsonl"}
    for file in files:
        figure = Path(file).with_suffix(".png").as_posix()  # the command draws it beside the file
        tracked = subprocess.run(
            ["git", "ls-files", "--error-unmatch", figure], cwd=ROOT, capture_output=True
        )
        ignored = subprocess.run(["git", "check-ignore", figure], cwd=ROOT, capture_output=True)
        assert 0 in (tracked.returncode, ignored.returncode), figure
