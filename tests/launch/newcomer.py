"""A new user of the project: an empty home, no privileges, nothing installed."""

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from lab import Server
from repository import copy_repository

USER_ID = 1000  # also that of Binder's user
MEMORY = 2 * 1024**3  # bytes that a session at mybinder.org may take
# Settings that pip may need to reach PyPI; nothing else of our environment is passed on.
_TO_PYPI = re.compile("PIP_|SSL_|REQUESTS_|https?_proxy|no_proxy", re.IGNORECASE)


class Newcomer:
    """Calls commands with a home of their own, and not as root, even if root runs the tests."""

    def __init__(self, folder: Path, variables: dict[str, str] | None = None):
        self.folder = folder
        to_pypi = {name: value for name, value in os.environ.items() if _TO_PYPI.match(name)}
        usual = {
            "HOME": str(folder / "home"),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
        }
        self.environment = to_pypi | usual | (variables or {})
        self.home = Path(self.environment["HOME"])
        self._as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            self._as_user = {"user": USER_ID, "group": USER_ID, "extra_groups": [], "umask": 0o022}
        self.home.mkdir(parents=True, exist_ok=True)
        self.give(self.home)

    def give(self, *paths: Path) -> None:
        """Give them these files, and the folders that they lie in."""
        if self._as_user:
            inside = {
                folder for path in paths for folder in path.parents if self.folder in folder.parents
            }
            for path in {*paths, *inside, self.folder}:
                os.chown(path, USER_ID, USER_ID)

    def clone(self, folder: Path) -> Path:
        """Give them a copy of the repository."""
        self.give(*copy_repository(folder))
        return folder

    def copy(self, source: Path, target: Path) -> None:
        """Give them a copy of a file."""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        self.give(target)

    def run(self, *command: str | Path, folder: Path | None = None) -> str:
        """Call a command; return what it prints, without colours.

        Raises:
            RuntimeError: the command failed; the error shows what it printed.
        """
        done = subprocess.run(
            [*map(str, command)],
            **self.popen_options(folder),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1800,
        )
        printed = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
        if done.returncode:
            raise RuntimeError(
                f"{shlex.join(map(str, command))} ended with {done.returncode}:\n{printed}"
            )
        return printed

    def popen_options(self, folder: Path | None = None) -> dict:
        """For a process of theirs."""
        return {"env": self.environment, "cwd": folder or self.home, **self._as_user}

    def commit(self, folder: Path) -> None:
        """Make a folder of theirs a git repository with everything in it."""
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
        self.run(*git, "init", "--quiet", folder=folder)
        self.run(*git, "add", ".", folder=folder)
        self.run(*git, "commit", "--quiet", "--message=all", folder=folder)

    def find_python(self, version: str = "3.11") -> str:
        """Find a Python of that version that they may call: one in the home of root is of no use.

        Raises:
            LookupError: there is none.
        """
        name = f"python{version}"
        for found in filter(
            None, (f"/usr/bin/{name}", f"/usr/local/bin/{name}", shutil.which(name))
        ):
            with suppress(OSError, RuntimeError):
                self.run(found, "-c", "import ensurepip, venv")
                return found
        raise LookupError(
            f"{name} with venv is needed, where every user may call it; on Debian: apt install "
            f"{name}-venv"
        )

    def make_environment(
        self, folder: Path, *packages: str, version: str = "3.11", within: Path | None = None
    ) -> Path:
        """Make a virtual environment, and let its pip install these packages; return its bin/."""
        self.run(self.find_python(version), "-m", "venv", folder)
        pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
        self.run(*pip, "--upgrade", "pip")
        if packages:
            self.run(*pip, "--no-compile", *packages, folder=within)
        return folder / "bin"


class Session(Server):
    """A JupyterLab of theirs, on one core and with no more memory than at Binder.

    Its processes are killed if together they take more.
    """

    def __init__(
        self,
        newcomer: Newcomer,
        command: list[str],
        folder: Path,
        address: str = "",
        token: str = "",
    ):
        """With no address it is the one that JupyterLab prints."""
        config = newcomer.home / ".jupyter" / "jupyter_lab_config.py"
        config.parent.mkdir(exist_ok=True)
        config.write_text("c.LabApp.expose_app_in_browser = True\n")  # for lab.Notebook
        newcomer.give(config)
        self.peak = 0  # bytes
        self.out_of_memory = False
        self._over = threading.Event()
        super().__init__(
            command, address, token, newcomer.folder / "log.txt", **newcomer.popen_options(folder)
        )
        for process in self._processes():
            process.cpu_affinity([min(os.sched_getaffinity(0))])
        threading.Thread(target=self._watch, daemon=True).start()

    def ping(self) -> None:
        """Ask the server whether it is there; with no address given, at the one that it printed."""
        if not self.address:
            printed = re.search(
                r"(http://127\.0\.0\.1:\d+)/lab\S*token=(\w+)", self.log.read_text()
            )
            if not printed:
                raise ConnectionError("no address yet")
            self.address, self.token = printed.groups()
        super().ping()

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):  # the server has ended
            server = psutil.Process(self.process.pid)
            return [server, *server.children(recursive=True)]
        return []

    def _watch(self) -> None:
        """Ten times a second, add up the memory of all processes; what they share counts once."""
        while not self._over.wait(0.1):
            taken = 0
            processes = self._processes()
            for process in processes:
                with suppress(psutil.Error, OSError):  # it has just ended
                    taken += process.memory_full_info().pss
            self.peak = max(self.peak, taken)
            if taken > MEMORY:
                self.out_of_memory = True
                for process in processes:
                    with suppress(psutil.Error):
                        process.kill()

    def stop(self) -> None:
        self._over.set()
        super().stop()
        assert not self.out_of_memory, (
            f"JupyterLab and its kernels took more than {MEMORY / 1e9:.2f} GB"
        )


@contextmanager
def newcomer_in(name: str) -> Iterator[Newcomer]:
    """A newcomer with a temporary folder, which other users than root can enter."""
    with tempfile.TemporaryDirectory(prefix=f"mnist-cnn-{name}-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Newcomer(Path(folder))
