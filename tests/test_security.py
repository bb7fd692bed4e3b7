"""Nothing is unpickled, no shell is called, only MNIST is downloaded, and JupyterLab is private."""

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookiejar import CookieJar
from pathlib import Path

import nbformat
import psutil
import pytest

from fresh_python import printed_by_python
from mnist_cnn.copies import MINE, STUDENT, TEACHER, copy_to_work_in
from mnist_cnn.views.bundle import BROWSER, bundle
from notebook_files import NOTEBOOKS, code_cells
from repository import NEEDS_MAKE, ROOT, make_commands

PACKAGE = sorted((ROOT / "src" / "mnist_cnn").rglob("*.py"))

# What ruff's rules about security (S) do not find
DANGERS = re.compile(
    r"allow_pickle\s*=(?!\s*False)|safe_mode|model_from_json|deserializ|cloudpickle"
    r"|joblib(?! import cpu_count\n)"  # whose load unpickles
    r"|\bload_model\b(?!\(\)|\(self\))"  # the method of a run takes no file
    r"|__import__|import_module|(?<![.\w])compile\(|create_subprocess|get_ipython|^\s*[!%]"
    r"|^\s*(?:import|from)\s+(?:pty|requests|http|httpx|aiohttp|smtplib|xmlrpc)\b",
    re.MULTILINE,
)


def code_of(path: Path) -> str:
    """The code of a module, or that of a notebook with its folded solutions."""
    if path.suffix == ".py":
        return path.read_text()
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    solutions = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert solutions, path
    return "\n\n".join([cell.source for cell in code_cells(notebook)] + solutions)


