"""What a learner has set up for other work, in files or the environment, changes nothing here."""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keras
import nbformat
import numpy as np
import pytest
from PIL import Image

from fresh_python import printed_by_python
from mnist_cnn.data import Dataset, load_images
from mnist_cnn.runs import Run
from mnist_cnn.training import train

KERAS_JSON = {
    "backend": "theano",
    "floatx": "float16",
    "image_data_format": "channels_first",
    "epsilon": 0.01,
}
ELSEWHERE = {
    "KERAS_MAX_EPOCHS": "1",
    "KERAS_MAX_STEPS_PER_EPOCH": "2",
    "TF_DETERMINISTIC_OPS": "1",
    "ONEDNN_DEFAULT_FPMATH_MODE": "BF16",
}
MATPLOTLIBRC = """
image.origin: lower
text.usetex: True
font.size: 30
figure.facecolor: red
savefig.dpi: 20
axes.grid: True
lines.linewidth: 9
"""


def bytes_of(run: Run) -> bytes:
    return b"".join(array.tobytes() for array in run.weights)


TRAIN = """
import hashlib
from dataclasses import replace
import mnist_cnn.backend
import keras
from mnist_cnn.data import load_images
from mnist_cnn.training import train

digits = load_images(source="sample")
few = replace(digits, x_train=digits.x_train[:500], y_train=digits.y_train[:500])
run = train("averaged", few, epochs=1, precision="float32", progress=lambda *_: None)
print(hashlib.sha256(b"".join(array.tobytes() for array in run.weights)).hexdigest())
print(keras.layers.Conv2D(3, 3)(keras.ops.zeros((1, 28, 28, 1))).shape)
print(keras.config.floatx(), keras.config.epsilon())
"""


@pytest.mark.slow
def test_keras_json_and_the_environment_change_no_weights(
    few: Dataset, runs: Path, tmp_path: Path
) -> None:
    """Nor the layers that the notebooks build with plain Keras."""
    (tmp_path / "keras.json").write_text(json.dumps(KERAS_JSON))
    printed = printed_by_python(TRAIN, os.environ | ELSEWHERE | {"KERAS_HOME": str(tmp_path)})
    usual = train("averaged", few, epochs=1, precision="float32", name="usual")
    assert printed.splitlines() == [
        hashlib.sha256(bytes_of(usual)).hexdigest(),
        "(1, 26, 26, 3)",
        "float32 1e-07",
    ]


@pytest.fixture
def changed_settings() -> Iterator[None]:
    """Settings that somebody has made in the notebook itself."""
    config = keras.config
    before = (config.floatx(), config.image_data_format(), config.dtype_policy())
    config.set_floatx("float16")
    config.set_image_data_format("channels_first")
    config.set_dtype_policy("mixed_float16")
    config.set_max_epochs(1)
    config.set_max_steps_per_epoch(2)
    yield
    config.set_floatx(before[0])
    config.set_image_data_format(before[1])
    config.set_dtype_policy(before[2])
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


