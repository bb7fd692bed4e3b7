"""Every command that README, CONTRIBUTING and the teaching page print is executed, by the text of the page itself.

Those that take seconds run here, in a copy of the repository whose .venv is ours; those that install something run with
--rehearse. Of the others the table below says who executes them.
"""

import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from newcomer import Newcomer, Session, newcomer_in
from repository import ROOT, copy_repository

PAGES = ("README.md", "CONTRIBUTING.md", "teaching/README.md")
_PROGRAM = re.compile(r"(make|python|pip|source|jupyter|conda|git clone|cp|apt|pre-commit) |\.venv/bin/|[A-Z_]+=\S+ ")

QUICK = {  # and what they print
    "make class": "Made student-notebooks/ and teacher-notebooks/",
    "python -m mnist_cnn.copies mine": "Your copies are in my-notebooks/",
    ".venv/bin/nbdime config-git --enable": "",
}
SERVERS = {  # and what their page says
    ".venv/bin/jupyter lab --allow-root --notebook-dir=. my-notebooks/01_data_loading.ipynb": "JupyterLab",
    "jupyter lab --notebook-dir=. my-notebooks/01_data_loading.ipynb": "JupyterLab",
    ".venv/bin/python -m http.server --bind 127.0.0.1 --directory build/site": "Directory listing",
    ".venv/bin/python -m http.server -d build/site": "Directory listing",
    ".venv/bin/nbdiff-web": "nbdime",
}
REHEARSED = {  # by which test
    "make lab": "test_make_lab",
    "make site": "test_the_site_is_built_and_served",
    "python -m venv .venv": "test_without_make",
    ".venv\\Scripts\\activate": "test_without_make",
    "source .venv/bin/activate": "test_without_make",
    "python -m pip install -e .": "test_without_make",
    "python -m mnist_cnn": "test_without_make",
    "python -m mnist_cnn.copies class": "test_without_make",
    "git clone <this repository> && cd mnist_cnn": "test_laptops_without_a_network",
    'python -m pip download --dest wheels . "setuptools>=77"': "test_laptops_without_a_network",
    "cp ~/.keras/datasets/mnist.npz .": "test_laptops_without_a_network",
    ".venv/bin/python -m pip install --no-index --find-links wheels --editable .": "test_laptops_without_a_network",
    "MNIST_NPZ=mnist.npz .venv/bin/python -m mnist_cnn.report": "test_laptops_without_a_network",
    ".venv/bin/python -m mnist_cnn.copies mine": "test_laptops_without_a_network",
    "MNIST_NPZ=$PWD/mnist.npz .venv/bin/jupyter lab --notebook-dir=. my-notebooks/01_data_loading.ipynb":
        "test_laptops_without_a_network",
    'python -m pip install -e ".[study]"': "test_what_an_extra_brings",
    '.venv/bin/python -m pip install -e ".[gpu]"': "test_what_an_extra_brings",
}  # fmt: skip
ELSEWHERE = {  # or why not
    "make test": ".ci/run calls it",
    ".venv/bin/python -m mnist_cnn.report": "test_report.py",
    "python -m pytest": "make test calls it",
    "make check": "a part of make test",
    "make rehearse": "by hand: it is all rehearsals",
    "make run": "python -m mnist_cnn, which test_series.py calls",
    "make notebooks": "python -m mnist_cnn --in-place, likewise",
    "make lab PYTHON=/path/to/python": "test_environments.py, with pythons that fit and do not",
    "make study": "it trains for hours; test_study.py has a study of a few seeds",
    ".venv/bin/python -m mnist_cnn.study --recipes relu leaky_relu --seeds 16": "likewise, two hours",
    "make tables": "it calls a script that test_benchmarks.py tests",
    "make bench": "it measures for an hour; test_benchmarks.py runs its parts",
    "python benchmarks/bench.py --ladder": "likewise",
    "MNIST_NPZ=/usr/share/datasets/fashion-mnist make lab": "test_other_images.py runs all notebooks on these images",
    "pip install .": "test_ways_in.test_lone_notebooks, with the wheel that it builds",
    "python -m pip install .": "likewise",
    'python -m pip install -e ".[test]"': "the same as make test installs",
    "apt install dataset-fashion-mnist": ".ci/run installs it",
    "apt install chromium": ".ci/run installs it",
    ".venv/bin/playwright install chromium": "it needs another host than PyPI",
    "conda env create -f environment.yml": "it needs conda's hosts; test_ways_in.test_conda_s_list takes its list",
    "conda activate mnist-cnn": "likewise",
    "pre-commit install": "pre-commit is not installed; test_community.py reads its file",
}