def ruff(*arguments: str, code: str | None = None) -> str:
    """What ruff says of files, or of code."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    return subprocess.run(
        [*command, *arguments], cwd=ROOT, input=code, capture_output=True, text=True
    ).stdout


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


def test_ruff_finds_no_danger_where_a_comment_or_a_folded_solution_may_hide_it(
    tmp_path: Path,
) -> None:
    """In package and notebooks, calls of other programs included."""
    for path in [*PACKAGE, *NOTEBOOKS]:
        copy = tmp_path / path.relative_to(ROOT).with_suffix(".py")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(code_of(path))
    assert len([*PACKAGE, *NOTEBOOKS]) > 20, "they have moved"
    options = ["--isolated", "--ignore-noqa", "--select", "S", "--ignore", "S101,S311"]
    found = [line for line in ruff(*options, str(tmp_path)).splitlines() if ": S" in line]
    # It starts Python, for programs that stand in cells of notebook 09, and for modules of its own
    started = [line for line in found if "processes.py" in line and "S603" in line]
    assert found == started and len(started) == 2
    (processes,) = (path for path in PACKAGE if path.name == "processes.py")
    assert code_of(processes).count("command = [sys.executable, ") == 2


OVERLOOKED_BY_RUFF = [
    "np.load(f, allow_pickle=True)",
    "load(f, allow_pickle = flag)",
    "keras.saving.load_model(f)",
    "from keras.saving import load_model as l",
    "load(f, safe_mode=False)",
    "keras.saving.deserialize_keras_object(c)",
    "import joblib",
    "from joblib import cpu_count, load",
    "importlib.import_module('pickle')",
    "compile(c, '', 'exec')",
    "create_subprocess_shell(c)",
    "if now:\n    get_ipython().system('ls')",
    "if now:\n    from http import client",
]
NOT_PYTHON = ["x = 1\n!ls", "%%bash\nls"]  # but IPython


def test_ruff_overlooks_what_is_searched_for_here() -> None:
    code = "\n".join(OVERLOOKED_BY_RUFF)
    assert ruff("--isolated", "--select", "S", "-", code=code) == "All checks passed!\n"


@pytest.mark.parametrize("code", OVERLOOKED_BY_RUFF + NOT_PYTHON)
def test_dangers_that_ruff_overlooks_are_recognised(code: str) -> None:
    assert DANGERS.search(code)


@pytest.mark.parametrize("path", [*PACKAGE, *NOTEBOOKS], ids=lambda path: path.name)
def test_package_and_notebooks_have_no_such_danger_and_no_address(path: Path) -> None:
    # What notebooks 04 and 09 load is the file that they have just saved
    code = code_of(path).replace("again = keras.models.load_model(file)\n", "")
    code = code.replace('model = keras.saving.load_model("digits.keras")\n', "")
    assert not DANGERS.search(code) and "://" not in code


@pytest.mark.parametrize("module", ["views", "trainer", "training_worker"])
def test_the_scripts_for_the_browser_access_no_network(module: str) -> None:
    reach = (
        r"fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\b|\beval\(|new Function"
        r"|\w+://"
    )
    style = (BROWSER / "views.css").read_text()
    code = bundle(module)
    code = code.replace("http://www.w3.org/2000/svg", "")  # the name of a kind of elements
    code = re.sub('"import (keras|numpy as np)",|import layers"', "", code)  # text to download
    assert not re.findall(reach, code)
    assert not re.findall(reach, style.replace("@import", "import"))


def text_files() -> list[Path]:
    """The texts of the repository, without what is made or installed there."""
    kinds = {".py", ".js", ".css", ".md", ".yml", ".toml", ".ipynb", ".json"}
    not_ours = {".venv", "build", "runs", ".git", MINE, STUDENT, TEACHER}
    found = []
    for place in ROOT.iterdir():
        if place.name not in not_ours:
            found += [path for path in (place, *place.rglob("*")) if path.suffix in kinds]
    return [path for path in found if path.is_file()]


def test_no_file_holds_credentials() -> None:
    forms = (
        r"AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|hf_\w{30}|xox[bp]-\w+|-----BEGIN [A-Z ]*PRIVATE KEY"
        r"|(?i:password|passwd|secret|api_key)\s*[=:]\s*['\"]\w"
    )
    files = text_files()
    assert len(files) > 40
    for path in files:
        assert not re.search(forms, path.read_text()) or path == Path(__file__), path


def test_nothing_that_can_carry_code_is_shipped() -> None:
    files = [path for path in (ROOT / "src" / "mnist_cnn").rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files} - {".pyc"}
    assert kinds <= {".py", ".js", ".css", ".json", ".npz", ".wat", ".wasm"}
    # tests/test_matrix.py assembles it from the text beside it
    assert [path.name for path in files if path.suffix == ".wasm"] == ["matrix.wasm"]


RECORD_CONNECTIONS_AND_PROCESSES = """
import sys
asked = []
watched = {
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "subprocess.Popen",
    "os.system",
}
def listen(event, arguments):
    if arguments[:1] in (("uname",), ("lscpu",)):  # which Python's `platform` and NumPy 2.0 start
        return
    if event in watched:
        asked.append(str(arguments[:2]))
        if event == "socket.getaddrinfo":
            raise OSError("not from this test")
