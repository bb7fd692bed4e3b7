"""Nobody is let in: nothing is unpickled, no shell, no address but MNIST's, and JupyterLab for this machine alone."""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import nbformat
import psutil
import pytest

from test_notebooks import NOTEBOOKS, ROOT, code_cells

PACKAGE = sorted((ROOT / "src").rglob("*.py"))
SCRIPTS = sorted((ROOT / "src").rglob("*.js"))
KINDS = {".py", ".js", ".css", ".md", ".yml", ".toml", ".ipynb", ".json"}
NOT_OURS = {".venv", "build", "runs", "work", ".git"}
TEXTS = [path for path in ROOT.rglob("*") if path.suffix in KINDS and not NOT_OURS & set(path.parts[len(ROOT.parts) :])]

UNPICKLERS = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
NETWORK = {"requests", "urllib", "http", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "xmlrpc"}
SHELL = {"subprocess", "pty", "commands", "sh"}
CALLS = {"eval", "exec", "__import__", "import_module", "system", "popen", "get_ipython", "read_pickle",
         "model_from_json", "create_subprocess_shell", "create_subprocess_exec",
         "deserialize_keras_object", "enable_unsafe_deserialization"}  # fmt: skip


def dangers(code: str) -> list[str]:
    """What in Python code could run other code, unpickle, or reach out."""
    found = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            found += [name for name in names if name.split(".")[0] in UNPICKLERS | NETWORK | SHELL]
        if isinstance(node, ast.Call):
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            *_, name = ast.unparse(node.func).split(".")  # by whatever name the module goes
            if (
                name in CALLS
                or re.match(r"exec[lv]|spawn[lv]", name)
                or ast.unparse(node.func) == "compile"
                or (name == "load" and given.get("allow_pickle") != "False")
                or (name == "load_model" and (node.args or given))  # a run's own takes nothing
                or {("allow_pickle", "True"), ("safe_mode", "False"), ("shell", "True")} & given.items()
            ):
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("code", [
    "import pickle", "from urllib import request", "import subprocess as s", "eval('1')", "np.load(file)",
    "np.load(f, allow_pickle=True)", "keras.saving.load_model(f)", "keras.models.load_model(f, safe_mode=False)",
    "load(f, safe_mode=False)", "os.system('ls')", "get_ipython().system('ls')", "run(c, shell=True)",
    "pd.read_pickle(f)", "import os; os.execv('/bin/sh', [])",
    "from os import system; system('ls')", "from keras.saving import load_model; load_model(f)",
    "import os as o; o.system(c)", "from numpy import load; load(f)", "importlib.import_module('pickle')",
    "asyncio.create_subprocess_shell(c)"])  # fmt: skip