def commands(page: str) -> list[str]:
    """What a page prints as a command: lines of blocks without a language, and code in the text that begins so."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"<!-- bench: .*?<!-- end of bench -->", "", text, flags=re.DOTALL)
    lines = []
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        if not language:
            lines += [line.strip() for line in block.splitlines() if line.strip()]
    prose = " ".join(re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE).split())
    return lines + [word for word in re.findall(r"`([^`]+)`", prose) if _PROGRAM.match(word)]


def test_of_each_command_it_is_known_who_executes_it() -> None:
    printed = {command for page in PAGES for command in commands(page)}
    known = QUICK | SERVERS | REHEARSED | ELSEWHERE
    assert len(known) == sum(map(len, (QUICK, SERVERS, REHEARSED, ELSEWHERE))), "a command has two entries"
    assert sorted(printed) == sorted(known)
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert not [test for test in REHEARSED.values() if f"def {test}(" not in tests]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, known to a git of its own, as if it had been set up."""
    copy = tmp_path_factory.mktemp("copy") / "mnist_cnn"
    copy_repository(copy)
    (copy / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if not entry.name.startswith("installed"):
            (copy / ".venv" / entry.name).symlink_to(entry)
    for stamp in ("installed", "installed-site", "installed-test", "installed-study"):
        (copy / ".venv" / stamp).touch()
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True, timeout=60)
    return copy


def environment(copy: Path) -> dict[str, str]:
    """With .venv activated."""
    return os.environ | {"PATH": f"{copy / '.venv' / 'bin'}:{os.environ['PATH']}", "HOME": str(copy.parent)}


@pytest.mark.slow
@pytest.mark.parametrize("command", QUICK)
def test_commands_that_end(copy: Path, command: str) -> None:
    shell = ["bash", "-c", command]
    done = subprocess.run(shell, cwd=copy, env=environment(copy), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and QUICK[command] in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", SERVERS)
def test_servers(copy: Path, command: str, tmp_path: Path) -> None:
    """Until they answer at the address that they print, or refuse root, for which README has another command."""
    (copy / "build" / "site").mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "mnist_cnn.copies", "mine"], cwd=copy, check=True, capture_output=True)
    log = tmp_path / "log"
    with log.open("w") as stream:
        variables = environment(copy) | {"PYTHONUNBUFFERED": "1", "BROWSER": "true"}
        shell = ["bash", "-c", f"exec {command}"]
        server = subprocess.Popen(shell, cwd=copy, env=variables, stdout=stream, stderr=stream)
    try:
        while server.poll() is None:
            address = re.search(r"http://(?:127\.0\.0\.1|localhost|0\.0\.0\.0):\d+/\S*", log.read_text())
            with suppress(OSError, TypeError):
                with urllib.request.urlopen(address[0].rstrip(")"), timeout=10) as answer:  # noqa: S310
                    assert SERVERS[command] in answer.read().decode()
                return
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        refused = "Running as root is not recommended. Use --allow-root to bypass."
        assert os.geteuid() == 0 and "--allow-root" not in command and refused in log.read_text(), log.read_text()
    finally:
        server.terminate()
        server.wait(30)


# What installs something