@pytest.fixture(scope="module")
def usual(sample: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two epochs of 34 steps, more than TensorFlow takes at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_CNN_RUNS", str(tmp_path_factory.mktemp("runs")))
        return train("improved", fewer(sample), epochs=2, precision="float32")


def fewer(sample: Dataset) -> Dataset:
    return replace(sample, x_train=sample.x_train[:1200], y_train=sample.y_train[:1200])


@pytest.mark.slow
def test_what_a_notebook_sets_changes_no_training_and_stays(
    sample: Dataset, runs: Path, usual: Run, changed_settings: None
) -> None:
    run = train("improved", fewer(sample), epochs=2, precision="float32")
    assert bytes_of(run) == bytes_of(usual) and run.history == usual.history
    config = keras.config
    assert (config.floatx(), config.image_data_format()) == ("float16", "channels_first")
    assert config.dtype_policy().name == "mixed_float16"
    assert (config.max_epochs(), config.max_steps_per_epoch()) == (1, 2)


# Figures

DRAW = """
import sys
import matplotlib
matplotlib.rcParams["legend.fontsize"] = 12  # what a notebook has set itself stays
import numpy as np
from mnist_cnn.plots import plot_history, show_digits
assert matplotlib.rcParams["legend.fontsize"] == 12
digits, history = sys.argv[1:]
show_digits(np.arange(2 * 28 * 28).reshape(2, 28, 28), ["a", "b"]).savefig(digits)
values = {"loss": [1, 0.5], "val_loss": [1, 0.6], "accuracy": [0.5, 0.8], "val_accuracy": [0.6, 1]}
plot_history(values, 2).savefig(history)
"""


@pytest.mark.slow
def test_figures_are_the_same_whatever_matplotlibrc_says(tmp_path: Path) -> None:
    drawn = []
    for content in ("", MATPLOTLIBRC):
        (tmp_path / "matplotlibrc").write_text(content)
        environment = os.environ | {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
        files = [tmp_path / "digits.png", tmp_path / "history.png"]
        printed_by_python(DRAW, environment, *map(str, files))
        drawn.append([file.read_bytes() for file in files])
    assert drawn[0] == drawn[1]


# Notebooks, as `make run` executes them

FIGURE = """
import numpy as np
from mnist_cnn.plots import show_digits
show_digits(np.arange(28 * 28).reshape(1, 28, 28))
"""
IPYTHON_CONFIG = """
c.InlineBackend.figure_formats = {"svg"}
c.InteractiveShellApp.exec_lines = ["print('hello')"]
"""


BROKEN_FIGURE = """
import numpy as np
from IPython.display import display
from mnist_cnn.plots import show_digits
figure = show_digits(np.arange(28 * 28).reshape(1, 28, 28), [r"$\\nothing$"])
display(figure)
"""


def run_notebooks(folder: Path, *codes: str, **settings: str) -> tuple[int, str]:
    """Execute notebooks of a cell and one that may fail; return the exit status and stderr."""
    (folder / "notebooks").mkdir()
    for number, code in enumerate(codes, 1):
        cells = [nbformat.v4.new_code_cell(code), nbformat.v4.new_code_cell("1 / 0")]
        cells[1].metadata.tags = ["raises-exception"]  # as somebody may show what goes wrong
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, folder / "notebooks" / f"0{number}_one.ipynb")
    environment = {k: v for k, v in os.environ.items() if k != "MPLBACKEND"} | settings
    done = subprocess.run(
        [sys.executable, "-m", "mnist_cnn"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    return done.returncode, done.stderr


@pytest.mark.slow
def test_notebooks_show_their_figures_or_fail(tmp_path: Path) -> None:
    """With another Python for the kernel python3, a profile of IPython, and another backend."""
    kernel = tmp_path / "home" / ".local" / "share" / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    about = {"argv": ["false", "{connection_file}"], "display_name": "Mine", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(about))
    profile = tmp_path / "home" / ".ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(IPYTHON_CONFIG)
    (tmp_path / "matplotlibrc").write_text(MATPLOTLIBRC)
    status, complaint = run_notebooks(
        tmp_path,
        FIGURE,
        BROKEN_FIGURE,
        HOME=str(tmp_path / "home"),
        JUPYTER_PREFER_ENV_PATH="0",
        MPLBACKEND="agg",
        MATPLOTLIBRC=str(tmp_path / "matplotlibrc"),
    )
    cell, _ = nbformat.read(tmp_path / "build" / "01_one.ipynb", as_version=4).cells
    (output,) = cell.outputs
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(output.data["image/png"]))))
    assert pixels[0, 0, :3].tolist() == [255, 255, 255]  # not red
    rows = np.flatnonzero((pixels[..., 0] < 250).any(axis=1))
    assert pixels[rows[0]].mean() > pixels[rows[-1]].mean()  # the first row, the palest, is on top

    assert status == 1  # as the figure of the second cannot be drawn
    # Before it, without full MNIST, there is the warning that the sample is used
    assert re.search("^02_one.ipynb failed: ValueError: ", complaint, re.MULTILINE)
    assert "nothing" in complaint and "shows how far it came" in complaint


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("a file where a folder should be")
    status, complaint = run_notebooks(tmp_path, "6 * 7")
    assert status == 1
    assert re.fullmatch(
        r"The executed notebooks cannot be saved: .*build.*can write to.",
        complaint.splitlines()[-1],
    )


# Paths, docstrings and pip


def test_a_relative_mnist_npz_means_the_same_everywhere(
    sample: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {name: getattr(sample, name) for name in ("x_train", "y_train", "x_test", "y_test")}
    (tmp_path / "data").mkdir()
    np.savez(tmp_path / "data" / "mine.npz", **arrays)
    monkeypatch.setenv("MNIST_NPZ", "data/mine.npz")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01_data_loading.ipynb").touch()
    for folder in ("notebooks", "my-notebooks", "."):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)
        assert load_images().source == "mine-images"


@pytest.mark.parametrize("module", ["mnist_cnn", "mnist_cnn.copies"])
def test_commands_work_without_docstrings(module: str) -> None:
    command = [sys.executable, "-OO", "-m", module, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and f"usage: python -m {module}" in done.stdout


@pytest.mark.slow
def test_make_sets_up_whatever_pip_is_configured_to_do(tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text("[install]\nuser = true\n")
    pip = tmp_path / "env" / "bin" / "pip"
    command = ["make", f"ENV={tmp_path / 'env'}", f"PYTHON={sys.executable}", pip]
    environment = {k: v for k, v in os.environ.items() if k != "PIP_USER"}
    environment |= {"HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    (tmp_path / "ensurepip.py").write_text("raise ImportError('of another project')\n")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert pip.exists()
