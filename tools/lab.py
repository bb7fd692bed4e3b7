"""Start JupyterLab, and use its notebooks in headless Chromium."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import nbformat
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from playwright.sync_api import Browser, ConsoleMessage, Playwright, WebSocket, sync_playwright

ROOT = Path(__file__).parents[1]
NO_CHROMIUM = (
    "there is no Chromium here: apt install chromium, or `.venv/bin/playwright install chromium`"
)

# Runs all cells. `window.ran` resolves to a list of what went wrong when the last cell has run, or
# after fifteen minutes. It waits for the kernel first: "Run All" alone loses cells.
_RUN_ALL = """() => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  const errorsOf = (cell) => cell.model.outputs.toJSON()
    .filter((output) => output.output_type === 'error')
    .map((output) => output.evalue);
  const run = async () => {
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    await app.commands.execute('notebook:run-all-cells');
    const cells = panel.content.widgets.filter((cell) => cell.model.type === 'code');
    const notRun = cells.filter((cell) => !cell.model.executionCount);
    return [
      ...cells.flatMap(errorsOf),
      ...notRun.map((cell) => 'not run: ' + cell.model.sharedModel.source),
    ];
  };
  const timeout = new Promise((resolve) => {
    setTimeout(() => resolve(['not done in fifteen minutes']), 900_000);
  });
  window.ran = Promise.race([run(), timeout]);
}"""


class Server:
    """A running JupyterLab, which ends when the context is left.

    Args:
        command: The command that starts it.
        address: The address at which it answers, without a slash at the end.
        token: The token that requests must carry.
        log: The file for what it prints.
        options: Options of Popen.
    """

    def __init__(self, command: list[str], address: str, token: str, log: Path, **options: Any):
        self.address = address
        self.token = token
        self.log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, **options
            )
        self._wait_until_it_answers()

    def _wait_until_it_answers(self) -> None:
        """Wait for up to a minute.

        Raises:
            RuntimeError: The server does not answer. The message holds the log.
        """
        deadline = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError):
                self.ping()
                return
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def ping(self) -> None:
        """Ask the server for its status.

        Raises:
            OSError: The server does not answer.
        """
        url = f"{self.address}/api/status?token={self.token}"
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310

    def stop(self) -> None:
        """End the server, and wait until it has ended."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """Find a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Lab(Server):
    """JupyterLab on a free port, for this machine only, with copies of the notebooks.

    Args:
        folder: An empty folder for notebooks, settings, runs and the log.
        environment: The environment variables of the server and its kernels. Those that name
            folders of Jupyter and of runs are replaced.
    """

    def __init__(self, folder: Path, environment: dict[str, str]):
        copy_notebooks(folder / "notebooks")
        turn_off_notifications(folder / "settings")
        folders = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "MNIST_CNN_RUNS": "runs",
        }
        port = free_port()
        token = secrets.token_hex(16)
        command = [
            sys.executable,
            "-m",
            "jupyterlab",
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={folder}",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.extension_manager=readonly",
        ]
        super().__init__(
            command,
            f"http://127.0.0.1:{port}",
            token,
            folder / "log.txt",
            env=environment | {name: str(folder / place) for name, place in folders.items()},
        )


def copy_notebooks(target: Path) -> None:
    """Copy the folder of the notebooks, and remove their outputs."""
    shutil.copytree(ROOT / "notebooks", target, ignore=shutil.ignore_patterns(".*"))
    for path in target.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = []
                cell.execution_count = None
        nbformat.write(notebook, path)


def turn_off_notifications(settings: Path) -> None:
    """Tell JupyterLab, in its folder of settings, not to fetch news or to look for updates."""
    file = settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
    file.write_text(json.dumps(quiet))


class Notebook:
    """A notebook that is open in JupyterLab; it collects the errors that appear there.

    Args:
        browser: The browser that opens the notebook.
        server: A running JupyterLab.
        name: The name of the notebook, without its ending.
        folder: The notebook's folder on the server: empty, or with a slash at the end.
    """

    def __init__(self, browser: Browser, server: Server, name: str, folder: str = "notebooks/"):
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, has_touch=True)
        page.set_default_timeout(30_000)
        self.page = page
        self._log = server.log
        self.complaints: list[str] = []  # errors from the browser's console and from the kernel
        self.redrawn = 0  # how often a figure was replaced by another
        page.on("console", self._record_console_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", self._listen_to_kernel)
        page.goto(f"{server.address}/lab/tree/{folder}{name}.ipynb?token={server.token}&reset")
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")

    def _record_console_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _listen_to_kernel(self, websocket: WebSocket) -> None:
        """Record what a kernel sends; JupyterLab has other WebSockets, too, as for its events."""
        if "/api/kernels/" in websocket.url:
            websocket.on("framereceived", self._record_kernel_message)

    def _record_kernel_message(self, frame: str | bytes) -> None:
        """Record errors and warnings, as those of callbacks appear nowhere else."""
        message_type, content = parse_kernel_message(frame)
        if message_type == "update_display_data":
            self.redrawn += 1
        elif message_type == "error":
            self.complaints.append(f"{content['ename']}: {content['evalue']}")
        elif message_type == "stream" and content["name"] == "stderr":
            # JupyterLab asks each fresh kernel for its widgets, before ipywidgets is imported there
            lines = content["text"].splitlines()
            self.complaints += [line for line in lines if not line.startswith("No such comm")]

    def start_all(self) -> None:
        """Start to run all cells."""
        self.page.evaluate(_RUN_ALL)

    def finish(self) -> list[str]:
        """Wait until all cells have run; return the errors."""
        return self.page.evaluate("() => window.ran")

    def run_all(self) -> list[str]:
        """Run all cells; return the errors."""
        self.start_all()
        return self.finish()

    def shut_down(self) -> None:
        """Shut down all kernels, and close the page."""
        self.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
        self.page.close()

    def all_complaints(self) -> list[str]:
        """The errors from the browser's console, from the kernel and in the server's log."""
        logged = [
            line
            for line in self._log.read_text().splitlines()
            if line.startswith(("[E ", "[C ", "Traceback"))
        ]
        return self.complaints + logged


def parse_kernel_message(frame: str | bytes) -> tuple[str, dict[str, Any]]:
    """Parse what a kernel sends to JupyterLab through a WebSocket.

    Args:
        frame: A message in the protocol v1.kernel.websocket.jupyter.org, which is binary, or in the
            older one, which is JSON.

    Returns:
        The type and the content of the message.
    """
    if isinstance(frame, str):
        message = json.loads(frame)
        return message["header"]["msg_type"], message["content"]
    _, (header, _, _, content, *_) = deserialize_msg_from_ws_v1(frame)
    return json.loads(header)["msg_type"], json.loads(content)


@contextmanager
def launch() -> Iterator[Browser | None]:
    """Launch headless Chromium that reaches nothing but this machine; None if there is no Chromium.

    It is the system's Chromium or Chrome, or the one that Playwright installs.
    """
    arguments = [
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # or it does not start for root, as in CI
    with sync_playwright() as playwright:
        executable = find_chromium(playwright)
        if executable is None:
            yield None
        else:
            with playwright.chromium.launch(executable_path=executable, args=arguments) as browser:
                yield browser


def find_chromium(playwright: Playwright) -> str | None:
    """The path of the first Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    for name in (*names, playwright.chromium.executable_path):
        if path := shutil.which(name):
            return path
    return None