sys.addaudithook(listen)
"""
USE_EVERYTHING = """
import json, os
from dataclasses import replace
from mnist_cnn.data import load_images
digits = load_images()
download = list(asked)
asked.clear()
from mnist_cnn.training import train
from mnist_cnn.models import predict
from mnist_cnn.plots import LiveCurves
from mnist_cnn.views import *
digits = replace(digits, x_train=digits.x_train[:500], y_train=digits.y_train[:500])
run = train("improved", digits, epochs=1, progress=LiveCurves())
probabilities = predict(run.load_model(), digits.x_test)
PredictionBrowser(digits.x_test, digits.y_test, {"improved": probabilities})
ConfusionExplorer(digits.x_test, digits.y_test, probabilities.argmax(axis=1))
EpochScrubber(run, digits.x_train[450:], digits.y_train[450:])
DrawingPad(run.load_model())
FeatureMaps(run.load_model(), digits.x_test, digits.y_test)
Trainer(digits.x_train, digits.y_train, digits.x_test, digits.y_test)
telemetry = os.environ["ENABLE_RUNTIME_UPTIME_TELEMETRY"]
print(json.dumps([digits.source, download, asked, telemetry]))
"""


@pytest.mark.slow
def test_the_only_address_is_that_of_keras_download_and_nothing_starts_a_process(
    tmp_path: Path,
) -> None:
    """Neither does training, nor looking at digits and networks."""
    hidden = {"MNIST_NPZ"}
    hidden |= {name for name in os.environ if name.lower().endswith("_proxy")}
    hidden |= {name for name in os.environ if "TELEMETRY" in name}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"KERAS_HOME": str(tmp_path), "MNIST_CNN_RUNS": str(tmp_path)}
    printed = printed_by_python(RECORD_CONNECTIONS_AND_PROCESSES + USE_EVERYTHING, environment)
    source, download, asked, telemetry = json.loads(printed.splitlines()[-1])
    assert source == "sample" and set(download) == {"('storage.googleapis.com', 443)"}
    assert asked == [] and telemetry == "0"


def listening(process: psutil.Process) -> set[str]:
    """The addresses on which a process and those that it started listen."""
    processes = [process, *process.children(recursive=True)]
    sockets = [socket for each in processes for socket in each.net_connections()]
    return {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN}


@contextmanager
def jupyterlab(folder: Path, command: list[str]) -> Iterator[tuple[psutil.Process, dict]]:
    """Start JupyterLab in a folder; yield its process, and what it says of itself."""
    places = ("CONFIG", "DATA", "RUNTIME")
    own = {f"JUPYTER_{place}_DIR": str(folder / place.lower()) for place in places}
    (folder / "runtime").mkdir()
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        process = psutil.Process(server.pid)
        # It writes what it says of itself before it listens
        while not list((folder / "runtime").glob("jpserver-*.json")) or not listening(process):
            assert server.poll() is None and time.monotonic() < deadline, "it did not start"
            with suppress(subprocess.TimeoutExpired):
                server.wait(0.1)
        (about,) = (folder / "runtime").glob("jpserver-*.json")
        yield process, json.loads(about.read_text())
    finally:
        server.terminate()
        server.wait(30)


@NEEDS_MAKE
@pytest.mark.slow
def test_make_lab_listens_to_this_machine_alone_and_asks_for_its_token(tmp_path: Path) -> None:
    """As the Makefile starts it, but without a browser."""
    shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns("runs", ".*")
    )
    copy_to_work_in(tmp_path)
    (command,) = (shlex.split(line) for line in make_commands("lab") if "jupyter lab" in line)
    program, *arguments = command
    assert program == ".venv/bin/jupyter" and "--allow-root" not in arguments
    # Otherwise it asks PyPI, which cannot be observed here
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in arguments
    arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")

    with jupyterlab(tmp_path, [sys.executable, "-m", "jupyter", *arguments]) as (process, info):
        assert listening(process) <= {"127.0.0.1", "::1"}
        assert len(info["token"]) >= 32

        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

        def status(path: str, data: bytes | None = None, **headers: str) -> int:
            """What the server answers to a browser that keeps its cookies."""
            address = f"http://127.0.0.1:{info['port']}{path}"
            request = urllib.request.Request(address, data, headers)
            try:
                with browser.open(request, timeout=30) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code

        assert status("/api/contents") == 403 and status("/lab/api/settings") == 403
        assert status(f"/lab/api/update?token={info['token']}") == 200
        assert status(f"/lab?token={info['token']}") == 200  # sets the cookie of a session
        assert status("/api/contents") == 200
        assert status("/api/contents", Origin="http://example.org") == 404  # another site's page
        assert status("/api/contents", data=b"{}") == 403  # without the token against forgery
