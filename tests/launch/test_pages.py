"""The commands that README, CONTRIBUTING and the teaching page print, taken from their text.

Those that take seconds are executed here, in a copy of the repository whose .venv is ours; those
that install something, with --rehearse. Of the others the table ELSEWHERE says which test executes
them, or why none does.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lab import free_port
from newcomer import Newcomer, Session
from repository import ROOT, copy_repository

PAGES = ("README.md", "CONTRIBUTING.md", "teaching/README.md")
_PROGRAM = re.compile(
    r"(make|python3?|pip|source|jupyter|conda|git clone|cp|apt|pre-commit) "
    r"|\.venv/bin/|[A-Z_]+=\S+ "
)

FIRST_COPY = "--notebook-dir=. my-notebooks/01_data_loading.ipynb"
WITHOUT_NETWORK = "test_laptops_without_a_network"

QUICK = {  # and what they print
    "make class": "Made student-notebooks/ and teacher-notebooks/",
    "python -m mnist_cnn.copies mine": "Your copies are in my-notebooks/",
    ".venv/bin/nbdime config-git --enable": "",
}
SERVERS = {  # and what their page says
    f".venv/bin/jupyter lab --allow-root {FIRST_COPY}": "JupyterLab",
    f"jupyter lab {FIRST_COPY}": "JupyterLab",
    ".venv/bin/python -m http.server --bind 127.0.0.1 --directory build/site": "Directory listing",
    ".venv/bin/python -m http.server -d build/site": "Directory listing",
    ".venv/bin/nbdiff-web": "nbdime",
}
REHEARSED = {  # by which test
    "make lab": "test_make_lab",
    "make site": "test_the_site_is_built_and_served",
    "python -m venv .venv": "test_without_make",
    ".venv\\Scripts\\activate": "test_without_make",
    "python3 -m venv .venv": "test_without_make",
    "source .venv/bin/activate": "test_without_make",
    "python -m pip install -e .": "test_without_make",
    "python -m mnist_cnn": "test_without_make",
    "python -m mnist_cnn.copies class": "test_without_make",
    "git clone <this repository> && cd mnist_cnn": WITHOUT_NETWORK,
    "python3 -m venv ../prepare": WITHOUT_NETWORK,
    '../prepare/bin/python -m pip download --dest wheels . "setuptools>=77"': WITHOUT_NETWORK,
    "cp ~/.keras/datasets/mnist.npz .": WITHOUT_NETWORK,
    ".venv/bin/python -m pip install --no-index --find-links wheels --editable .": WITHOUT_NETWORK,
    "MNIST_NPZ=mnist.npz .venv/bin/python -m mnist_cnn.report": WITHOUT_NETWORK,
    ".venv/bin/python -m mnist_cnn.copies mine": WITHOUT_NETWORK,
    f"MNIST_NPZ=$PWD/mnist.npz .venv/bin/jupyter lab {FIRST_COPY}": WITHOUT_NETWORK,
    'python -m pip install -e ".[study]"': "test_what_an_extra_brings",
    '.venv/bin/python -m pip install -e ".[gpu]"': "test_what_an_extra_brings",
    'python -m pip install -e ".[export,backends]"': "test_what_an_extra_brings",
}
ELSEWHERE = {  # or why not
    "make test": ".ci/run calls it",
    ".venv/bin/python -m mnist_cnn.report": "test_report.py",
    "python -m pytest": "make test calls it",
    "make check": "a part of make test",
    "make rehearse": "by hand: it is all rehearsals",
    "make run": "python -m mnist_cnn, which test_series.py calls",
    "make notebooks": "python -m mnist_cnn --in-place, likewise",
    ".venv/bin/python -m mnist_cnn --jobs 1": "likewise",
    "make lab PYTHON=/path/to/python": "test_python_environments.py, with pythons that fit or not",
    "make study": "it trains for hours; test_study.py has a study of a few seeds",
    ".venv/bin/python -m mnist_cnn.study --recipes relu leaky_relu --seeds 16": "two hours, too",
    "make wasm": "test_matrix.py assembles the same",
    "python benchmarks/waits.py": "it needs an earlier version, and hours",
    "python benchmarks/page_training.py": "ten minutes, and npm; tests/browser trains in the page",
    "make tables": "it calls a script that test_tables.py tests",
    "make bench": "it measures for an hour; test_bench.py runs its parts",
    "python benchmarks/bench.py --ladder": "likewise",
    "MNIST_NPZ=/usr/share/datasets/fashion-mnist make lab": "test_other_images.py runs all "
    "notebooks on these images",
    "pip install .": "test_installation.test_lone_notebooks, with the wheel that it builds",
    "python -m pip install .": "likewise",
    'python -m pip install -e ".[test]"': "the same as make test installs",
    ".venv/bin/python -m pip install onnx tf2onnx onnxruntime ai-edge-litert": "make test "
    "installs the same",
    ".venv/bin/python -m pip install jax torch": ".ci/run installs JAX; PyTorch is too large",
    "apt install dataset-fashion-mnist": ".ci/run installs it",
    "apt install chromium": ".ci/run installs it",
    ".venv/bin/playwright install chromium": "it needs another host than PyPI",
    "conda env create -f environment.yml": "it needs conda's hosts; "
    "test_installation.test_the_packages_of_conda takes its list",
    "conda activate mnist-cnn": "likewise",
    "pre-commit install": "pre-commit is not installed; test_community.py reads its file",
}


def commands(page: str) -> list[str]:
    """The commands that a page prints.

    They are the lines of blocks without a language, and code in the text that begins like one.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"<!-- bench: .*?<!-- end of bench -->", "", text, flags=re.DOTALL)
    lines = []
    for language, block in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        if not language:
            lines += [line.strip() for line in block.splitlines() if line.strip()]
    prose = " ".join(re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE).split())
    return lines + [word for word in re.findall(r"`([^`]+)`", prose) if _PROGRAM.match(word)]


