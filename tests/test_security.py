"""Nobody is let in: nothing is unpickled, no shell, no address but MNIST's, and JupyterLab for this machine alone."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import nbformat
import psutil
import pytest

from mnist_cnn.copies import MINE, STUDENT, TEACHER, copy_to_work_in
from mnist_cnn.views.bundle import BROWSER, bundle

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "src" / "mnist_cnn").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
KINDS = {".py", ".js", ".css", ".md", ".yml", ".toml", ".ipynb", ".json"}
NOT_OURS = {".venv", "build", "runs", ".git", MINE, STUDENT, TEACHER}
TEXTS = [path for place in ROOT.iterdir() if place.name not in NOT_OURS
         for path in [place, *place.rglob("*")] if path.suffix in KINDS and path.is_file()]  # fmt: skip

DANGERS = re.compile(
    r"allow_pickle\s*=(?!\s*False)|safe_mode|model_from_json|deserializ|cloudpickle"
    r"|joblib(?! import cpu_count\n)"  # whose load unpickles
    r"|\bload_model\b(?!\(\)|\(self\))"  # the method of a run takes no file
    r"|__import__|import_module|(?<![.\w])compile\(|get_ipython|create_subprocess|^\s*[!%]"
    r"|^\s*(?:import|from)\s+(?:subprocess|pty|requests|urllib|http|httpx|aiohttp|ftplib|smtplib|xmlrpc)\b",
    re.MULTILINE,
)
"""What ruff's rules about security leave out."""


def code_of(path: Path) -> str:
    """The code of a module, or that of a notebook with its folded solutions."""
    if path.suffix == ".py":
        return path.read_text()
    cells = nbformat.read(path, as_version=4).cells
    solutions = [
        code
        for cell in cells
        for code in re.findall(r"```python\n(.*?)```", cell.source, re.DOTALL)
    ]
    assert solutions, path
    return "\n\n".join([cell.source for cell in cells if cell.cell_type == "code"] + solutions)


def ruff(*arguments: str, code: str | None = None) -> str:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--output-format",
        "concise",
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, input=code, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "place", ["src/mnist_cnn/scratch.py", "tests/scratch.py", "notebooks/scratch.ipynb"]
)
def test_ruff_is_configured_to_complain_about_dangers(place: str) -> None:
    lines = {
        "S301": "import pickle; pickle.load(f)",
        "S307": "eval(text)",
        "S102": "exec(text)",
        "S602": "import subprocess; subprocess.run(text, shell=True)",
        "S605": "import os; os.system(text)",
        "S310": "import urllib.request; urllib.request.urlopen(text)",
    }
    code = "\n".join(lines.values())
    if place.endswith(".ipynb"):
        code = nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)]))
    said = ruff("--force-exclude", "--stdin-filename", place, "-", code=code)
    assert {rule for rule in lines if f" {rule} " in said} == set(lines), said


def test_ruff_finds_no_danger_even_where_it_is_told_to_look_away(tmp_path) -> None:
    for path in [*PACKAGE, *NOTEBOOKS]:
        (tmp_path / f"{path.stem}.py").write_text(code_of(path))
    options = ["--isolated", "--ignore-noqa", "--select", "S", "--ignore", "S101,S311"]
    said = ruff(*options, str(tmp_path))
    assert len(list(tmp_path.iterdir())) > 20 and said == "All checks passed!\n"


@pytest.mark.parametrize("code", [
    "np.load(f, allow_pickle=True)", "load(f, allow_pickle = flag)", "keras.saving.load_model(f)",
    "from keras.saving import load_model as l", "load(f, safe_mode=False)", "keras.saving.deserialize_keras_object(c)",
    "import joblib", "from joblib import cpu_count, load",
    "importlib.import_module('pickle')", "compile(c, '', 'exec')", "create_subprocess_shell(c)",
    "if now:\n    get_ipython().system('ls')", "x = 1\n!ls", "%%bash\nls", "from urllib import request",
    "if now:\n    import subprocess as s"])  # fmt: skip
def test_other_dangers_are_recognised(code: str) -> None:
    assert DANGERS.search(code)


@pytest.mark.parametrize("path", [*PACKAGE, *NOTEBOOKS], ids=lambda path: path.name)
def test_package_and_notebooks_have_none_and_no_address(path: Path) -> None:
    assert not DANGERS.search(code_of(path)) and "://" not in code_of(path)


def test_the_scripts_for_the_browser_reach_nowhere() -> None:
    reach = r"fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|\beval\(|new Function|\w+://"
    style = (BROWSER / "views.css").read_text()
    assert not re.findall(reach, bundle()) and not re.findall(
        reach, style.replace("@import", "import")
    )


def test_no_file_holds_credentials() -> None:
    assert len(TEXTS) > 40
    forms = (r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|hf_\w{30}|xox[bp]-\w+|-----BEGIN [A-Z ]*PRIVATE "
             r"KEY|"
             r"(?i:password|passwd|secret|api_key)\s*[=:]\s*['\"]\w")  # fmt: skip
    for path in TEXTS:
        assert not re.findall(forms, path.read_text()) or path == Path(__file__), path


