"""Where things are: the project, its notebooks, the learner's runs, Keras's cache."""

import os
from pathlib import Path

NO_NOTEBOOKS = "There is no notebook in ./notebooks: start this from the top folder of the project."


def project_folder() -> Path:
    """The folder whose `notebooks/` holds the series, from anywhere in it; or the current one."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if find_notebooks(folder):  # not just any folder that is called notebooks
            return folder
    return here


def find_notebooks(top: Path) -> list[Path]:
    """The notebooks of the series, in their order; none if this is another folder."""
    return sorted((top / "notebooks").glob("[0-9]*_*.ipynb"))


def runs_folder() -> Path:
    """Where the learner's runs are: where MNIST_CNN_RUNS says, else `runs/` beside `notebooks/`."""
    return project_folder() / os.path.expanduser(os.environ.get("MNIST_CNN_RUNS") or "runs")


def keras_cache() -> Path:
    """Where Keras keeps MNIST when it has downloaded it, as `keras.utils.get_file` does."""
    home = os.path.expanduser(os.environ.get("KERAS_HOME", "~/.keras"))
    return Path(home, "datasets", "mnist.npz")


def short_path(file: Path) -> str:
    """The name of a file with that of its folder, as messages show it: "runs/relu.npz"."""
    return f"{file.parent.name}/{file.name}"