def test_every_command_is_executed_somewhere_or_has_a_reason() -> None:
    printed = {command for page in PAGES for command in commands(page)}
    known = QUICK | SERVERS | REHEARSED | ELSEWHERE
    assert len(known) == sum(map(len, (QUICK, SERVERS, REHEARSED, ELSEWHERE))), (
        "a command has two entries"
    )
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
    return os.environ | {
        "PATH": f"{copy / '.venv' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(copy.parent),
    }


@pytest.mark.slow
@pytest.mark.parametrize("command", QUICK)
def test_commands_that_end(copy: Path, command: str) -> None:
    shell = ["bash", "-c", command]
    done = subprocess.run(
        shell, cwd=copy, env=environment(copy), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and QUICK[command] in done.stdout, done.stdout + done.stderr


@contextmanager
def serving(command: str, says: str, log: Path, **options: object) -> Iterator[bool]:
    """Start a server, wait up to two minutes for its page to say this, and yield whether it did.

    Python's own server gets a port that is free, instead of 8000.
    """
    if "http.server" in command:
        command += f" {free_port()}"
    with log.open("w") as stream:
        shell = ["bash", "-c", f"exec env PYTHONUNBUFFERED=1 BROWSER=true {command}"]
        server = subprocess.Popen(shell, stdout=stream, stderr=stream, **options)
    answered = False
    deadline = time.monotonic() + 120
    try:
        while not answered and server.poll() is None and time.monotonic() < deadline:
            address = re.search(
                r"http://(?:127\.0\.0\.1|localhost|0\.0\.0\.0):\d+/[^\s)]*", log.read_text()
            )
            with suppress(OSError):
                if address:
                    with urllib.request.urlopen(address[0], timeout=10) as answer:  # noqa: S310
                        answered = says in answer.read().decode()
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        yield answered
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize("command", SERVERS)
def test_servers(copy: Path, command: str, tmp_path: Path) -> None:
    """They answer at the address that they print, or refuse root, who has another command."""
    (copy / "build" / "site").mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "mnist_cnn.copies", "mine"],
        cwd=copy,
        check=True,
        capture_output=True,
    )
    log = tmp_path / "log"
    with serving(command, SERVERS[command], log, cwd=copy, env=environment(copy)) as answered:
        refused = (
            "Running as root is not recommended. Use --allow-root to bypass." in log.read_text()
        )
        may_refuse = (
            os.geteuid() == 0
            and command.startswith("jupyter lab")
            and "--allow-root" not in command
        )
        assert answered or (may_refuse and refused), log.read_text()