def test_nothing_that_can_carry_code_is_shipped() -> None:
    kinds = {path.suffix for path in (ROOT / "src" / "mnist_cnn").rglob("*") if path.is_file()} - {
        ".pyc"
    }
    assert kinds <= {".py", ".js", ".css", ".npz", ".toml"}


def python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LISTEN = """
import sys
asked = []
def listen(event, arguments):
    if arguments[:1] in (("uname",), ("lscpu",)):  # which Python's `platform` and NumPy 2.0 start
        return
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system"):
        asked.append(str(arguments[:2]))
        if event == "socket.getaddrinfo":
            raise OSError("not from this test")
sys.addaudithook(listen)
"""


@pytest.mark.slow
def test_the_only_address_is_that_of_keras_download_and_nothing_starts_a_process(tmp_path) -> None:
    """Neither does training, nor looking."""
    code = LISTEN + (
        "import json, os\n"
        "from dataclasses import replace\n"
        "from mnist_cnn.data import load_images\n"
        "digits = load_images()\n"
        "download = list(asked)\n"
        "asked.clear()\n"
        "from mnist_cnn.training import train\n"
        "from mnist_cnn.models import predict\n"
        "from mnist_cnn.plots import LiveCurves\n"
        "from mnist_cnn.views import *\n"
        "digits = replace(digits, x_train=digits.x_train[:500], y_train=digits.y_train[:500])\n"
        "run = train('improved', digits, epochs=1, progress=LiveCurves())\n"
        "probabilities = predict(run.load_model(), digits.x_test)\n"
        "PredictionBrowser(digits.x_test, digits.y_test, {'improved': probabilities})\n"
        "ConfusionExplorer(digits.x_test, digits.y_test, probabilities.argmax(axis=1))\n"
        "EpochScrubber(run, digits.x_train[450:], digits.y_train[450:])\n"
        "DrawingPad(run.load_model())\n"
        "FeatureMaps(run.load_model(), digits.x_test, digits.y_test)\n"
        "print(json.dumps([digits.source, download, asked, os.environ['ENABLE_RUNTIME_UPTIME_TELEMETRY']]))\n"
    )
    hidden = {
        "MNIST_NPZ",
        *(name for name in os.environ if name.lower().endswith("_proxy") or "TELEMETRY" in name),
    }
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    said = python(
        code, environment | {"KERAS_HOME": str(tmp_path), "MNIST_CNN_RUNS": str(tmp_path)}
    ).splitlines()[-1]
    source, download, asked, telemetry = json.loads(said)
    assert source == "sample" and set(download) == {"('storage.googleapis.com', 443)"}
    assert asked == [] and telemetry == "0"


@pytest.mark.slow
def test_make_lab_listens_to_this_machine_alone_and_asks_for_its_token(tmp_path) -> None:
    """As the Makefile starts it, but for the browser."""
    shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("runs", ".*")
    )
    copy_to_work_in(tmp_path)
    (tmp_path / "runtime").mkdir()
    make = ["make", "--no-print-directory", "-n", "-o", ".venv/installed", "lab"]
    lines = subprocess.run(make, cwd=ROOT, capture_output=True, text=True).stdout
    (command,) = (
        shlex.split(line)
        for line in lines.replace("\\\n", " ").splitlines()
        if "jupyter lab" in line
    )
    assert command[:2] == [".venv/bin/jupyter", "lab"]
    # Else it asks PyPI
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in command
    assert not re.search(
        r"0\.0\.0\.0|token|password|allow_origin|disable_check_xsrf|--ip|allow-root", lines
    )
    own = {
        f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower())
        for kind in ("CONFIG", "DATA", "RUNTIME")
    }
    extra = ["--no-browser"] + (
        ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    )
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyter", *command[1:], *extra], cwd=tmp_path,
                                  env=dict(os.environ) | own, stdout=log, stderr=log)  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while (
            not (found := list((tmp_path / "runtime").glob("jpserver-*.json")))
            and server.poll() is None
        ):
            assert time.monotonic() < deadline
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        info = json.loads(found[0].read_text())
        processes = [
            psutil.Process(server.pid),
            *psutil.Process(server.pid).children(recursive=True),
        ]
        listening = {
            socket.laddr.ip for process in processes for socket in process.net_connections()
        }
        assert listening and listening <= {"127.0.0.1", "::1"}
        assert len(info["token"]) >= 32

        def status(path: str) -> int:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{info['port']}{path}", timeout=30
                ) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        assert status("/api/contents") == 403 and status("/lab/api/settings") == 403
        assert status(f"/api/contents?token={info['token']}") == 200
        assert status(f"/lab/api/update?token={info['token']}") == 200
    finally:
        server.terminate()
        server.wait(30)