def test_dangers_are_recognised(code: str) -> None:
    assert dangers(code)


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: path.name)
def test_the_package_has_none(path: Path) -> None:
    assert dangers(path.read_text()) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_notebooks_have_none(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    solutions = re.findall(r"```python\n(.*?)```", notebook.cells[-1].source, re.DOTALL)
    for code in [cell.source for cell in code_cells(notebook)] + solutions:
        assert dangers(code) == [] and "://" not in code


def test_the_scripts_for_the_browser_reach_nowhere() -> None:
    assert SCRIPTS
    reach = r"fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|\beval\(|new Function|https?://"
    for path in SCRIPTS:
        assert not re.findall(reach, path.read_text()), path


def test_no_credentials_and_no_address_in_the_package() -> None:
    assert len(TEXTS) > 40
    secret = (r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|hf_\w{30}|xox[bp]-\w+|-----BEGIN [A-Z ]*PRIVATE KEY|"
              r"(?i:password|passwd|secret|api_key)\s*[=:]\s*['\"]\w")  # fmt: skip
    for path in TEXTS:
        assert not re.findall(secret, path.read_text()) or path == Path(__file__), path
        if path.is_relative_to(ROOT / "src") and "egg-info" not in str(path):
            assert not re.findall(r"\w+://", path.read_text()), path


def test_nothing_that_can_carry_code_is_shipped() -> None:
    kinds = {path.suffix for path in (ROOT / "src" / "mnist_cnn").rglob("*") if path.is_file()} - {".pyc"}
    assert kinds <= {".py", ".js", ".css", ".json", ".npz", ""}


def test_keras_is_one_without_known_holes() -> None:
    assert (3, 15) <= tuple(map(int, version("keras").split(".")[:2])) < (4,)


def python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


LISTEN = """
import sys
asked = []
def listen(event, arguments):
    if arguments[:1] == ("uname",):  # Python's own module `platform` starts it
        return
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen", "os.system"):
        asked.append(str(arguments[:2]))
        if event == "socket.getaddrinfo":
            raise OSError("not from this test")
sys.addaudithook(listen)
"""


def test_training_and_looking_ask_for_no_address_and_start_no_process(tmp_path) -> None:
    code = LISTEN + (
        "from mnist_cnn.data import load_mnist\n"
        "from mnist_cnn.training import train\n"
        "from mnist_cnn.models import predict\n"
        "from mnist_cnn.widgets import ConfusionExplorer, DrawingPad, EpochScrubber, LiveCurves, PredictionBrowser\n"
        "digits = load_mnist(source='sample')\n"
        "run = train('improved', digits, epochs=1, progress=LiveCurves())\n"
        "probabilities = predict(run.load_model(), digits.x_test)\n"
        "PredictionBrowser(digits.x_test, digits.y_test, {'improved': probabilities})\n"
        "ConfusionExplorer(digits.x_test, digits.y_test, probabilities.argmax(axis=1))\n"
        "DrawingPad(run.load_model())\n"
        "import os; print(asked, os.environ['ENABLE_RUNTIME_UPTIME_TELEMETRY'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    assert python(code, environment | {"MNIST_CNN_RUNS": str(tmp_path)}).splitlines()[-1] == "[] 0"


def test_the_only_address_is_that_of_keras_download(tmp_path) -> None:
    code = LISTEN + "from mnist_cnn.data import load_mnist\nprint('\\nthen', load_mnist().source, *asked, sep='\\n')\n"
    hidden = {"MNIST_NPZ", *(name for name in os.environ if name.lower().endswith("_proxy"))}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    said = python(code, environment | {"KERAS_HOME": str(tmp_path)}).splitlines()
    source, *asked = said[said.index("then") + 1 :]
    assert source == "sample" and set(asked) == {"('storage.googleapis.com', 443)"}


def test_make_lab_listens_to_this_machine_alone_and_asks_for_its_token(tmp_path) -> None:
    """As the Makefile starts it, but for the browser."""
    (tmp_path / "runtime").mkdir()
    make = ["make", "--no-print-directory", "-n", "-o", ".venv/installed", "lab"]
    lines = subprocess.run(make, cwd=ROOT, capture_output=True, text=True).stdout
    (command,) = (shlex.split(line) for line in lines.replace("\\\n", " ").splitlines() if "jupyter lab" in line)
    assert command[:2] == [".venv/bin/jupyter", "lab"]
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in command  # else it asks PyPI
    assert not re.search(r"0\.0\.0\.0|token|password|allow_origin|disable_check_xsrf|--ip|allow-root", lines)
    own = {f"JUPYTER_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    extra = ["--no-browser"] + (["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-m", "jupyter", *command[1:], *extra], cwd=ROOT,
                                  env=dict(os.environ) | own, stdout=log, stderr=log)  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not (found := list((tmp_path / "runtime").glob("jpserver-*.json"))) and server.poll() is None:
            assert time.monotonic() < deadline
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        info = json.loads(found[0].read_text())
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        listening = {socket.laddr.ip for process in processes for socket in process.net_connections()}
        assert listening and listening <= {"127.0.0.1", "::1"}
        assert len(info["token"]) >= 32

        def status(path: str) -> int:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{info['port']}{path}", timeout=30) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        assert status("/api/contents") == 403 and status("/lab/api/settings") == 403
        assert status(f"/api/contents?token={info['token']}") == 200
        assert status(f"/lab/api/update?token={info['token']}") == 200
    finally:
        server.terminate()
        server.wait(30)