# Commands that install something


def block(page: str, containing: str) -> list[str]:
    """The commands of the block that has this in it."""
    blocks = re.findall(
        r"^ *```\n(.*?)^ *```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    (found,) = [block for block in blocks if containing in block]
    return [line.strip() for line in found.splitlines()]


@pytest.mark.rehearsal
def test_without_make(newcomer: Newcomer) -> None:
    """But for the training runs of 04, which are there: they take some minutes more."""
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    for run in ("relu.npz", "leaky_relu.npz"):
        newcomer.copy(clone / "src" / "mnist_cnn" / "shipped_runs" / run, clone / "runs" / run)
    for_windows = block("README.md", "Scripts")
    assert for_windows[:2] == ["python -m venv .venv", ".venv\\Scripts\\activate"]
    lines = ["python3 -m venv .venv", "source .venv/bin/activate", *for_windows[2:]]
    lines += [
        "python -m mnist_cnn.copies mine",
        "python -m mnist_cnn.copies class",
        "python -m mnist_cnn",
    ]
    said = newcomer.run("bash", "-c", "set -e\n" + "\n".join(lines), folder=clone)
    assert len(re.findall(r"^\d\d_\w+ +done", said, re.MULTILINE)) == 8
    assert (clone / "build" / "08_room_for_improvement.html").exists()


@pytest.mark.rehearsal
def test_the_site_is_built_and_served(newcomer: Newcomer, tmp_path: Path) -> None:
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    build, serve = block("README.md", "make site")
    newcomer.run("bash", "-c", build, folder=clone)
    options = newcomer.popen_options(clone)
    with serving(serve, "How a network reads digits", tmp_path / "log", **options) as answered:
        assert answered


@pytest.mark.rehearsal
def test_laptops_without_a_network(newcomer: Newcomer) -> None:
    """The folder that the teaching page prepares, and a laptop on which pip can reach nothing."""
    prepare, use = (
        block("teaching/README.md", "pip download"),
        block("teaching/README.md", "--no-index"),
    )
    original = newcomer.clone(newcomer.folder / "server" / "mnist_cnn")
    newcomer.commit(original)
    prepare[0] = prepare[0].replace("<this repository>", str(original))
    newcomer.run("bash", "-c", "set -e\n" + "\n".join(prepare))
    for name in [name for name in newcomer.environment if name.startswith("PIP_")]:
        del newcomer.environment[name]
    newcomer.environment |= {"PIP_CONFIG_FILE": os.devnull, "https_proxy": "http://127.0.0.1:9"}
    shutil.rmtree(newcomer.home / ".keras")
    *use, lab = use
    said = newcomer.run(
        "bash", "-c", "set -e\n" + "\n".join(use), folder=newcomer.home / "mnist_cnn"
    )
    assert (
        "Full MNIST: 60,000 training and 10,000 test images, from the file that MNIST_NPZ names"
        in said
    )
    with Session(newcomer, ["bash", "-c", f"exec env {lab}"], newcomer.home / "mnist_cnn"):
        pass  # it has answered


@pytest.mark.rehearsal
@pytest.mark.parametrize(
    ("extra", "package"),
    [("study", "distributed"), ("gpu", "nvidia-cudnn-cu12"), ("export,backends", "onnxruntime")],
)
def test_what_an_extra_brings(newcomer: Newcomer, extra: str, package: str) -> None:
    """pip says what it would install; CUDA's packages alone are some gigabytes."""
    clone = newcomer.clone(newcomer.home / "mnist_cnn")
    newcomer.make_environment(clone / ".venv")
    (command,) = {command for command in commands("README.md") if f'".[{extra}]"' in command}
    command = f".venv/bin/{command.removeprefix('.venv/bin/')}".replace(
        "pip install", "pip install --dry-run"
    )
    assert package in newcomer.run("bash", "-c", command, folder=clone)