@pytest.fixture
def newcomer() -> Iterator[Newcomer]:
    """With `python` in the PATH, and MNIST where Keras would download it to."""
    with newcomer_in("pages") as newcomer:
        programs = newcomer.folder / "bin"
        programs.mkdir()
        (programs / "python").symlink_to(newcomer.find_python())
        newcomer.environment["PATH"] = f"{programs}:{newcomer.environment['PATH']}"
        newcomer.copy(Path(os.environ["MNIST_NPZ"]), newcomer.home / ".keras" / "datasets" / "mnist.npz")
        yield newcomer


def block(page: str, containing: str) -> list[str]:
    """The commands of the block that has this in it."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = [block for block in blocks if containing in block]
    return [line.strip() for line in found.splitlines()]


@pytest.mark.rehearsal
def test_without_make(newcomer: Newcomer) -> None:
    """But for the trainings of 04, which are there: they take some minutes more."""
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    shipped = clone / "src" / "mnist_cnn" / "shipped_runs"
    for recipe in ("relu", "leaky_relu"):
        newcomer.copy(shipped / f"{recipe}.npz", clone / "runs" / f"{recipe}.npz")
    lines = [
        line.replace(".venv\\Scripts\\activate", "source .venv/bin/activate") for line in block("README.md", "Scripts")
    ]
    lines += ["python -m mnist_cnn.copies mine", "python -m mnist_cnn.copies class", "python -m mnist_cnn"]
    said = newcomer.run("bash", "-c", "set -e\n" + "\n".join(lines), folder=clone)
    assert len(re.findall(r"^\d\d_\w+ +done", said, re.MULTILINE)) == 8
    assert (clone / "build" / "08_room_for_improvement.html").exists()


@pytest.mark.rehearsal
def test_the_site_is_built_and_served(newcomer: Newcomer) -> None:
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    build, serve = block("README.md", "make site")
    newcomer.run("bash", "-c", build, folder=clone)
    with subprocess.Popen(serve.split(), **newcomer.options(clone)) as server:
        while True:
            with suppress(OSError), urllib.request.urlopen("http://localhost:8000", timeout=10) as answer:
                assert "How a network reads digits" in answer.read().decode()
                break
        server.terminate()


@pytest.mark.rehearsal
def test_laptops_without_a_network(newcomer: Newcomer) -> None:
    """The folder that the teaching page prepares, and a laptop on which pip can reach nothing."""
    prepare, use = block("teaching/README.md", "pip download"), block("teaching/README.md", "--no-index")
    original = newcomer.clone(newcomer.folder / "server" / "mnist_cnn")
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=all"]):
        newcomer.run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", *command, folder=original)
    prepare[0] = prepare[0].replace("<this repository>", str(original))
    newcomer.run("bash", "-c", "set -e\n" + "\n".join(prepare))
    newcomer.environment = {name: value for name, value in newcomer.environment.items() if not name.startswith("PIP_")}
    newcomer.environment |= {"PIP_CONFIG_FILE": "/dev/null", "https_proxy": "http://127.0.0.1:9"}
    shutil.rmtree(newcomer.home / ".keras")
    *use, lab = use
    said = newcomer.run("bash", "-c", "set -e\n" + "\n".join(use), folder=newcomer.home / "mnist_cnn")
    assert "Full MNIST: 60,000 training and 10,000 test images, from the file that MNIST_NPZ names" in said
    with Session(newcomer, ["bash", "-c", f"exec env {lab}"], newcomer.home / "mnist_cnn"):
        pass  # it has answered


@pytest.mark.rehearsal
@pytest.mark.parametrize(("extra", "package"), [("study", "distributed"), ("gpu", "nvidia-cudnn-cu12")])
def test_what_an_extra_brings(newcomer: Newcomer, extra: str, package: str) -> None:
    """pip says what it would install; CUDA's packages alone are some gigabytes."""
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    (command,) = {command for command in commands("README.md") if f'".[{extra}]"' in command}
    command = command.removeprefix(".venv/bin/").replace("install", "install --dry-run --break-system-packages")
    assert package in newcomer.run("bash", "-c", command, folder=clone)
