"""Start JupyterLab and use it in headless Chromium."""

import json
import os
import re
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
from typing import Self

import nbformat
from playwright.sync_api import Browser, expect, sync_playwright

ROOT = Path(__file__).parents[2]
NO_CHROMIUM = (
    "there is no Chromium here: apt install chromium, or `.venv/bin/playwright install chromium`"
)

# Runs all cells, for at most fifteen minutes; `window.ran` resolves when the last one has run, to
# what went wrong. It waits for the kernel first: "Run All" alone loses cells.
_RUN_ALL = """() => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  const run = async () => {
    await panel.context.ready;
    await panel.sessionContext.ready;
    await panel.sessionContext.session.kernel.info;
    await app.commands.execute('notebook:run-all-cells');
    const cells = panel.content.widgets.filter((cell) => cell.model.type === 'code');
    return cells.flatMap((cell) => [
      ...cell.model.outputs.toJSON().filter((output) => output.output_type === 'error').map((output) => output.evalue),
      ...(cell.model.executionCount ? [] : ['not run: ' + cell.model.sharedModel.source]),
    ]);
  };
  const late = new Promise((done) => setTimeout(() => done(['not done in fifteen minutes']), 900_000));
  window.ran = Promise.race([run(), late]);
}"""


class Server:
    """A running JupyterLab: its address, its token and its log; a context manager that stops it."""

    def __init__(self, command: list[str], address: str, token: str, log: Path, **options: object):
        self.address, self.token, self.log = address, token, log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, **options
            )
        self._wait()

    def _wait(self) -> None:
        """Wait until it answers; a server that ended has said why in its log."""
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
        """Ask the server whether it is there; an OSError if not."""
        urllib.request.urlopen(f"{self.address}/api/status?token={self.token}", timeout=5).close()  # noqa: S310

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Lab(Server):
    """JupyterLab with copies of the notebooks, on a free port, for this machine only."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        shutil.copytree(
            ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*")
        )
        for path in (folder / "notebooks").glob("*.ipynb"):
            notebook = nbformat.read(path, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            nbformat.write(notebook, path)
        quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}
        settings = (
            folder
            / "settings"
            / "@jupyterlab"
            / "apputils-extension"
            / "notification.jupyterlab-settings"
        )
        settings.parent.mkdir(parents=True)
        settings.write_text(json.dumps(quiet))
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "MNIST_CNN_RUNS": "runs",
        }
        port, token = free_port(), secrets.token_hex(16)
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
                   f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
                   f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
                   "--LabApp.extension_manager=readonly"]  # fmt: skip
        environment = environment | {name: str(folder / place) for name, place in own.items()}
        super().__init__(
            command, f"http://127.0.0.1:{port}", token, folder / "log.txt", env=environment
        )


class Notebook:
    """A notebook on a page of JupyterLab, and everything that went wrong there."""

    def __init__(self, browser: Browser, server: Server, name: str, folder: str = "notebooks/"):
        page = browser.new_page(viewport={"width": 1280, "height": 1000}, has_touch=True)
        page.set_default_timeout(30_000)
        # 5 s, as it is otherwise, is too short on a busy machine
        expect.set_options(timeout=30_000)
        self.page, self._log = page, server.log
        self.complaints: list[str] = []
        self.redrawn = 0  # how often a figure was replaced by another
        page.on(
            "console",
            lambda message: message.type == "error" and self.complaints.append(message.text),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", lambda socket: socket.on("framereceived", self._listen))
        page.goto(f"{server.address}/lab/tree/{folder}{name}.ipynb?token={server.token}&reset")
        page.wait_for_selector(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")

    def _listen(self, message: str | bytes) -> None:
        """Read what the kernel sends: only here does one see errors and warnings of a callback."""
        text = message if isinstance(message, str) else message.decode(errors="replace")
        text = text.replace('": "', '":"')
        # JupyterLab asks each fresh kernel for its widgets, before ipywidgets is imported there.
        text = re.sub(r'"name":"stderr", *"text":"No such comm[^"]*"', "", text)
        self.redrawn += '"msg_type":"update_display_data"' in text
        if '"msg_type":"error"' in text or '"name":"stderr"' in text:
            self.complaints.append(text)

    def start_all(self) -> None:
        """Begin to run all cells."""
        self.page.evaluate(_RUN_ALL)

    def finish(self) -> list[str]:
        """Wait until they have run; return the errors."""
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
        """Errors from the browser's console, from the kernel and in the server's log."""
        logged = [
            line
            for line in self._log.read_text().splitlines()
            if line.startswith(("[E ", "[C ", "Traceback"))
        ]
        return self.complaints + logged


@contextmanager
def launch() -> Iterator[Browser | None]:
    """Headless Chromium that can reach nothing but this machine; None if there is none.

    It is the system's Chromium or Chrome, or the one that Playwright installs.
    """
    arguments = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
                 "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # or it does not start for root, as in CI
    with sync_playwright() as playwright:
        names = (
            "chromium",
            "chromium-browser",
            "google-chrome",
            "chrome",
            playwright.chromium.executable_path,
        )
        if found := next(filter(None, map(shutil.which, names)), None):
            browser = playwright.chromium.launch(executable_path=found, args=arguments)
            yield browser
            browser.close()
        else:
            yield None
