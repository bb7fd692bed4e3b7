"""What all tests share: where runs go, where the data are, and that nothing is skipped in silence."""

import os
import re
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import pytest

from mnist_cnn.data import Mnist, load_mnist

MEMORY_LIMIT = 1250  # MB in the kernel of a notebook: Binder gives 2 GB to JupyterLab and all its kernels

NO_FULL_DATA = "full MNIST is not here: connect to the network, or set MNIST_NPZ to an mnist.npz file"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the runs of the tests, and of the notebooks' kernels, apart from the learner's."""
    runs = tempfile.TemporaryDirectory(prefix="mnist-cnn-runs-")
    config.add_cleanup(runs.cleanup)
    os.environ["MNIST_CNN_RUNS"] = runs.name
    config.pluginmanager.register(KernelMemory())


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Their outputs are those of the full data; without it test_series.py still executes every notebook."""
    if collection_path.suffix == ".ipynb" and full_mnist() is None:
        return True
    return None


class KernelMemory:
    """Watch how much memory the kernels of the notebooks take (on Linux).

    A plugin of its own, because the hooks of this file itself see no item outside tests/.
    """

    def __init__(self) -> None:
        self.peaks: dict[str, float] = {}  # MB, by notebook

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """After every cell, see how much it was at most so far."""
        if item.path.suffix == ".ipynb":
            status = Path(f"/proc/{item.parent.kernel.km.provisioner.pid}/status")
            if status.exists() and (kibibytes := re.search(r"VmHWM:\s+(\d+)", status.read_text())):
                self.peaks[item.path.stem] = int(kibibytes[1]) * 1024 / 1e6
        result = yield
        peak = self.peaks.get(item.path.stem, 0)
        assert peak < MEMORY_LIMIT, f"the kernel has taken {peak:,.0f} MB, and may take {MEMORY_LIMIT:,}"
        return result

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for notebook, peak in self.peaks.items():
            terminalreporter.write_line(f"{notebook}: at most {peak:,.0f} MB in its kernel")

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Every notebook that ran has to have been watched."""
        ran = {item.path.stem for item in session.items if item.path.suffix == ".ipynb"}
        if exitstatus == 0 and sys.platform == "linux" and ran - self.peaks.keys():
            print(f"\nThe memory of these notebooks was not measured: {sorted(ran - self.peaks.keys())}")
            session.exitstatus = 1


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI every test has to run."""
    skipped = session.config.pluginmanager.get_plugin("terminalreporter").stats.get("skipped", [])
    if os.environ.get("CI") and skipped and exitstatus == 0:
        print(f"\nNothing may be skipped in CI, but {len(skipped)} tests were.")
        session.exitstatus = 1


@cache
def full_mnist() -> Mnist | None:
    try:
        return load_mnist(source="full")
    except ConnectionError:
        return None


@pytest.fixture(scope="session")
def full() -> Mnist:
    """Full MNIST."""
    if full_mnist() is None:
        pytest.skip(NO_FULL_DATA)
    return full_mnist()


@pytest.fixture(scope="session")
def sample() -> Mnist:
    """The 5,000 digits that are always there."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return load_mnist(source="sample")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the runs of one test."""
    monkeypatch.setenv("MNIST_CNN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of a machine with no network, no MNIST_NPZ and an empty Keras cache."""
    for name in ("MNIST_NPZ", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for scheme in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")  # nobody listens on the discard port
    return dict(os.environ)
